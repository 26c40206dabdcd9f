using Ortho.Kernels.Gpu;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.MatMul;

/// <summary>The products of an <see cref="OddPolynomial"/> as a list, and where each matrix lies in a group's shared memory.</summary>
/// <remarks>
/// <para>Recorded from <see cref="OddPolynomial.Advance"/> itself, so that a device that works through the list adds in everybody's order.
/// Matrices lie transposed where x is wide: then x is [longer, shorter], and all others are [shorter, shorter]. The transpose of a product
/// is that of the transposes the other way round, with the same sums.</para>
/// <para>A result takes the place of an operand that is used for the last time: it is written when all have read.</para>
/// <para>The gradient of all steps needs more matrices than there is room for: those that are used last are saved
/// to global memory and restored before their next use. Matrices are always [longer, shorter] there: wide ones are read and
/// written transposed.</para>
/// </remarks>
sealed class PolynomialProgram : IGradientProducts<PolynomialProgram.Operand>
{
    /// <summary>A matrix of the list, or its transpose.</summary>
    internal readonly record struct Operand(int Value, bool IsAdjoint);

    /// <summary>What a step computes.</summary>
    internal enum Kind
    {
        /// <summary>a b.</summary>
        Product,

        /// <summary>a^T b.</summary>
        Gram,

        /// <summary>alpha a + beta I.</summary>
        Shift,

        /// <summary>a + a^T.</summary>
        Symmetric,

        /// <summary>Reads x or its gradient, of which a is the number.</summary>
        Input,

        /// <summary>Copies a to place y in global memory.</summary>
        Save,

        /// <summary>Copies place a in global memory to y.</summary>
        Restore,
    }

    /// <summary>What is kept of a result and mirrored.</summary>
    internal enum Triangle
    {
        Both,
        Lower,
        Upper,
    }

    readonly record struct Step(Kind Kind, int A, int B, int C, int Y, double Alpha, double Beta, bool Scales, Triangle Triangle);

    /// <summary>Numbers of a step in <see cref="Numbers"/>: kind, places of a, b, c and y in quads, rows of y, whether c is
    /// added (2: from global memory), triangle.</summary>
    public const int StepNumbers = 8;

    // x, and its gradient, come from outside.
    readonly int inputs;
    readonly bool isWide;
    readonly List<Step> steps = [];
    readonly List<bool> isLong;

    PolynomialProgram(int rows, int columns, int inputs)
    {
        (Numbers, Factors) = ([], []);
        this.inputs = inputs;
        isLong = [.. Enumerable.Repeat(true, inputs)];
        (Longer, Shorter) = (Math.Max(rows, columns), Math.Min(rows, columns));
        Side = Math.Max(4, (Shorter + 15) / 16 * 4);
    }

    /// <summary>The list for all steps on matrices [rows, columns].</summary>
    public PolynomialProgram(int rows, int columns, IReadOnlyList<double>[] polynomials) : this(rows, columns, inputs: 1)
    {
        isWide = rows < columns;
        var x = new Operand(0, false);
        for (var made = 0; made < polynomials.Length;)
        {
            var next = OddPolynomial.Advance(this, x, rows, columns, polynomials.AsSpan(made));
            (x, made) = (next.Y, made + next.Count);
        }
        (Numbers, Factors) = new Placing(this, x.Value, int.MaxValue).Run()!.Value;
    }

    // The list for the gradient of all steps.
    PolynomialProgram(int rows, int columns, IReadOnlyList<double>[] polynomials, int quads) : this(rows, columns, inputs: 2)
    {
        var y = OddPolynomial.Pull(this, new Operand(0, false), new Operand(1, false), Longer, Shorter, polynomials);
        (Numbers, Factors) = new Placing(this, y.Value, quads).Run() ?? ([], []);
    }

    /// <summary>Rows of x as it lies in shared memory.</summary>
    public int Longer { get; }

    /// <summary>Its columns, and both sides of all other matrices.</summary>
    public int Shorter { get; }

    /// <summary>Threads along each side of a group, each for 4 x 4 numbers of a [shorter, shorter] matrix: 4, 8, 12, 16, ...</summary>
    public int Side { get; }

    /// <summary>Quads from row to row: an odd number, so that neighbouring rows do not meet in a bank.</summary>
    public int Stride => Side + 1;

    /// <summary>Quads that all matrices take.</summary>
    public int Quads { get; private set; }

    /// <summary>Where the result lies.</summary>
    public int Result { get; private set; }

    /// <summary>Quads that are saved to global memory at once, at most.</summary>
    public int SavedQuads { get; private set; }

    /// <summary>Number of steps; 0 where even what one step needs has no room.</summary>
    public int Count => Numbers.Length / StepNumbers;

    /// <summary>See <see cref="StepNumbers"/>.</summary>
    public int[] Numbers { get; private init; }

    /// <summary>alpha and beta of each step.</summary>
    public double[] Factors { get; private init; }

