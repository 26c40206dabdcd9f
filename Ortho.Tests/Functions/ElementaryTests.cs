using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using NUnit.Framework;
using Ortho.Kernels.Functions;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;

namespace Ortho.Tests.Functions;

public interface IFunction
{
    static abstract T Of<T>(T x) where T : struct, ILane<T>;
}

public struct ExpOf : IFunction { public static T Of<T>(T x) where T : struct, ILane<T> => T.Exp(x); }
public struct LogOf : IFunction { public static T Of<T>(T x) where T : struct, ILane<T> => T.Log(x); }
public struct SinOf : IFunction { public static T Of<T>(T x) where T : struct, ILane<T> => T.Sin(x); }
public struct CosOf : IFunction { public static T Of<T>(T x) where T : struct, ILane<T> => T.Cos(x); }
public struct TanhOf : IFunction { public static T Of<T>(T x) where T : struct, ILane<T> => T.Tanh(x); }
public struct ErfOf : IFunction { public static T Of<T>(T x) where T : struct, ILane<T> => T.Erf(x); }
public struct Log1pOf : IFunction { public static T Of<T>(T x) where T : struct, ILane<T> => T.Log1p(x); }
public struct Expm1Of : IFunction { public static T Of<T>(T x) where T : struct, ILane<T> => T.Expm1(x); }
public struct TanOf : IFunction { public static T Of<T>(T x) where T : struct, ILane<T> => Elementary.Tan(x); }
public struct AsinOf : IFunction { public static T Of<T>(T x) where T : struct, ILane<T> => Elementary.Asin(x); }
public struct AcosOf : IFunction { public static T Of<T>(T x) where T : struct, ILane<T> => Elementary.Acos(x); }
public struct AtanOf : IFunction { public static T Of<T>(T x) where T : struct, ILane<T> => T.Atan2(x, T.Of(1)); }
public struct SinhOf : IFunction { public static T Of<T>(T x) where T : struct, ILane<T> => T.Sinh(x); }
public struct CoshOf : IFunction { public static T Of<T>(T x) where T : struct, ILane<T> => T.Cosh(x); }
public struct AsinhOf : IFunction { public static T Of<T>(T x) where T : struct, ILane<T> => T.Asinh(x); }
public struct AcoshOf : IFunction { public static T Of<T>(T x) where T : struct, ILane<T> => Elementary.Acosh(x); }
public struct AtanhOf : IFunction { public static T Of<T>(T x) where T : struct, ILane<T> => Elementary.Atanh(x); }
public struct Exp2Of : IFunction { public static T Of<T>(T x) where T : struct, ILane<T> => T.Exp2(x); }
public struct Log2Of : IFunction { public static T Of<T>(T x) where T : struct, ILane<T> => T.Log2(x); }
public struct Log10Of : IFunction { public static T Of<T>(T x) where T : struct, ILane<T> => T.Log10(x); }
public struct CbrtOf : IFunction { public static T Of<T>(T x) where T : struct, ILane<T> => T.Cbrt(x); }
public struct ErfcOf : IFunction { public static T Of<T>(T x) where T : struct, ILane<T> => T.Erfc(x); }
public struct ErfinvOf : IFunction { public static T Of<T>(T x) where T : struct, ILane<T> => T.Erfinv(x); }

/// <summary>The shared polynomials against independent references, at their limits, and on every lane.</summary>
public class ElementaryTests
{
    const double Infinity = double.PositiveInfinity;

    /// <summary>One function: its reference in float64, the arguments on which it is defined, and its largest errors.</summary>
    public abstract class Row(string name, Func<double, double> reference, double from, double to, double ulp32, double ulp64)
    {
        public string Name => name;
        public Func<double, double> Reference => reference;
        public (double From, double To) Domain => (from, to);
        public (double Single, double Double) Ulp => (ulp32, ulp64);

        public abstract float Single(float x);
        public abstract double Double(double x);
        public abstract double Slope(double x);
        public abstract float[][] SingleLanes(float x);
        public abstract double[][] DoubleLanes(double x);
        public abstract (float[] Single, double[] Double) Simulate(float[] x, double[] y);
        public abstract (string Single, string Double) Lower();
        public override string ToString() => name;
    }

