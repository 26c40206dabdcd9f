using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.Fourier;

/// <summary>The complex elements of one signal (a vector of signals on the host), wherever they are kept.</summary>
interface ISignal<T> where T : struct, ILane<T>
{
    /// <summary>Element <paramref name="index"/>.</summary>
    Cx<T> Get(int index);

    /// <summary>Writes element <paramref name="index"/>.</summary>
    void Set(int index, Cx<T> value);
}

/// <summary>Complex constants of a plan.</summary>
interface ITable<T> where T : struct, ILane<T>
{
    /// <summary>Constant <paramref name="index"/>.</summary>
    Cx<T> At(int index);

    /// <summary>The product of a butterfly's output with its twiddle, constant <paramref name="index"/>; the output itself in a last pass,
    /// where all twiddles are 1.</summary>
    Cx<T> Turn(Cx<T> value, int index);
}

/// <summary>The numbers of a step, as kernels take them.</summary>
struct StepShape
{
    /// <summary>The step is <see cref="Outer"/> x <see cref="Inner"/> independent pieces of work.</summary>
    public int Outer, Inner;

    /// <summary>Elements of the signal before and after the step.</summary>
    public int Length, OutLength;

    /// <summary>Inputs of a butterfly; first of its twiddles and of the radix's own roots of unity in the plan's table.</summary>
    public int Radix, Table, Roots;

    /// <summary>Whether this is a last pass of butterflies: all twiddles are 1.</summary>
    public readonly bool IsLastPass => Radix > 0 && Outer == 1;
}

/// <summary>A step of a transform: reads one signal, writes another. Written once; the host runs it on vectors of signals.</summary>
interface IStep
{
    /// <summary>Piece (<paramref name="p"/>, <paramref name="q"/>) of the step.</summary>
    static abstract void Apply<T, A, B, W>(A x, B y, W table, StepShape shape, int p, int q)
        where T : struct, ILane<T> where A : struct, ISignal<T> where B : struct, ISignal<T> where W : struct, ITable<T>;
}

// A Stockham pass of radix r takes the current length n = r m at stride s:
// y[q + s (r p + k)] = w_n^(p k) sum_j w_r^(j k) x[q + s (p + m j)], w_n = exp(-2 pi i / n), p < m, q < s.
// The output is in order after the last pass: no bit reversal. The twiddles w_n^(p k), k = 1 .. r - 1, lie together in the table.

/// <summary>Butterflies of two.</summary>
readonly struct Radix2 : IStep
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static void Apply<T, A, B, W>(A x, B y, W table, StepShape shape, int p, int q)
        where T : struct, ILane<T> where A : struct, ISignal<T> where B : struct, ISignal<T> where W : struct, ITable<T>
    {
        var (s, step) = (shape.Inner, shape.Inner * shape.Outer);
        var (i, o) = (q + s * p, q + s * 2 * p);
        var (a, b) = (x.Get(i), x.Get(i + step));
        y.Set(o, a + b);
        y.Set(o + s, table.Turn(a - b, shape.Table + p));
    }
}

/// <summary>Butterflies of three.</summary>
readonly struct Radix3 : IStep
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static void Apply<T, A, B, W>(A x, B y, W table, StepShape shape, int p, int q)
        where T : struct, ILane<T> where A : struct, ISignal<T> where B : struct, ISignal<T> where W : struct, ITable<T>
    {
        var (s, step) = (shape.Inner, shape.Inner * shape.Outer);
        var (i, o) = (q + s * p, q + s * 3 * p);
        var (a, b, c) = (x.Get(i), x.Get(i + step), x.Get(i + 2 * step));
        var w = shape.Table + 2 * p;
        var sum = b + c;
        var even = Complexes.AddScaled(a, sum, T.Of(-0.5));
        var odd = Cx<T>.TimesI((b - c) * T.Of(0.86602540378443864676));   // sin(pi / 3)
        y.Set(o, a + sum);
        y.Set(o + s, table.Turn(even - odd, w));
        y.Set(o + 2 * s, table.Turn(even + odd, w + 1));
    }
}