    public Operand Adjoint(Operand x) => x with { IsAdjoint = !x.IsAdjoint };

    public Operand Product(Operand a, Operand b, bool isHermitian) => Add(a, b, -1, 1, 0, false, isHermitian);

    public Operand Product(Operand a, Operand b, Operand c, double alpha, double beta, bool isHermitian)
        => Add(a, b, c.Value, alpha, beta, true, isHermitian);

    public Operand Shifted(Operand x, double factor, double shift)
        => Add(new(Kind.Shift, x.Value, x.Value, x.Value, -1, factor, shift, false, Triangle.Both), isLong[x.Value]);

    public Operand Symmetric(Operand x) => Add(new(Kind.Symmetric, x.Value, x.Value, -1, -1, 1, 0, false, Triangle.Both), isLong[x.Value]);

    Operand Add(Operand a, Operand b, int c, double alpha, double beta, bool scales, bool isHermitian)
    {
        if (isWide)
            (a, b) = (b, a);
        // What lies transposed keeps the other triangle.
        var triangle = !isHermitian || !MatMul.IsHalved(Shorter) ? Triangle.Both : isWide ? Triangle.Upper : Triangle.Lower;
        var kind = a.IsAdjoint ? Kind.Gram : Kind.Product;
        return Add(new(kind, a.Value, b.Value, c, -1, alpha, beta, scales, triangle), !a.IsAdjoint && isLong[a.Value]);
    }

    Operand Add(Step step, bool isLong)
    {
        this.isLong.Add(isLong);
        steps.Add(step with { Y = this.isLong.Count - 1 });
        return new(this.isLong.Count - 1, false);
    }

    // Where the matrices of a list lie, and what is saved and restored where they cannot all stay.
    sealed class Placing(PolynomialProgram program, int result, int quads)
    {
        readonly List<int> numbers = [];
        readonly List<double> factors = [];

        // Of each value: the steps that use it, its room and its place in global memory.
        readonly List<int>[] uses = [.. program.isLong.Select(_ => new List<int>())];
        readonly int?[] room = new int?[program.isLong.Count], saved = new int?[program.isLong.Count];

        // Long matrices are written row by row, so only a long one may lie where another one was.
        readonly Stack<int>[] free = [new(), new()], freeSaved = [new(), new()];
        readonly int[] rooms = [0, 0];

        /// <summary>The list, or nothing if it needs more room.</summary>
        public (int[] Numbers, double[] Factors)? Run()
        {
            // What nobody asks for, such as where the steps of a gradient end, is not computed.
            var wanted = new HashSet<int> { result };
            for (var k = program.steps.Count - 1; k >= 0; k--)
            {
                if (wanted.Contains(program.steps[k].Y))
                    wanted.UnionWith(Used(program.steps[k]));
                else
                    program.steps.RemoveAt(k);
            }
            for (var k = 0; k < program.steps.Count; k++)
            {
                foreach (var value in Used(program.steps[k]))
                    uses[value].Add(k);
            }
            uses[result].Add(program.steps.Count);
            // x is there when a group begins.
            if (!Take(0, k: 0, []))
                return null;
            for (var k = 0; k < program.steps.Count; k++)
            {
                if (!Place(program.steps[k], k))
                    return null;
            }
            program.Result = room[result]!.Value;
            return ([.. numbers], [.. factors]);
        }

        bool Place(Step step, int k)
        {
            if (!Bring(step.A, k, [step.A, step.B]) || !Bring(step.B, k, [step.A, step.B]))
                return false;
            // What is only added may stay in global memory.
            if (step.Scales && saved[step.C] is null && !Bring(step.C, k, [step.A, step.B, step.C]))
                return false;
            int[] operands = [room[step.A]!.Value, room[step.B]!.Value, !step.Scales ? 0 : room[step.C] ?? saved[step.C]!.Value];
            var scales = !step.Scales ? 0 : room[step.C] is null ? 2 : 1;
            var used = Used(step);
            foreach (var value in used)
            {
                if (uses[value][^1] == k && room[value] is { } place)
                {
                    free[Kind(value)].Push(place);
                    room[value] = null;
                }
            }
            // Operands may be saved to make room: all have read when the result is written.
            if (!Take(step.Y, k + 1, []))
                return false;
            Emit(step.Kind, [.. operands, room[step.Y]!.Value, Rows(step.Y), scales, (int)step.Triangle], step.Alpha, step.Beta);
            foreach (var value in used)
            {
                if (uses[value][^1] == k && saved[value] is { } place)
                    freeSaved[Kind(value)].Push(place);
            }
            return true;
        }

        static HashSet<int> Used(Step step) => step.C < 0 ? [step.A, step.B] : [step.A, step.B, step.C];

        int Kind(int value) => program.isLong[value] && program.Longer > program.Shorter ? 1 : 0;

        int Rows(int value) => program.isLong[value] ? program.Longer : program.Shorter;