    sealed class Row<F>(string name, Func<double, double> reference, double from, double to, double ulp32, double ulp64)
        : Row(name, reference, from, to, ulp32, ulp64) where F : struct, IFunction
    {
        public override float Single(float x) => F.Of(new F32(x)).Value;
        public override double Double(double x) => F.Of(new F64(x)).Value;
        public override double Slope(double x) => F.Of(Dual<F64>.Variable(new(x))).Slope.Value;

        public override float[][] SingleLanes(float x) =>
        [
            Elements(v => F.Of(new Vec128<float>(v)).Value, Vector128.Create(x)),
            Elements(v => F.Of(new Vec256<float>(v)).Value, Vector256.Create(x)),
            Elements(v => F.Of(new Vec512<float>(v)).Value, Vector512.Create(x)),
        ];

        public override double[][] DoubleLanes(double x) =>
        [
            Elements(v => F.Of(new Vec128<double>(v)).Value, Vector128.Create(x)),
            Elements(v => F.Of(new Vec256<double>(v)).Value, Vector256.Create(x)),
            Elements(v => F.Of(new Vec512<double>(v)).Value, Vector512.Create(x)),
        ];

        static E[] Elements<E>(Func<Vector128<E>, Vector128<E>> f, Vector128<E> x) => [f(x)[0], f(x)[Vector128<E>.Count - 1]];
        static E[] Elements<E>(Func<Vector256<E>, Vector256<E>> f, Vector256<E> x) => [f(x)[0], f(x)[Vector256<E>.Count - 1]];
        static E[] Elements<E>(Func<Vector512<E>, Vector512<E>> f, Vector512<E> x) => [f(x)[0], f(x)[Vector512<E>.Count - 1]];

        public override (float[] Single, double[] Double) Simulate(float[] x, double[] y)
        {
            using var context = Context.Create(b => b.CPU(new CPUDevice(4, 1, 1)).Optimize(OptimizationLevel.O1));
            Intrinsics.Register(context);
            using var accelerator = context.CreateCPUAccelerator(0);
            using var singles = accelerator.Allocate1D(x);
            using var doubles = accelerator.Allocate1D(y);
            accelerator.LoadAutoGroupedStreamKernel<Index1D, ArrayView<float>>(SingleKernel<F>)(x.Length, singles.View);
            accelerator.LoadAutoGroupedStreamKernel<Index1D, ArrayView<double>>(DoubleKernel<F>)(y.Length, doubles.View);
            accelerator.Synchronize();
            return (singles.GetAsArray1D(), doubles.GetAsArray1D());
        }

        public override (string Single, string Double) Lower()
        {
            using var context = Context.Create(b => b.CPU(CPUDeviceKind.Nvidia).Optimize(OptimizationLevel.O1));
            Intrinsics.Register(context);
            var architecture = new CudaArchitecture(9, 0);
            using var backend = new PTXBackend(
                context, new CudaCapabilityContext(architecture), architecture, new CudaInstructionSet(8, 4), null);
            return (Text(backend, nameof(SingleKernel)), Text(backend, nameof(DoubleKernel)));
        }

        static string Text(PTXBackend backend, string kernel)
        {
            var method = typeof(ElementaryTests).GetMethod(kernel)!.MakeGenericMethod(typeof(F));
            var entry = EntryPointDescription.FromImplicitlyGroupedKernel(method);
            return ((PTXCompiledKernel)backend.Compile(entry, KernelSpecialization.Empty)).PTXAssembly;
        }
    }

    public static void SingleKernel<F>(Index1D i, ArrayView<float> x) where F : struct, IFunction => x[i] = F.Of(new F32(x[i])).Value;

    public static void DoubleKernel<F>(Index1D i, ArrayView<double> x) where F : struct, IFunction => x[i] = F.Of(new F64(x[i])).Value;