/// <summary>Butterflies of four.</summary>
readonly struct Radix4 : IStep
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static void Apply<T, A, B, W>(A x, B y, W table, StepShape shape, int p, int q)
        where T : struct, ILane<T> where A : struct, ISignal<T> where B : struct, ISignal<T> where W : struct, ITable<T>
    {
        var (s, step) = (shape.Inner, shape.Inner * shape.Outer);
        var (i, o) = (q + s * p, q + s * 4 * p);
        var (a, b) = (x.Get(i), x.Get(i + step));
        var (c, d) = (x.Get(i + 2 * step), x.Get(i + 3 * step));
        var w = shape.Table + 3 * p;
        var (ac, bd) = (a + c, b + d);
        y.Set(o, ac + bd);
        y.Set(o + 2 * s, table.Turn(ac - bd, w + 1));
        var (even, odd) = (a - c, Cx<T>.TimesI(b - d));
        y.Set(o + s, table.Turn(even - odd, w));
        y.Set(o + 3 * s, table.Turn(even + odd, w + 2));
    }
}

/// <summary>Butterflies of five.</summary>
readonly struct Radix5 : IStep
{
    // Cosines and sines of 2 pi / 5 and 4 pi / 5.
    const double C1 = 0.30901699437494742410, C2 = -0.80901699437494742410, S1 = 0.95105651629515357212, S2 = 0.58778525229247312917;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static void Apply<T, A, B, W>(A x, B y, W table, StepShape shape, int p, int q)
        where T : struct, ILane<T> where A : struct, ISignal<T> where B : struct, ISignal<T> where W : struct, ITable<T>
    {
        var (s, step) = (shape.Inner, shape.Inner * shape.Outer);
        var (i, o) = (q + s * p, q + s * 5 * p);
        var a = x.Get(i);
        var (b, c) = (x.Get(i + step), x.Get(i + 2 * step));
        var (d, e) = (x.Get(i + 3 * step), x.Get(i + 4 * step));
        var w = shape.Table + 4 * p;
        var (outer, inner) = (b + e, c + d);
        var (outerOdd, innerOdd) = (b - e, c - d);
        y.Set(o, a + (outer + inner));
        var even = Complexes.AddScaled(Complexes.AddScaled(a, outer, T.Of(C1)), inner, T.Of(C2));
        var odd = Cx<T>.TimesI(Complexes.AddScaled(outerOdd * T.Of(S1), innerOdd, T.Of(S2)));
        y.Set(o + s, table.Turn(even - odd, w));
        y.Set(o + 4 * s, table.Turn(even + odd, w + 3));
        even = Complexes.AddScaled(Complexes.AddScaled(a, outer, T.Of(C2)), inner, T.Of(C1));
        odd = Cx<T>.TimesI(Complexes.AddScaled(outerOdd * T.Of(S2), innerOdd, T.Of(-S1)));
        y.Set(o + 2 * s, table.Turn(even - odd, w + 1));
        y.Set(o + 3 * s, table.Turn(even + odd, w + 2));
    }
}

