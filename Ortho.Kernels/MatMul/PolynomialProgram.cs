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
/// </remarks>
sealed class PolynomialProgram : IMatrixProducts<PolynomialProgram.Operand>
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
    /// added, triangle.</summary>
    public const int StepNumbers = 8;

    readonly bool isWide;
    readonly List<Step> steps = [];
    readonly List<bool> isLong = [true];

    /// <summary>The list for all steps on matrices [rows, columns].</summary>
    public PolynomialProgram(int rows, int columns, IReadOnlyList<double>[] polynomials)
    {
        isWide = rows < columns;
        (Longer, Shorter) = (Math.Max(rows, columns), Math.Min(rows, columns));
        Side = Math.Max(4, (Shorter + 15) / 16 * 4);
        var x = new Operand(0, false);
        for (var made = 0; made < polynomials.Length;)
        {
            var next = OddPolynomial.Advance(this, x, rows, columns, polynomials.AsSpan(made));
            (x, made) = (next.Y, made + next.Count);
        }
        Numbers = new int[steps.Count * StepNumbers];
        Factors = [.. steps.SelectMany(step => new[] { step.Alpha, step.Beta })];
        Place(x.Value);
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

    /// <summary>Number of steps.</summary>
    public int Count => steps.Count;

    /// <summary>See <see cref="StepNumbers"/>.</summary>
    public int[] Numbers { get; }

    /// <summary>alpha and beta of each step.</summary>
    public double[] Factors { get; }

    public Operand Adjoint(Operand x) => x with { IsAdjoint = !x.IsAdjoint };

    public Operand Product(Operand a, Operand b, bool isHermitian) => Add(a, b, -1, 1, 0, false, isHermitian);

    public Operand Product(Operand a, Operand b, Operand c, double alpha, double beta, bool isHermitian)
        => Add(a, b, c.Value, alpha, beta, true, isHermitian);

    public Operand Shifted(Operand x, double factor, double shift)
        => Add(new(Kind.Shift, x.Value, x.Value, x.Value, -1, factor, shift, false, Triangle.Both), isLong[x.Value]);

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

    void Place(int result)
    {
        var last = new int[isLong.Count];
        for (var k = 0; k < steps.Count; k++)
        {
            foreach (var value in Used(steps[k]))
                last[value] = k;
        }
        last[result] = steps.Count;
        // Long matrices are written row by row, so only a long one may lie where another one was.
        var free = new[] { new Stack<int>(), new Stack<int>() };
        var place = new int[isLong.Count];
        Take(0);
        for (var k = 0; k < steps.Count; k++)
        {
            var step = steps[k];
            foreach (var value in Used(step))
            {
                if (last[value] == k)
                    free[Room(value)].Push(place[value]);
            }
            Take(step.Y);
            int[] numbers = [(int)step.Kind, place[step.A], place[step.B], place[Math.Max(0, step.C)], place[step.Y],
                isLong[step.Y] ? Longer : Shorter, step.Scales ? 1 : 0, (int)step.Triangle];
            numbers.CopyTo(Numbers, k * StepNumbers);
        }
        Result = place[result];

        static HashSet<int> Used(Step step) => step.C < 0 ? [step.A, step.B] : [step.A, step.B, step.C];

        int Room(int value) => isLong[value] && Longer > Shorter ? 1 : 0;

        void Take(int value)
        {
            if (free[Room(value)].TryPop(out place[value]))
                return;
            place[value] = Quads;
            // Whole strips of rows: threads beyond the last row need not be told.
            Quads += ((isLong[value] ? Longer : Shorter) + 4 * Side - 1) / (4 * Side) * (4 * Side) * Stride;
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

    sealed class Key(DType dtype, int rows, int columns, IReadOnlyList<double>[] polynomials) : IEquatable<Key>
    {
        readonly double[] numbers =
            [(double)dtype, rows, columns, .. polynomials.SelectMany(polynomial => polynomial.Prepend(polynomial.Count))];

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
    {
        var key = new Key(dtype, rows, columns, polynomials);
        lock (programs)
        {
            if (programs.TryGetValue(key, out var known))
                return known;
            if (programs.Count == MostPrograms)
                programs.Clear();
            return programs[key] = new(rows, columns, polynomials);
        }
    }
}