    // The ulp are the largest errors found on a wider sweep (see the remarks of each function), rounded up.
    static readonly Row[] Rows =
    [
        new Row<ExpOf>("Exp", Math.Exp, -Infinity, Infinity, 1.05, 0.97),
        new Row<LogOf>("Log", Math.Log, -Infinity, Infinity, 0.85, 0.84),
        new Row<SinOf>("Sin", Math.Sin, -262144, 262144, 1.6, 1.4),
        new Row<CosOf>("Cos", Math.Cos, -262144, 262144, 1.75, 1.4),
        new Row<TanhOf>("Tanh", Math.Tanh, -Infinity, Infinity, 2.6, 2.5),
        new Row<ErfOf>("Erf", Erf, -Infinity, Infinity, 1.85, 2.15),
        new Row<Log1pOf>("Log1p", Log1p, -Infinity, Infinity, 1.6, 1.6),
        new Row<Expm1Of>("Expm1", Expm1, -Infinity, Infinity, 1.6, 1.8),
        new Row<TanOf>("Tan", Math.Tan, -262144, 262144, 2.8, 2),
        new Row<AsinOf>("Asin", Math.Asin, -1, 1, 2.3, 2),
        new Row<AcosOf>("Acos", Math.Acos, -1, 1, 2.3, 2),
        new Row<AtanOf>("Atan", Math.Atan, -Infinity, Infinity, 2.2, 2),
        new Row<SinhOf>("Sinh", Math.Sinh, -Infinity, Infinity, 2.3, 2),
        new Row<CoshOf>("Cosh", Math.Cosh, -Infinity, Infinity, 2.3, 2),
        new Row<AsinhOf>("Asinh", Asinh, -Infinity, Infinity, 1.8, 2),
        new Row<AcoshOf>("Acosh", Math.Acosh, 1, Infinity, 2, 2),
        new Row<AtanhOf>("Atanh", Math.Atanh, -1, 1, 1.7, 2),
        new Row<Exp2Of>("Exp2", x => Math.Pow(2, x), -Infinity, Infinity, 1.1, 1),
        new Row<Log2Of>("Log2", Math.Log2, -Infinity, Infinity, 1.6, 1.5),
        new Row<Log10Of>("Log10", Math.Log10, -Infinity, Infinity, 2.4, 1.5),
        new Row<CbrtOf>("Cbrt", Math.Cbrt, -Infinity, Infinity, 0.8, 1),
        new Row<ErfcOf>("Erfc", Ops.Reference.Erfc, -Infinity, Infinity, 5.5, 3.5),
        new Row<ErfinvOf>("Erfinv", Ops.Reference.Erfinv, -1, 1, 3.5, 4),
    ];

    /// <summary>Power series with positive terms below 3, continued fraction of erfc above (Abramowitz and Stegun 7.1.6, 7.1.14).</summary>
    static double Erf(double x)
    {
        var a = Math.Abs(x);
        double y;
        if (a < 3)
        {
            double term = a, sum = a;
            for (var n = 1; term > sum * 1e-18; n++)
                sum += term *= 2 * a * a / (2 * n + 1);
            y = 2 / Math.Sqrt(Math.PI) * Math.Exp(-a * a) * sum;
        }
        else
        {
            var fraction = a;
            for (var n = 60; n > 0; n--)
                fraction = a + n * 0.5 / fraction;
            y = a < 10 ? 1 - Math.Exp(-a * a) / (fraction * Math.Sqrt(Math.PI)) : a > 0 ? 1 : a;
        }
        return Math.CopySign(y, x);
    }

    /// <summary>log(u) x / (u - 1) with u = 1 + x rounded: the rounding cancels (Kahan).</summary>
    static double Log1p(double x)
    {
        var u = 1 + x;
        return u == 1 ? x : u > 0 && u < Infinity ? Math.Log(u) * (x / (u - 1)) : Math.Log(u);
    }

    /// <summary>(u - 1) x / log u with u = e^x rounded (Kahan); the series where u is near 1.</summary>
    static double Expm1(double x)
    {
        var u = Math.Exp(x);
        return Math.Abs(x) < 1e-5 ? x + x * x * (0.5 + x / 6) : Math.Abs(x) > 1 || double.IsNaN(x) ? u - 1 : (u - 1) * x / Math.Log(u);
    }

    /// <summary>Math.Asinh loses small numbers.</summary>
    static double Asinh(double x)
    {
        var a = Math.Abs(x);
        return Math.CopySign(a < 1e-3 ? a - a * a * a / 6 : a > 1e150 ? Math.Log(a) + Math.Log(2) : Log1p(a + a * a / (1 + Math.Sqrt(1 + a * a))), x);
    }

    static double UlpOf(double y, int bits, int lowest)
        => Math.ScaleB(1, Math.Max(y == 0 ? lowest : Math.ILogB(y) - bits, lowest));

    static double SingleError(float got, double expected)
    {
        if (double.IsNaN(expected) || double.IsNaN(got))
            return double.IsNaN(expected) == double.IsNaN(got) ? 0 : Infinity;
        // Above the largest float the exact result rounds to infinity; infinity stands for 2^128 where it does not.
        if (float.IsInfinity((float)expected))
            return got == (float)expected ? 0 : Infinity;
        var value = float.IsInfinity(got) ? Math.CopySign(Math.ScaleB(1, 128), got) : got;
        return Math.Abs(value - expected) / UlpOf(expected, 23, -149);
    }

    // One in 30 011 (a prime) of all bit patterns covers every exponent; the second half lies densely where most use is.
    static IEnumerable<float> Sweep()
    {
        for (long bits = 0; bits <= uint.MaxValue; bits += 30011)
            yield return BitConverter.UInt32BitsToSingle((uint)bits);
        for (var i = -50_000; i <= 50_000; i++)
            yield return i * 2.0003e-4f;
    }

