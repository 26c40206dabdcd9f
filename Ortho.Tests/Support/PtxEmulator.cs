using System.Globalization;
using System.Text.RegularExpressions;

namespace Ortho.Tests.Support;

/// <summary>Runs generated tensor-core PTX without a GPU: every instruction for all threads of a block in turn.</summary>
/// <remarks>
/// That is right for kernels whose branches all threads take alike, which is checked. Asynchronous copies arrive when they are waited for and
/// not before, shared memory holds NaN until it is written, addresses are checked for alignment and bounds, and numbers that tf32 instructions
/// take for being rounded: what such kernels get wrong. Races between barriers and speed it cannot show.
/// </remarks>
public sealed partial class PtxEmulator
{
    const int Warp = 32;

    sealed record Instruction(string? Predicate, bool IsNegated, string Name, string[] Arguments);

    readonly List<Instruction> program = [];
    readonly Dictionary<string, int> labels = [];
    readonly List<string> parameters = [];
    readonly Dictionary<string, ulong[]> registers = [];
    readonly byte[] memory;
    readonly List<(int To, int From)> copies = [];
    readonly Queue<List<(int To, int From)>> groups = new();
    byte[] shared = [];
    int threads;

    /// <summary>A program and the device memory that it works on.</summary>
    /// <param name="ptx">Text of one kernel.</param>
    /// <param name="memory">Device memory; addresses are positions in it.</param>
    public PtxEmulator(string ptx, byte[] memory)
    {
        this.memory = memory;
        var open = ptx.IndexOf('{', ptx.IndexOf(".entry", StringComparison.Ordinal));
        parameters.AddRange(ParameterPattern().Matches(ptx[..open]).Select(match => match.Groups[1].Value));
        foreach (Match match in StatementPattern().Matches(ptx[(open + 1)..ptx.LastIndexOf('}')]))
        {
            if (match.Groups[1].Success)
                labels[match.Groups[1].Value] = program.Count;
            else if (match.Groups[2].Value.Trim() is { Length: > 0 } statement && !statement.StartsWith('.'))
                program.Add(Parse(statement));
        }
    }

    [GeneratedRegex(@"\.param\s+\.\w+\s+(\w+)")] private static partial Regex ParameterPattern();

    [GeneratedRegex(@"(\w+):(?!:)|([^;:]+(?:::[^;:]+)*);")] private static partial Regex StatementPattern();

    // Commas outside braces.
    [GeneratedRegex(@",(?![^{]*\})")] private static partial Regex CommaPattern();

    static Instruction Parse(string statement)
    {
        var (predicate, negated) = ((string?)null, false);
        if (statement[0] == '@')
        {
            negated = statement[1] == '!';
            var end = statement.IndexOf(' ', StringComparison.Ordinal);
            (predicate, statement) = (statement[(negated ? 2 : 1)..end], statement[end..].Trim());
        }
        return statement.Split(' ', 2) is [var name, var arguments]
            ? new(predicate, negated, name, [.. CommaPattern().Split(arguments).Select(argument => argument.Trim())])
            : new(predicate, negated, statement, []);
    }

    /// <summary>Runs all blocks, one after the other.</summary>
    /// <param name="grid">Blocks along x, y and z.</param>
    /// <param name="threads">Threads of a block.</param>
    /// <param name="sharedBytes">Dynamic shared memory.</param>
    /// <param name="arguments">Values of the parameters.</param>
    /// <exception cref="InvalidOperationException">The kernel does what a device would not do, or what this does not know.</exception>
    public void Launch((int X, int Y, int Z) grid, int threads, int sharedBytes, params ReadOnlySpan<long> arguments)
    {
        var values = parameters.Zip(arguments.ToArray()).ToDictionary();
        this.threads = threads;
        for (var block = 0; block < grid.X * grid.Y * grid.Z; block++)
        {
            shared = new byte[sharedBytes];
            Array.Fill(shared, (byte)0xff);
            registers.Clear();
            copies.Clear();
            groups.Clear();
            Run(values, (block % grid.X, block / grid.X % grid.Y, block / grid.X / grid.Y));
        }
    }