/// <summary>Butterflies of seven.</summary>
readonly struct Radix7 : IStep
{
    // Cosines and sines of 2 pi / 7, 4 pi / 7 and 6 pi / 7.
    const double C1 = 0.62348980185873353053, C2 = -0.22252093395631440429, C3 = -0.90096886790241912624;
    const double S1 = 0.78183148246802980871, S2 = 0.97492791218182360702, S3 = 0.43388373911755812048;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static void Apply<T, A, B, W>(A x, B y, W table, StepShape shape, int p, int q)
        where T : struct, ILane<T> where A : struct, ISignal<T> where B : struct, ISignal<T> where W : struct, ITable<T>
    {
        var (s, step) = (shape.Inner, shape.Inner * shape.Outer);
        var (i, o) = (q + s * p, q + s * 7 * p);
        var w = shape.Table + 6 * p;
        var a = x.Get(i);
        var (b, c) = (x.Get(i + step), x.Get(i + 6 * step));
        var (p1, m1) = (b + c, b - c);
        (b, c) = (x.Get(i + 2 * step), x.Get(i + 5 * step));
        var (p2, m2) = (b + c, b - c);
        (b, c) = (x.Get(i + 3 * step), x.Get(i + 4 * step));
        var (p3, m3) = (b + c, b - c);
        y.Set(o, a + (p1 + (p2 + p3)));
        var even = Sum(a, p1, p2, p3, T.Of(C1), T.Of(C2), T.Of(C3));
        var odd = Cx<T>.TimesI(Sum(m1 * T.Of(S1), m2, m3, T.Of(S2), T.Of(S3)));
        y.Set(o + s, table.Turn(even - odd, w));
        y.Set(o + 6 * s, table.Turn(even + odd, w + 5));
        even = Sum(a, p1, p2, p3, T.Of(C2), T.Of(C3), T.Of(C1));
        odd = Cx<T>.TimesI(Sum(m1 * T.Of(S2), m2, m3, T.Of(-S3), T.Of(-S1)));
        y.Set(o + 2 * s, table.Turn(even - odd, w + 1));
        y.Set(o + 5 * s, table.Turn(even + odd, w + 4));
        even = Sum(a, p1, p2, p3, T.Of(C3), T.Of(C1), T.Of(C2));
        odd = Cx<T>.TimesI(Sum(m1 * T.Of(S3), m2, m3, T.Of(-S1), T.Of(S2)));
        y.Set(o + 3 * s, table.Turn(even - odd, w + 2));
        y.Set(o + 4 * s, table.Turn(even + odd, w + 3));
    }

    [MethodImpl(Inline.Always)]
    static Cx<T> Sum<T>(Cx<T> a, Cx<T> b, Cx<T> c, T scaleB, T scaleC) where T : struct, ILane<T>
        => Complexes.AddScaled(Complexes.AddScaled(a, b, scaleB), c, scaleC);

    [MethodImpl(Inline.Always)]
    static Cx<T> Sum<T>(Cx<T> a, Cx<T> b, Cx<T> c, Cx<T> d, T scaleB, T scaleC, T scaleD) where T : struct, ILane<T>
        => Complexes.AddScaled(Sum(a, b, c, scaleB, scaleC), d, scaleD);
}

/// <summary>Butterflies of eight: two of four, on sums and on differences turned by eighths.</summary>
readonly struct Radix8 : IStep
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static void Apply<T, A, B, W>(A x, B y, W table, StepShape shape, int p, int q)
        where T : struct, ILane<T> where A : struct, ISignal<T> where B : struct, ISignal<T> where W : struct, ITable<T>
    {
        var (s, step) = (shape.Inner, shape.Inner * shape.Outer);
        var (i, o) = (q + s * p, q + s * 8 * p);
        var w = shape.Table + 7 * p;
        var (x0, x4) = (x.Get(i), x.Get(i + 4 * step));
        var (x2, x6) = (x.Get(i + 2 * step), x.Get(i + 6 * step));
        var (a, d0) = (x0 + x4, x0 - x4);
        var (c, d2) = (x2 + x6, Cx<T>.TimesI(x2 - x6));
        var (x1, x5) = (x.Get(i + step), x.Get(i + 5 * step));
        var (x3, x7) = (x.Get(i + 3 * step), x.Get(i + 7 * step));
        var (b, d1) = (x1 + x5, x1 - x5);
        var (d, d3) = (x3 + x7, x3 - x7);

        var (ac, bd) = (a + c, b + d);
        y.Set(o, ac + bd);
        y.Set(o + 4 * s, table.Turn(ac - bd, w + 3));
        var (even, odd) = (a - c, Cx<T>.TimesI(b - d));
        y.Set(o + 2 * s, table.Turn(even - odd, w + 1));
        y.Set(o + 6 * s, table.Turn(even + odd, w + 5));

        // The differences are turned by exp(-2 pi i j / 8): d2 by -i, and of d1 and d3 the sum and the difference are what is needed.
        var half = T.Of(0.70710678118654752440);   // sqrt(1/2)
        var (e1, e3) = (new Cx<T>(d1.Re + d1.Im, d1.Im - d1.Re) * half, new Cx<T>(d3.Im - d3.Re, -(d3.Re + d3.Im)) * half);
        (ac, bd) = (d0 - d2, e1 + e3);
        y.Set(o + s, table.Turn(ac + bd, w));
        y.Set(o + 5 * s, table.Turn(ac - bd, w + 4));
        (even, odd) = (d0 + d2, Cx<T>.TimesI(e1 - e3));
        y.Set(o + 3 * s, table.Turn(even - odd, w + 2));
        y.Set(o + 7 * s, table.Turn(even + odd, w + 6));
    }
}