    // A thousand arguments for the comparisons of lanes, all regimes and special values among them.
    static IEnumerable<double> Sample() =>
    [
        0.0, -0.0, Infinity, -Infinity, double.NaN, double.Epsilon, -1e-310, 1e-40, 1, -1,
        300, -300, 88.7, -103.5, 709.7, -740, 1e30, -1e30,
        .. Enumerable.Range(0, 180).Select(i => (i - 90) * 0.1137),
    ];

    [TestCaseSource(nameof(Rows))]
    public void Single_precision_stays_within_its_ulp(Row row)
    {
        double worst = 0;
        float at = 0;
        foreach (var x in Sweep())
        {
            if (x < row.Domain.From || x > row.Domain.To)
                continue;
            var error = SingleError(row.Single(x), row.Reference(x));
            if (error > worst)
                (worst, at) = (error, x);
        }
        TestContext.Out.WriteLine($"{row.Name}: {worst:F3} ulp at {at:R}");
        Assert.That(worst, Is.LessThanOrEqualTo(row.Ulp.Single), $"at {at:R}: {row.Single(at):R}, expected {row.Reference(at):R}");
    }

    [TestCaseSource(nameof(Rows))]
    public void Double_precision_stays_within_its_ulp(Row row)
    {
        double worst = 0;
        foreach (var (argument, value) in ElementaryTable.Find(row.Name))
        {
            var (x, expected) = (BitConverter.UInt64BitsToDouble(argument), BitConverter.UInt64BitsToDouble(value));
            // The table's value is itself rounded by up to half an ulp.
            var error = Math.Abs(row.Double(x) - expected) / UlpOf(expected, 52, -1074);
            worst = Math.Max(worst, error);
            Assert.That(error, Is.LessThanOrEqualTo(row.Ulp.Double + 0.5), $"at {x:R}: {row.Double(x):R}, expected {expected:R}");
        }
        TestContext.Out.WriteLine($"{row.Name}: {worst:F3} ulp of the table");
    }

    [TestCase("Exp", double.NaN, double.NaN)]
    [TestCase("Exp", -Infinity, 0.0)]
    [TestCase("Exp", Infinity, Infinity)]
    [TestCase("Exp", 0.0, 1.0)]
    [TestCase("Exp", -0.0, 1.0)]
    [TestCase("Exp", 1e30, Infinity)]
    [TestCase("Exp", 710, Infinity)]
    [TestCase("Exp", -1e30, 0.0)]
    [TestCase("Exp", -746, 0.0)]
    [TestCase("Log", double.NaN, double.NaN)]
    [TestCase("Log", 0.0, -Infinity)]
    [TestCase("Log", -0.0, -Infinity)]
    [TestCase("Log", -1.0, double.NaN)]
    [TestCase("Log", -1e-40, double.NaN)]
    [TestCase("Log", -Infinity, double.NaN)]
    [TestCase("Log", Infinity, Infinity)]
    [TestCase("Log", 1.0, 0.0)]
    [TestCase("Sin", double.NaN, double.NaN)]
    [TestCase("Sin", Infinity, double.NaN)]
    [TestCase("Sin", -Infinity, double.NaN)]
    [TestCase("Sin", 1e30, double.NaN)]
    [TestCase("Sin", 0.0, 0.0)]
    [TestCase("Sin", -0.0, -0.0)]
    [TestCase("Cos", double.NaN, double.NaN)]
    [TestCase("Cos", Infinity, double.NaN)]
    [TestCase("Cos", -Infinity, double.NaN)]
    [TestCase("Cos", 0.0, 1.0)]
    [TestCase("Cos", -0.0, 1.0)]
    [TestCase("Tanh", double.NaN, double.NaN)]
    [TestCase("Tanh", Infinity, 1.0)]
    [TestCase("Tanh", -Infinity, -1.0)]
    [TestCase("Tanh", 1e30, 1.0)]
    [TestCase("Tanh", 0.0, 0.0)]
    [TestCase("Tanh", -0.0, -0.0)]
    [TestCase("Erf", double.NaN, double.NaN)]
    [TestCase("Erf", Infinity, 1.0)]
    [TestCase("Erf", -Infinity, -1.0)]
    [TestCase("Erf", 0.0, 0.0)]
    [TestCase("Erf", -0.0, -0.0)]
    [TestCase("Log1p", double.NaN, double.NaN)]
    [TestCase("Log1p", -1.0, -Infinity)]
    [TestCase("Log1p", -1.5, double.NaN)]
    [TestCase("Log1p", -Infinity, double.NaN)]
    [TestCase("Log1p", Infinity, Infinity)]
    [TestCase("Log1p", 0.0, 0.0)]
    [TestCase("Log1p", -0.0, -0.0)]
    [TestCase("Expm1", double.NaN, double.NaN)]
    [TestCase("Expm1", -Infinity, -1.0)]
    [TestCase("Expm1", -1e30, -1.0)]
    [TestCase("Expm1", Infinity, Infinity)]
    [TestCase("Expm1", 1e30, Infinity)]
    [TestCase("Expm1", 0.0, 0.0)]
    [TestCase("Expm1", -0.0, -0.0)]
    public void Special_values(string name, double x, double expected)
    {
        var row = Rows.Single(r => r.Name == name);
        Assert.Multiple(() =>
        {
            Assert.That(Bits(row.Double(x)), Is.EqualTo(Bits(expected)), "float64");
            Assert.That(Bits(row.Single((float)x)), Is.EqualTo(Bits((float)expected)), "float32");
        });
    }