        // Whole strips of rows: threads beyond the last row need not be told.
        int Size(int value) => (Rows(value) + 4 * program.Side - 1) / (4 * program.Side) * (4 * program.Side) * program.Stride;

        void Emit(Kind kind, int[] rest, double alpha = 0, double beta = 0)
        {
            numbers.AddRange([(int)kind, .. rest]);
            factors.AddRange([alpha, beta]);
        }

        bool Bring(int value, int k, int[] kept)
        {
            if (room[value] is not null)
                return true;
            if (!Take(value, k, kept))
                return false;
            if (saved[value] is { } place)
                Emit(PolynomialProgram.Kind.Restore, [place, 0, 0, room[value]!.Value, Rows(value), 0, 0]);
            else
                Emit(PolynomialProgram.Kind.Input, [value, 0, 0, room[value]!.Value, Rows(value), 0, 0]);
            return true;
        }

        // A room for a value: a free one, a new one, or that of the value whose next use, from step k on, is the last.
        bool Take(int value, int k, int[] kept)
        {
            var kind = Kind(value);
            if (free[kind].TryPop(out var place))
            {
                room[value] = place;
                return true;
            }
            // With little room there are two long matrices: no step needs more, and some need them.
            var isLimited = quads < int.MaxValue && program.Longer > program.Shorter;
            var reserved = isLimited && kind == 0 ? (2 - rooms[1]) * Size(0) : 0;
            if (program.Quads + Size(value) + reserved <= quads && !(isLimited && kind == 1 && rooms[1] == 2))
            {
                room[value] = program.Quads;
                program.Quads += Size(value);
                rooms[kind]++;
                return true;
            }
            var victim = Enumerable.Range(0, room.Length).Where(other => room[other] is not null && Kind(other) == kind && !kept.Contains(other))
                .DefaultIfEmpty(-1).MaxBy(other => other < 0 ? -1 : uses[other].Find(use => use >= k));
            if (victim < 0)
                return false;
            Save(victim);
            (room[value], room[victim]) = (room[victim], null);
            return true;
        }

        void Save(int value)
        {
            if (saved[value] is not null || value < program.inputs)
                return;
            if (!freeSaved[Kind(value)].TryPop(out var place))
            {
                place = program.SavedQuads;
                program.SavedQuads += Size(value);
            }
            saved[value] = place;
            Emit(PolynomialProgram.Kind.Save, [room[value]!.Value, 0, 0, place, Rows(value), 0, 0]);
        }
    }

    // ---- on devices

    readonly Dictionary<Device, (Tensor Numbers, Tensor Factors)> onDevices = [];

    /// <summary><see cref="Numbers"/>, and <see cref="Factors"/> in a dtype, on a device.</summary>
    public (Tensor Numbers, Tensor Factors) On(GpuDevice device, DType dtype)
    {
        lock (onDevices)
        {
            if (!onDevices.TryGetValue(device, out var tensors))
            {
                tensors = (Constants.Uploaded<int>(device, DType.Int32, Numbers, [Numbers.Length]), new Constants(Factors, [Factors.Length]).On(device, dtype));
                onDevices.Add(device, tensors);
            }
            return tensors;
        }
    }

    // ---- programs that were made before

    sealed class Key(DType dtype, int rows, int columns, IReadOnlyList<double>[] polynomials, int quads) : IEquatable<Key>
    {
        readonly double[] numbers =
            [(double)dtype, rows, columns, quads, .. polynomials.SelectMany(polynomial => polynomial.Prepend(polynomial.Count))];

        public bool Equals(Key? other) => other is not null && numbers.AsSpan().SequenceEqual(other.numbers);

        public override bool Equals(object? other) => Equals(other as Key);

        public override int GetHashCode()
        {
            var hash = new HashCode();
            foreach (var number in numbers)
                hash.Add(number);
            return hash.ToHashCode();
        }
    }

    static readonly Dictionary<Key, PolynomialProgram> programs = [];

    // Schedules that a program makes up as it goes must not fill the memory.
    const int MostPrograms = 256;

    /// <summary>The list for matrices of a dtype and size.</summary>
    public static PolynomialProgram Of(DType dtype, int rows, int columns, IReadOnlyList<double>[] polynomials)
        => Known(new(dtype, rows, columns, polynomials, 0), () => new(rows, columns, polynomials));

    /// <summary>The list for the gradient of all steps, with so many quads in shared memory.</summary>
    public static PolynomialProgram Gradient(DType dtype, int rows, int columns, IReadOnlyList<double>[] polynomials, int quads)
        => Known(new(dtype, rows, columns, polynomials, quads), () => new(rows, columns, polynomials, quads));

    static PolynomialProgram Known(Key key, Func<PolynomialProgram> make)
    {
        lock (programs)
        {
            if (programs.TryGetValue(key, out var known))
                return known;
            if (programs.Count == MostPrograms)
                programs.Clear();
            return programs[key] = make();
        }
    }
}