/// <summary>Butterflies of any odd prime, by the sums themselves.</summary>
/// <remarks>Outputs k and r - k are made together, from sums and differences of inputs j and r - j: a quarter of the naive work.</remarks>
readonly struct RadixOdd : IStep
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static void Apply<T, A, B, W>(A x, B y, W table, StepShape shape, int p, int q)
        where T : struct, ILane<T> where A : struct, ISignal<T> where B : struct, ISignal<T> where W : struct, ITable<T>
    {
        var (s, step, r) = (shape.Inner, shape.Inner * shape.Outer, shape.Radix);
        var (i, o) = (q + s * p, q + s * r * p);
        var half = r / 2;
        var a = x.Get(i);
        var sum = a;
        for (var j = 1; j <= half; j++)
            sum += x.Get(i + j * step) + x.Get(i + (r - j) * step);
        y.Set(o, sum);
        var w = shape.Table + (r - 1) * p - 1;
        for (var k = 1; k <= half; k++)
        {
            var (even, odd) = (a, Cx<T>.Of(0));
            var power = 0;
            for (var j = 1; j <= half; j++)
            {
                power += k;
                if (power >= r)
                    power -= r;
                var root = table.At(shape.Roots + power);
                var (u, v) = (x.Get(i + j * step), x.Get(i + (r - j) * step));
                even = Complexes.AddScaled(even, u + v, root.Re);
                odd = Complexes.AddScaled(odd, u - v, root.Im);
            }
            odd = Cx<T>.TimesI(odd);
            y.Set(o + k * s, table.Turn(even + odd, w + k));
            y.Set(o + (r - k) * s, table.Turn(even - odd, w + r - k));
        }
    }
}

/// <summary>The first elements, unchanged.</summary>
readonly struct Take : IStep
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static void Apply<T, A, B, W>(A x, B y, W table, StepShape shape, int p, int q)
        where T : struct, ILane<T> where A : struct, ISignal<T> where B : struct, ISignal<T> where W : struct, ITable<T>
        => y.Set(p, x.Get(p));
}

// Bluestein: j k = (j^2 + k^2 - (k - j)^2) / 2, so with c_k = exp(-pi i k^2 / n) a transform of any length n is a convolution:
// X_k = c_k sum_j (x_j c_j) conj(c_(k-j)), done by transforms of a smooth length of at least 2 n - 1.

/// <summary>Bluestein's first step: the signal times the chirp, zeros behind it.</summary>
readonly struct ChirpIn : IStep
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static void Apply<T, A, B, W>(A x, B y, W table, StepShape shape, int p, int q)
        where T : struct, ILane<T> where A : struct, ISignal<T> where B : struct, ISignal<T> where W : struct, ITable<T>
    {
        var value = Cx<T>.Of(0);
        if (p < shape.Length)
            value = x.Get(p) * table.At(shape.Table + p);
        y.Set(p, value);
    }
}

/// <summary>Bluestein's convolution in the frequency domain. The parts change places: the forward transform that follows acts as the
/// inverse one.</summary>
readonly struct ChirpSpectrum : IStep
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static void Apply<T, A, B, W>(A x, B y, W table, StepShape shape, int p, int q)
        where T : struct, ILane<T> where A : struct, ISignal<T> where B : struct, ISignal<T> where W : struct, ITable<T>
        => y.Set(p, Complexes.Swap(x.Get(p) * table.At(shape.Table + p)));
}