    [TestCaseSource(nameof(Rows))]
    public void Every_vector_width_gives_the_bits_of_the_scalar(Row row)
    {
        foreach (var x in Sample())
        {
            var single = Bits(row.Single((float)x));
            var number = Bits(row.Double(x));
            Assert.That(row.SingleLanes((float)x).SelectMany(v => v).Select(Bits), Is.All.EqualTo(single), $"float32 at {x:R}");
            Assert.That(row.DoubleLanes(x).SelectMany(v => v).Select(Bits), Is.All.EqualTo(number), $"float64 at {x:R}");
        }
    }

    [TestCaseSource(nameof(Rows))]
    public void Slope_matches_central_differences(Row row)
    {
        const double step = 1e-5;
        foreach (var x in Enumerable.Range(1, 60).Select(i => (row.Name.StartsWith("Log", StringComparison.Ordinal) ? 0 : -3) + i * 0.0973))
        {
            // Not near the poles of tan and where the third derivative is large at the ends of a domain.
            if (x - row.Domain.From < 0.15 || row.Domain.To - x < 0.15 || (row.Name == "Tan" && Math.Abs(row.Slope(x)) > 20)
                || (row.Name is "Cbrt" or "Log2" && Math.Abs(x) < 0.15))
                continue;
            var difference = (row.Double(x + step) - row.Double(x - step)) / (2 * step);
            // The step's truncation, step^2 / 6 of the third derivative, dominates for log near 0.0973: 2000 * 1.7e-11.
            Assert.That(row.Slope(x), Is.EqualTo(difference).Within(5e-8), $"at {x:R}");
        }
    }

    [TestCaseSource(nameof(Rows))]
    public void Simulated_device_gives_the_bits_of_the_host(Row row)
    {
        double[] doubles = [.. Sample()];
        float[] singles = [.. doubles.Select(x => (float)x)];
        var device = row.Simulate(singles, doubles);
        Assert.Multiple(() =>
        {
            Assert.That(device.Single.Select(Bits), Is.EqualTo(singles.Select(x => Bits(row.Single(x)))));
            Assert.That(device.Double.Select(Bits), Is.EqualTo(doubles.Select(x => Bits(row.Double(x)))));
        });
    }

    [TestCaseSource(nameof(Rows))]
    public void Lowers_to_exact_instructions_of_its_own_precision(Row row)
    {
        var text = row.Lower();
        Assert.Multiple(() =>
        {
            foreach (var ptx in new[] { text.Single, text.Double })
            {
                Assert.That(ptx, Does.Not.Contain(".extern .func"));
                Assert.That(ptx, Does.Not.Contain(".approx"));
                Assert.That(ptx, Does.Not.Contain(".ftz"), "subnormals flushed");
                Assert.That(ptx, Does.Not.Match(@"\bcall\b"));
                Assert.That(ptx, Does.Not.Match(@"\b(mul|div)\.f(32|64)"), "a product to fuse or a quotient to approximate");
            }
            Assert.That(text.Single, Does.Not.Match(@"\.f64\b"), "the float32 kernel computes in float64");
            Assert.That(text.Single, Does.Contain("fma.rn.f32"));
            Assert.That(text.Double, Does.Contain("fma.rn.f64"));
        });
    }

    // NaN has many patterns, and which one comes out is left to the device.
    static uint Bits(float x) => BitConverter.SingleToUInt32Bits(float.IsNaN(x) ? float.NaN : x);

    static ulong Bits(double x) => BitConverter.DoubleToUInt64Bits(double.IsNaN(x) ? double.NaN : x);
}
