using System.Globalization;
using System.Text.RegularExpressions;

namespace Ortho.Tests.Support;

/// <summary>Runs generated tensor-core PTX without a GPU: every instruction for all threads of a block in turn.</summary>
/// <remarks>
/// That is right for kernels whose branches all threads take alike, which is checked. Asynchronous copies and products are done when they are
/// waited for and not before; who sees what is in shared memory is <see cref="EmulatedShared"/>'s; addresses are checked for alignment and
/// bounds, and numbers that tf32 instructions take for being rounded: what such kernels get wrong. Speed it cannot show.
/// </remarks>
public sealed partial class PtxEmulator
{
    const int Warp = 32;

    sealed record Instruction(string? Predicate, bool IsNegated, string Name, string[] Arguments);

    readonly List<Instruction> program = [];
    readonly Dictionary<string, int> labels = [];
    readonly List<string> parameters = [];
    readonly Dictionary<string, ulong[]> registers = [];
    readonly DeviceMemory memory;
    readonly List<(int To, long From)> copies = [];
    readonly Queue<List<(int To, long From)>> groups = new();
    EmulatedShared shared = new(0);
    int threads;

    /// <summary>So many bytes of device memory at an address, or an error where there are none.</summary>
    public delegate Span<byte> DeviceMemory(long address, int bytes);

    /// <summary>A program and the device memory that it works on.</summary>
    /// <param name="ptx">Text of one kernel.</param>
    /// <param name="memory">Device memory; addresses are positions in it.</param>
    public PtxEmulator(string ptx, byte[] memory) : this(ptx, (address, bytes) => address >= 0 && address + bytes <= memory.Length
        ? memory.AsSpan((int)address, bytes) : throw new InvalidOperationException($"{bytes} bytes at {address} of {memory.Length}"))
    {
    }