/// <summary>Bluestein's last step: the parts change back, and the chirp again.</summary>
readonly struct ChirpOut : IStep
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static void Apply<T, A, B, W>(A x, B y, W table, StepShape shape, int p, int q)
        where T : struct, ILane<T> where A : struct, ISignal<T> where B : struct, ISignal<T> where W : struct, ITable<T>
        => y.Set(p, Complexes.Swap(x.Get(p)) * table.At(shape.Table + p));
}

// A real signal of even length n = 2 h is transformed as the complex one z_j = x_2j + i x_(2j+1) of length h. With E and O the
// transforms of its even and odd elements, Z = E + i O and X_k = E_k + w_n^k O_k; elements k and h - k are conjugates of each other in
// E and O, so they are made together. The table holds -i w_n^k.

/// <summary>From the half-length transform Z to the half spectrum X of a real signal.</summary>
readonly struct RealSplit : IStep
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static void Apply<T, A, B, W>(A x, B y, W table, StepShape shape, int p, int q)
        where T : struct, ILane<T> where A : struct, ISignal<T> where B : struct, ISignal<T> where W : struct, ITable<T>
    {
        var mirror = shape.Length - p;
        if (p == 0)
            mirror = 0;
        var (a, b) = (x.Get(p), Cx<T>.Conj(x.Get(mirror)));
        var even = (a + b) * T.Of(0.5);
        var odd = (a - b) * T.Of(0.5) * table.At(shape.Table + p);
        y.Set(shape.Length - p, Cx<T>.Conj(even - odd));
        y.Set(p, even + odd);
    }
}

/// <summary>From the half spectrum X of a real signal to twice the half-length transform Z, parts exchanged for an inverse transform.
/// The imaginary parts of the bins that are real in such a spectrum are not read.</summary>
readonly struct RealMerge : IStep
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static void Apply<T, A, B, W>(A x, B y, W table, StepShape shape, int p, int q)
        where T : struct, ILane<T> where A : struct, ISignal<T> where B : struct, ISignal<T> where W : struct, ITable<T>
    {
        var h = shape.OutLength;
        var (a, b) = (x.Get(p), Cx<T>.Conj(x.Get(h - p)));
        if (p == 0)
        {
            a = Cx<T>.Real(a.Re);
            b = Cx<T>.Real(b.Re);
        }
        var even = a + b;
        var odd = (a - b) * Cx<T>.Conj(table.At(shape.Table + p));
        if (p > 0)
            y.Set(h - p, Complexes.Swap(Cx<T>.Conj(even - odd)));
        y.Set(p, Complexes.Swap(even + odd));
    }
}

/// <summary>The whole spectrum of a real signal of odd length from half of it, parts exchanged for an inverse transform.</summary>
readonly struct HermitianFill : IStep
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static void Apply<T, A, B, W>(A x, B y, W table, StepShape shape, int p, int q)
        where T : struct, ILane<T> where A : struct, ISignal<T> where B : struct, ISignal<T> where W : struct, ITable<T>
    {
        var a = x.Get(p);
        if (p == 0)
            a = Cx<T>.Real(a.Re);
        else
            y.Set(shape.OutLength - p, Complexes.Swap(Cx<T>.Conj(a)));
        y.Set(p, Complexes.Swap(a));
    }
}

static class Complexes
{
    /// <summary>a + b scale for real scale.</summary>
    [MethodImpl(Inline.Always)]
    public static Cx<T> AddScaled<T>(Cx<T> a, Cx<T> b, T scale) where T : struct, ILane<T> => new(T.Fma(b.Re, scale, a.Re), T.Fma(b.Im, scale, a.Im));

    /// <summary>The parts exchanged: i conj(x). A forward transform between two exchanges is an inverse transform.</summary>
    [MethodImpl(Inline.Always)]
    public static Cx<T> Swap<T>(Cx<T> x) where T : struct, ILane<T> => new(x.Im, x.Re);
}
