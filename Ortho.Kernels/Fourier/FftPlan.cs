using System.Collections.Concurrent;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;
using Device = Ortho.Tensors.Device;

namespace Ortho.Kernels.Fourier;

/// <summary>What is transformed into what.</summary>
enum TransformKind
{
    /// <summary>n complex numbers to n.</summary>
    Complex,

    /// <summary>n real numbers to n/2 + 1 complex ones.</summary>
    RealToComplex,

    /// <summary>n/2 + 1 complex numbers to n real ones, by the unnormalised inverse transform.</summary>
    ComplexToReal,
}

/// <summary>Which <see cref="IStep"/> a step is.</summary>
enum StepKind
{
    Radix2,
    Radix3,
    Radix4,
    Radix5,
    Radix7,
    Radix8,
    RadixOdd,
    Take,
    ChirpIn,
    ChirpSpectrum,
    ChirpOut,
    RealSplit,
    RealMerge,
    HermitianFill,
}

/// <summary>The steps of one transform and their constants: the same on every device.</summary>
/// <remarks>
/// Lengths whose prime factors are at most <see cref="LargestRadix"/> run as Stockham passes of radix 8, 4, 2, 3, 5, 7 and odd primes; others by
/// Bluestein's convolution. Constants are computed in float64 and rounded once to the dtype. Plans live as long as the process.
/// </remarks>
sealed unsafe class FftPlan
{
    /// <summary>The largest prime that has butterflies of its own: beyond it the two transforms of Bluestein cost less.</summary>
    const int LargestRadix = 31;

    static readonly ConcurrentDictionary<(TransformKind, int), Lazy<FftPlan>> plans = new();

    readonly List<(StepKind, StepShape)> steps = [];
    readonly List<double> table = [];
    readonly ConcurrentDictionary<(Device, DType), Lazy<Tensor>> deviceTables = new();
    readonly Lazy<float[]> singles;
    readonly Lazy<double[]> doubles;

    FftPlan(TransformKind kind, int length)
    {
        var half = length / 2;
        switch (kind)
        {
            case TransformKind.Complex:
                AddComplex(length);
                break;
            case TransformKind.RealToComplex when length % 2 == 0:
                AddComplex(half);
                Add(StepKind.RealSplit, half, half + 1, half / 2 + 1, AddRealRoots(length));
                break;
            case TransformKind.RealToComplex:
                AddComplex(length);
                Add(StepKind.Take, length, half + 1, half + 1);
                break;
            case TransformKind.ComplexToReal when length % 2 == 0:
                Add(StepKind.RealMerge, half + 1, half, half / 2 + 1, AddRealRoots(length));
                AddComplex(half);
                break;
            default:
                Add(StepKind.HermitianFill, half + 1, length, half + 1);
                AddComplex(length);
                break;
        }
        Steps = [.. steps];
        (InLength, OutLength) = (steps[0].Item2.Length, steps[^1].Item2.OutLength);
        Longest = steps.Max(step => Math.Max(step.Item2.Length, step.Item2.OutLength));
        // Pinned, and kept by the plan: host loops read the constants through pointers.
        singles = Once(() =>
        {
            var rounded = GC.AllocateUninitializedArray<float>(Math.Max(1, table.Count), pinned: true);
            for (var i = 0; i < table.Count; i++)
                rounded[i] = (float)table[i];
            return rounded;
        });
        doubles = Once(() =>
        {
            var copy = GC.AllocateUninitializedArray<double>(Math.Max(1, table.Count), pinned: true);
            table.CopyTo(copy);
            return copy;
        });
    }

    /// <summary>The plan of a transform; made at its first use.</summary>
    public static FftPlan Of(TransformKind kind, int length) => plans.GetOrAdd((kind, length), key => Once(() => new FftPlan(key.Item1, key.Item2))).Value;

    // A failure (no memory) is not remembered; of values made at the same time, the first counts.
    static Lazy<V> Once<V>(Func<V> make) => new(make, LazyThreadSafetyMode.PublicationOnly);

    public (StepKind Kind, StepShape Shape)[] Steps { get; }

    /// <summary>Complex elements before the first step, after the last, and at most between.</summary>
    public int InLength { get; }

    public int OutLength { get; }

    public int Longest { get; }

    /// <summary>The constants, real and imaginary parts in turn.</summary>
    public E* Table<E>() where E : unmanaged
        => typeof(E) == typeof(float)
            ? (E*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref singles.Value[0])
            : (E*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref doubles.Value[0]);

    /// <summary>The constants on a device, as complex numbers.</summary>
    public Tensor DeviceTable(GpuDevice device, DType dtype) => deviceTables.GetOrAdd((device, dtype), _ => Once(() =>
    {
        Shape shape = [Math.Max(1, table.Count / 2)];
        return dtype == DType.Complex64
            ? Constants.Uploaded<float>(device, dtype, singles.Value.AsSpan(0, table.Count), shape)
            : Constants.Uploaded<double>(device, dtype, doubles.Value.AsSpan(0, table.Count), shape);
    })).Value;

    /// <summary>The steps on a device, eight numbers each: kind, outer, inner, length before and after, radix, first constant, and 1 for a last pass.</summary>
    public Tensor DeviceSteps(GpuDevice device) => deviceTables.GetOrAdd((device, DType.Int32), _ => Once(() =>
    {
        int[] numbers = [.. Steps.SelectMany(step => new[]
        {
            (int)step.Kind, step.Shape.Outer, step.Shape.Inner, step.Shape.Length, step.Shape.OutLength, step.Shape.Radix, step.Shape.Table, step.Shape.IsLastPass ? 1 : 0,
        })];
        return Constants.Uploaded<int>(device, DType.Int32, numbers, [numbers.Length]);
    })).Value;