    void Run(Dictionary<string, long> values, (int X, int Y, int Z) block)
    {
        for (var at = 0; at < program.Count;)
        {
            var instruction = program[at++];
            var (name, arguments) = (instruction.Name, instruction.Arguments);
            bool IsActive(int thread) => instruction.Predicate is null || Of(instruction.Predicate)[thread] != 0 != instruction.IsNegated;
            if (name.StartsWith("st.global", StringComparison.Ordinal))
            {
                for (var thread = 0; thread < threads; thread++)
                {
                    if (IsActive(thread))
                        StoreSingle(arguments, thread);
                }
                continue;
            }
            var active = IsActive(0);
            for (var thread = 1; thread < threads; thread++)
            {
                if (IsActive(thread) != active)
                    throw new InvalidOperationException($"threads 0 and {thread} do not agree on @{instruction.Predicate} {name}");
            }
            if (!active)
                continue;
            switch (name)
            {
                case "ret": return;
                case "bra": at = labels[arguments[0]]; break;
                case "bar.sync": break;
                case "cp.async.commit_group":
                    groups.Enqueue([.. copies]);
                    copies.Clear();
                    break;
                case "cp.async.wait_group": Arrive(int.Parse(arguments[0], CultureInfo.InvariantCulture)); break;
                case "cp.async.cg.shared.global": Copy(arguments); break;
                case var load when load.StartsWith("ld.param", StringComparison.Ordinal): Array.Fill(Of(arguments[0]), (ulong)values[arguments[1].Trim('[', ']')]); break;
                case var load when load.StartsWith("ldmatrix", StringComparison.Ordinal): LoadMatrices(arguments); break;
                case var multiply when multiply.StartsWith("mma.sync", StringComparison.Ordinal): Multiply(multiply, arguments); break;
                default: Compute(name, arguments, block); break;
            }
        }
    }

    ulong[] Of(string register)
    {
        if (!registers.TryGetValue(register, out var values))
            registers[register] = values = new ulong[threads];
        return values;
    }

    ulong[][] List(string argument) => [.. argument.Trim('{', '}').Split(',').Select(name => Of(name.Trim()))];

    // An address [register+offset] for a thread.
    int Address(string argument, int thread, int bytes, byte[] target)
    {
        var parts = argument.Trim('[', ']').Split('+');
        var address = (long)Of(parts[0])[thread] + (parts.Length > 1 ? long.Parse(parts[1], CultureInfo.InvariantCulture) : 0);
        return address % bytes == 0 && address >= 0 && address + bytes <= target.Length
            ? (int)address
            : throw new InvalidOperationException($"thread {thread}: {argument} is address {address}, for {bytes} bytes of {target.Length}");
    }

    void Copy(string[] arguments)
    {
        for (var thread = 0; thread < threads; thread++)
            copies.Add((Address(arguments[0], thread, 16, shared), Address(arguments[1], thread, 16, memory)));
    }

    void Arrive(int pending)
    {
        while (groups.Count > pending)
        {
            foreach (var (to, from) in groups.Dequeue())
                memory.AsSpan(from, 16).CopyTo(shared.AsSpan(to));
        }
    }

    void StoreSingle(string[] arguments, int thread)
        => BitConverter.TryWriteBytes(memory.AsSpan(Address(arguments[0], thread, 4, memory)), (uint)Of(arguments[1])[thread]);

    // Register i of lane l: word l % 4 of row l / 4 of matrix i, whose rows begin where lanes 8 i to 8 i + 7 say.
    void LoadMatrices(string[] arguments)
    {
        var to = List(arguments[0]);
        for (var warp = 0; warp < threads; warp += Warp)
        {
            for (var i = 0; i < to.Length; i++)
            {
                for (var lane = 0; lane < Warp; lane++)
                    to[i][warp + lane] = BitConverter.ToUInt32(shared, Address(arguments[1], warp + 8 * i + lane / 4, 16, shared) + 4 * (lane % 4));
            }
        }
    }