    /// <summary>A program and the device memory that it works on.</summary>
    /// <param name="ptx">Text of one kernel.</param>
    /// <param name="memory">Device memory.</param>
    public PtxEmulator(string ptx, DeviceMemory memory)
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
            shared = new(sharedBytes);
            registers.Clear();
            copies.Clear();
            groups.Clear();
            unfenced.Clear();
            Run(values, (block % grid.X, block / grid.X % grid.Y, block / grid.X / grid.Y));
            if (underWay.Count > 0)
                throw new InvalidOperationException("the kernel ends before its products");
        }
    }

    void Run(Dictionary<string, long> values, (int X, int Y, int Z) block)
    {
        for (var at = 0; at < program.Count;)
        {
            var instruction = program[at++];
            var (name, arguments) = (instruction.Name, instruction.Arguments);
            bool IsActive(int thread) => instruction.Predicate is null || Of(instruction.Predicate)[thread] != 0 != instruction.IsNegated;
            if (name.StartsWith("st.global", StringComparison.Ordinal) || name.StartsWith("ld.global", StringComparison.Ordinal))
            {
                for (var thread = 0; thread < threads; thread++)
                {
                    if (IsActive(thread))
                        Access(name, arguments, thread);
                }
                continue;
            }
            var active = IsActive(0);
            for (var thread = 1; instruction.Predicate is not null && thread < threads; thread++)
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
                case "bar.sync": shared.Meet(); break;
                case "fence.proxy.async.shared::cta": shared.Fence(); break;
                case "wgmma.fence.sync.aligned": unfenced.Clear(); break;
                case "wgmma.commit_group.sync.aligned":
                    productGroups.Enqueue([.. products]);
                    products.Clear();
                    break;
                case "wgmma.wait_group.sync.aligned": Await(int.Parse(arguments[0], CultureInfo.InvariantCulture)); break;
                case "cp.async.commit_group":
                    groups.Enqueue([.. copies]);
                    copies.Clear();
                    break;
                case "cp.async.wait_group": Arrive(int.Parse(arguments[0], CultureInfo.InvariantCulture)); break;
                case "cp.async.cg.shared.global": Copy(arguments); break;
                case var load when load.StartsWith("ld.param", StringComparison.Ordinal): Array.Fill(Write(arguments[0]), name.Contains("64", StringComparison.Ordinal) ? (ulong)values[arguments[1].Trim('[', ']')] : (uint)values[arguments[1].Trim('[', ']')]); break;
                case var load when load.StartsWith("ldmatrix", StringComparison.Ordinal): LoadMatrices(arguments); break;
                case var multiply when multiply.StartsWith("mma.sync", StringComparison.Ordinal): Multiply(multiply, arguments); break;
                case var multiply when multiply.StartsWith("wgmma.mma_async", StringComparison.Ordinal): Begin(multiply, arguments); break;
                default: Compute(name, arguments, block); break;
            }
        }
    }

    // What is under way belongs to the tensor cores.
    ulong[] Of(string register)
    {
        if (underWay.Contains(register))
            throw new InvalidOperationException($"{register} is used while a product that adds to it is under way");
        if (!registers.TryGetValue(register, out var values))
            registers[register] = values = new ulong[threads];
        return values;
    }

    ulong[] Write(string register)
    {
        unfenced.Add(register);
        return Of(register);
    }

    static string[] Names(string argument) => [.. argument.Trim('{', '}').Split(',').Select(name => name.Trim())];

    ulong[][] List(string argument) => [.. Names(argument).Select(Of)];

    // An address [register+offset] for a thread.
    long Address(string argument, int thread, int bytes)
    {
        var parts = argument.Trim('[', ']').Split('+');
        var address = (long)Of(parts[0])[thread] + (parts.Length > 1 ? long.Parse(parts[1], CultureInfo.InvariantCulture) : 0);
        return address % bytes == 0 ? address : throw new InvalidOperationException($"thread {thread}: {argument} is address {address}, for {bytes} bytes");
    }

    void Copy(string[] arguments)
    {
        for (var thread = 0; thread < threads; thread++)
        {
            var to = (int)Address(arguments[0], thread, 16);
            shared.Expect(to);
            copies.Add((to, Address(arguments[1], thread, 16)));
        }
    }

    void Arrive(int pending)
    {
        while (groups.Count > pending)
        {
            foreach (var (to, from) in groups.Dequeue())
                shared.Arrive(to, memory(from, 16));
        }
    }

    // One number, or two neighbours.
    void Access(string name, string[] arguments, int thread)
    {
        var loads = name.StartsWith("ld", StringComparison.Ordinal);
        var list = Names(arguments[loads ? 0 : 1]);
        if (list.Length != (name.Contains(".v2", StringComparison.Ordinal) ? 2 : 1))
            throw new InvalidOperationException($"{name} with {list.Length} registers");
        var place = memory(Address(arguments[loads ? 1 : 0], thread, 4 * list.Length), 4 * list.Length);
        for (var i = 0; i < list.Length; i++)
        {
            if (loads)
                Write(list[i])[thread] = BitConverter.ToUInt32(place[(4 * i)..]);
            else
                BitConverter.TryWriteBytes(place[(4 * i)..], (uint)Of(list[i])[thread]);
        }
    }

    // Register i of lane l: word l % 4 of row l / 4 of matrix i, whose rows begin where lanes 8 i to 8 i + 7 say.
    void LoadMatrices(string[] arguments)
    {
        var to = List(arguments[0]);
        for (var warp = 0; warp < threads; warp += Warp)
        {
            for (var i = 0; i < to.Length; i++)
            {
                for (var lane = 0; lane < Warp; lane++)
                    to[i][warp + lane] = shared.Read((int)Address(arguments[1], warp + 8 * i + lane / 4, 16) + 4 * (lane % 4));
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

    static readonly Dictionary<string, Func<ulong, ulong, ulong, ulong>> operations = new()
    {
        ["mov.u32"] = (x, _, _) => x,
        ["mov.u64"] = (x, _, _) => x,
        ["mov.f32"] = (x, _, _) => x,
        ["cvta.to.global.u64"] = (x, _, _) => x,
        ["cvt.u64.u32"] = (x, _, _) => (uint)x,
        ["and.b32"] = (x, y, _) => (uint)(x & y),
        ["xor.b32"] = (x, y, _) => (uint)(x ^ y),
        ["shr.u32"] = (x, y, _) => (uint)x >> (int)y,
        ["shl.b32"] = (x, y, _) => (uint)x << (int)y,
        ["shl.b64"] = (x, y, _) => x << (int)y,
        ["add.u32"] = (x, y, _) => (uint)(x + y),
        ["add.u64"] = (x, y, _) => x + y,
        ["rem.u32"] = (x, y, _) => (uint)x % (uint)y,
        ["div.u32"] = (x, y, _) => (uint)x / (uint)y,
        ["mad.lo.u32"] = (x, y, z) => (uint)(x * y + z),
        ["mad.lo.u64"] = (x, y, z) => x * y + z,
        ["mul.wide.u32"] = (x, y, _) => (ulong)(uint)x * (uint)y,
        ["mul.rn.f32"] = (x, y, _) => Bits(Single(x) * Single(y)),
        ["fma.rn.f32"] = (x, y, z) => Bits(MathF.FusedMultiplyAdd(Single(x), Single(y), Single(z))),
        ["and.pred"] = (x, y, _) => x & y,
        ["setp.lt.u32"] = (x, y, _) => (uint)x < (uint)y ? 1UL : 0,
        ["setp.gt.u32"] = (x, y, _) => (uint)x > (uint)y ? 1UL : 0,
        ["setp.eq.u32"] = (x, y, _) => (uint)x == (uint)y ? 1UL : 0,
        ["setp.ne.u64"] = (x, y, _) => x != y ? 1UL : 0,
        ["setp.lt.and.u32"] = (x, y, z) => (uint)x < (uint)y && z != 0 ? 1UL : 0,
        ["selp.u32"] = (x, y, z) => (uint)(z != 0 ? x : y),
    };

    static float Single(ulong bits) => BitConverter.UInt32BitsToSingle((uint)bits);

    static ulong Bits(float x) => BitConverter.SingleToUInt32Bits(x);

    void Compute(string name, string[] arguments, (int X, int Y, int Z) block)
    {
        var operation = operations.GetValueOrDefault(name) ?? throw new InvalidOperationException($"unknown instruction {name}");
        var first = Values(arguments[1], block);
        var second = arguments.Length > 2 ? Values(arguments[2], block) : first;
        var third = arguments.Length > 3 ? Values(arguments[3], block) : first;
        var results = Write(arguments[0]);
        for (var thread = 0; thread < threads; thread++)
            results[thread] = operation(first[thread], second[thread], third[thread]);
    }

    // A register's, or a number's for every thread.
    ulong[] Values(string argument, (int X, int Y, int Z) block)
    {
        if (underWay.Contains(argument))
            throw new InvalidOperationException($"{argument} is read while a product that adds to it is under way");
        if (registers.TryGetValue(argument, out var values))
            return values;
        if (argument == "%tid.x")
            return registers[argument] = [.. Enumerable.Range(0, threads).Select(thread => (ulong)thread)];
        ulong number = argument switch
        {
            "%ctaid.x" => (ulong)block.X,
            "%ctaid.y" => (ulong)block.Y,
            "%ctaid.z" => (ulong)block.Z,
            "tiles" => (ulong)EmulatedShared.Start,
            ['0', 'f', .. var bits] => Convert.ToUInt32(bits, 16),
            _ when char.IsAsciiDigit(argument[0]) => ulong.Parse(argument, CultureInfo.InvariantCulture),
            _ => throw new InvalidOperationException($"{argument} is read before it is written"),
        };
        registers[argument] = values = new ulong[threads];
        Array.Fill(values, number);
        return values;
    }
}