    void Add(StepKind kind, int length, int outLength, int outer, int constants = 0)
        => steps.Add((kind, new() { Length = length, OutLength = outLength, Outer = outer, Inner = 1, Table = constants }));

    int AddConstant(double re, double im)
    {
        table.Add(re);
        table.Add(im);
        return table.Count / 2 - 1;
    }

    // exp(-2 pi i k / n), reduced to an eighth of the circle first: exact at the quarters, and accurate for any k.
    internal static (double Re, double Im) Root(long k, long n)
    {
        k %= n;
        var quarter = (8 * k + n) / (2 * n);
        var (sin, cos) = Math.SinCos(Math.PI / 2 * (4 * k - quarter * n) / n);
        return (quarter & 3) switch
        {
            0 => (cos, -sin),
            1 => (-sin, -cos),
            2 => (-cos, sin),
            _ => (sin, cos),
        };
    }

    int AddRealRoots(int n)
    {
        var first = table.Count / 2;
        for (var k = 0; k <= n / 4; k++)
        {
            var (re, im) = Root(k, n);
            AddConstant(im, -re);   // times -i
        }
        return first;
    }

    void AddComplex(int n)
    {
        var factors = Factors(n);
        if (factors.Count == 0)
            Add(StepKind.Take, 1, 1, 1);
        else if (factors[^1] > LargestRadix)
            AddBluestein(n);
        else
            steps.AddRange(Passes(n, factors));
    }

    // Prime factors, twos joined to eights and fours; the largest prime last.
    static List<int> Factors(int n)
    {
        var factors = new List<int>();
        // Two fours are less work than eight and two.
        for (; n % 8 == 0 && n % 32 != 16; n /= 8)
            factors.Add(8);
        for (; n % 4 == 0; n /= 4)
            factors.Add(4);
        for (var prime = 2; (long)prime * prime <= n; prime++)
        {
            for (; n % prime == 0; n /= prime)
                factors.Add(prime);
        }
        if (n > 1)
            factors.Add(n);
        return factors;
    }

    List<(StepKind, StepShape)> Passes(int n, List<int> factors)
    {
        var passes = new List<(StepKind, StepShape)>();
        var (length, stride) = (n, 1);
        var roots = new Dictionary<int, int>();
        foreach (var radix in factors)
        {
            var m = length / radix;
            var twiddles = table.Count / 2;
            for (var p = 0; p < m; p++)
            {
                for (var k = 1; k < radix; k++)
                {
                    var (re, im) = Root((long)p * k, length);
                    AddConstant(re, im);
                }
            }
            var kind = radix switch { 2 => StepKind.Radix2, 3 => StepKind.Radix3, 4 => StepKind.Radix4, 5 => StepKind.Radix5, 7 => StepKind.Radix7, 8 => StepKind.Radix8, _ => StepKind.RadixOdd };
            if (kind == StepKind.RadixOdd && !roots.ContainsKey(radix))
            {
                roots[radix] = table.Count / 2;
                for (var k = 0; k < radix; k++)
                {
                    var (re, im) = Root(k, radix);
                    AddConstant(re, im);
                }
            }
            passes.Add((kind, new()
            {
                Length = n, OutLength = n, Outer = m, Inner = stride, Radix = radix, Table = twiddles, Roots = roots.GetValueOrDefault(radix),
            }));
            (length, stride) = (m, stride * radix);
        }
        return passes;
    }

    /// <summary>The first length from <paramref name="least"/> on, in steps, without prime factors above 5.</summary>
    public static int FastLength(int least, int step)
    {
        while (Factors(least) is [.., > 5])
            least += step;
        return least;
    }

    void AddBluestein(int n)
    {
        if (n > int.MaxValue / 4)
            throw new TensorArgumentException("Fft", "length", $"{n}", "a length below 2^29 or one without large prime factors");
        var length = FastLength(2 * n - 1, step: 1);
        var chirp = table.Count / 2;
        var spectrum = GC.AllocateArray<double>(2 * length, pinned: true);
        var work = GC.AllocateUninitializedArray<double>(2 * length, pinned: true);
        for (var k = 0; k < n; k++)
        {
            // k^2 / n counts half turns: k^2 mod 2 n keeps the angle small and exact.
            var (re, im) = Root((long)k * k % (2L * n), 2L * n);
            AddConstant(re, im);
            (spectrum[2 * k], spectrum[2 * k + 1]) = (re / length, -im / length);
            if (k > 0)
                (spectrum[2 * (length - k)], spectrum[2 * (length - k) + 1]) = (re / length, -im / length);
        }
        fixed (double* x = spectrum, y = work)
        {
            var plan = Of(TransformKind.Complex, length);
            var result = HostFft.LastOf(plan, y, x);
            HostFft.Execute<F64, double, DoubleCell>(plan, new(PlaceKind.Packed, (nint)x), new(PlaceKind.Packed, (nint)result), y, x);
            var first = table.Count / 2;
            for (var k = 0; k < length; k++)
                AddConstant(result[2 * k], result[2 * k + 1]);
            var passes = Passes(length, Factors(length));
            Add(StepKind.ChirpIn, n, length, length, chirp);
            steps.AddRange(passes);
            Add(StepKind.ChirpSpectrum, length, length, length, first);
            steps.AddRange(passes);
            Add(StepKind.ChirpOut, length, n, n, chirp);
        }
    }
}