    // PTX ISA, "Matrix fragments for mma.m16n8k16 / mma.m16n8k8": with g = lane / 4 and q = lane % 4, word r of a holds row g + 8 (r % 2) and
    // columns that begin at 2 q + 8 (r / 2) (16 bits) or are q + 4 (r / 2) (32 bits); b likewise with its column g.
    void Multiply(string name, string[] arguments)
    {
        var (d, a, b, c) = (List(arguments[0]), List(arguments[1]), List(arguments[2]), List(arguments[3]));
        var depth = name.Contains("k16", StringComparison.Ordinal) ? 16 : 8;
        var (left, right) = (new float[16, depth], new float[depth, 8]);
        for (var warp = 0; warp < threads; warp += Warp)
        {
            for (var lane = 0; lane < Warp; lane++)
            {
                var (g, q) = (lane / 4, lane % 4);
                for (var r = 0; r < 4; r++)
                    Numbers(name, (uint)a[r][warp + lane], (k, value) => left[g + 8 * (r % 2), depth / 2 * (r / 2) + depth / 8 * q + k] = value);
                for (var r = 0; r < 2; r++)
                    Numbers(name, (uint)b[r][warp + lane], (k, value) => right[depth / 2 * r + depth / 8 * q + k, g] = value);
            }
            for (var lane = 0; lane < Warp; lane++)
            {
                for (var e = 0; e < 4; e++)
                {
                    var (row, column) = (lane / 4 + 8 * (e / 2), 2 * (lane % 4) + e % 2);
                    var sum = BitConverter.UInt32BitsToSingle((uint)c[e][warp + lane]);
                    for (var k = 0; k < depth; k++)
                        sum += left[row, k] * right[k, column];
                    d[e][warp + lane] = BitConverter.SingleToUInt32Bits(sum);
                }
            }
        }
    }

    static void Numbers(string name, uint word, Action<int, float> found)
    {
        if (name.Contains("tf32", StringComparison.Ordinal))
        {
            if ((word & 0x1fff) != 0 && !float.IsNaN(BitConverter.UInt32BitsToSingle(word)))
                throw new InvalidOperationException($"{BitConverter.UInt32BitsToSingle(word):r} is not rounded to tf32");
            found(0, BitConverter.UInt32BitsToSingle(word));
            return;
        }
        foreach (var (k, half) in new[] { (ushort)word, (ushort)(word >> 16) }.Index())
            found(k, name.Contains("bf16", StringComparison.Ordinal) ? BitConverter.UInt32BitsToSingle((uint)half << 16) : (float)BitConverter.UInt16BitsToHalf(half));
    }

    void Compute(string name, string[] arguments, (int X, int Y, int Z) block)
    {
        var results = new ulong[threads];
        for (var thread = 0; thread < threads; thread++)
        {
            ulong X(int i) => Value(arguments[i], thread, block);
            uint U(int i) => (uint)X(i);
            results[thread] = name switch
            {
                "mov.u32" or "mov.u64" or "mov.f32" or "cvta.to.global.u64" => X(1),
                "cvt.u64.u32" => U(1),
                "and.b32" => U(1) & U(2),
                "xor.b32" => U(1) ^ U(2),
                "shr.u32" => U(1) >> (int)U(2),
                "shl.b32" => U(1) << (int)U(2),
                "shl.b64" => X(1) << (int)U(2),
                "add.u32" => U(1) + U(2),
                "add.u64" => X(1) + X(2),
                "rem.u32" => U(1) % U(2),
                "div.u32" => U(1) / U(2),
                "mad.lo.u32" => (uint)(U(1) * U(2) + U(3)),
                "mad.lo.u64" => X(1) * X(2) + X(3),
                "mul.wide.u32" => (ulong)U(1) * U(2),
                "setp.lt.u32" => U(1) < U(2) ? 1UL : 0,
                "setp.gt.u32" => U(1) > U(2) ? 1UL : 0,
                "setp.eq.u32" => U(1) == U(2) ? 1UL : 0,
                "setp.lt.and.u32" => U(1) < U(2) && X(3) != 0 ? 1UL : 0,
                "selp.u32" => X(3) != 0 ? U(1) : U(2),
                _ => throw new InvalidOperationException($"unknown instruction {name}"),
            };
        }
        results.CopyTo(Of(arguments[0]), 0);
    }

    ulong Value(string argument, int thread, (int X, int Y, int Z) block) => argument switch
    {
        "%tid.x" => (ulong)thread,
        "%ctaid.x" => (ulong)block.X,
        "%ctaid.y" => (ulong)block.Y,
        "%ctaid.z" => (ulong)block.Z,
        "tiles" => 0,
        ['0', 'f', .. var bits] => Convert.ToUInt32(bits, 16),
        _ when char.IsAsciiDigit(argument[0]) => ulong.Parse(argument, CultureInfo.InvariantCulture),
        _ => registers.TryGetValue(argument, out var values) ? values[thread] : throw new InvalidOperationException($"{argument} is read before it is written"),
    };
}
