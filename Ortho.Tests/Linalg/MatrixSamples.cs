using System.Numerics;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Tests.Linalg;

/// <summary>Random matrices and the measures that the tests of matrix algorithms share.</summary>
static class MatrixSamples
{
    /// <summary>The four dtypes that matrix algorithms take.</summary>
    public static readonly DType[] Types = [DType.Float32, DType.Float64, DType.Complex64, DType.Complex128];

    /// <summary>Rows and columns: one, thin, wide, square, around the vector width, above the blocked algorithms' threshold.</summary>
    public static readonly int[][] Sizes = [[1, 1], [1, 5], [5, 1], [3, 3], [8, 8], [33, 17], [17, 33], [64, 64], [100, 60], [60, 100], [140, 130]];

    /// <summary>Elements (and parts) uniform in [-1, 1]: the same for the same seed.</summary>
    public static Tensor Random(Shape shape, DType dtype = DType.Float64, int seed = 1, Device? device = null)
    {
        var random = new System.Random(seed);
        var elements = new Complex[shape.ElementCount];
        for (var i = 0; i < elements.Length; i++)
            elements[i] = new(2 * random.NextDouble() - 1, dtype.IsComplex ? 2 * random.NextDouble() - 1 : 0);
        return Of(elements, shape, dtype, device);
    }

    /// <summary>These elements in this dtype.</summary>
    public static Tensor Of(Complex[] elements, Shape shape, DType dtype, Device? device = null)
        => dtype.IsComplex
            ? Tensor.From(elements, shape, device).To(dtype)
            : Tensor.From([.. elements.Select(x => x.Real)], shape, device).To(dtype);

    /// <summary>The elements in full precision.</summary>
    public static Complex[] Numbers(Tensor x)
        => x.DType.IsComplex ? x.To(DType.Complex128).ToArray<Complex>() : [.. x.To(DType.Float64).ToArray<double>().Select(number => new Complex(number, 0))];

    /// <summary>The same values in double precision.</summary>
    public static Tensor Wide(Tensor x) => x.To(x.DType.IsComplex ? DType.Complex128 : DType.Float64);

    /// <summary>The largest magnitude; NaN when an element is.</summary>
    public static double Largest(Tensor x)
    {
        var largest = 0.0;
        foreach (var number in Numbers(x))
        {
            if (!(number.Magnitude <= largest))
                largest = number.Magnitude;
        }
        return largest;
    }

    /// <summary>The largest difference of two tensors of one shape, in double precision.</summary>
    public static double Difference(Tensor x, Tensor y)
    {
        Assert.That(x.Shape, Is.EqualTo(y.Shape));
        return Largest(Wide(x) - Wide(y));
    }

    /// <summary>The largest element of Q^H Q - I.</summary>
    public static double Skewness(Tensor q)
    {
        var wide = Wide(q);
        return Largest(wide.H.MatMul(wide) - Tensor.Eye(q.Shape[^1], dtype: wide.DType));
    }

    /// <summary>The largest element below the diagonal.</summary>
    public static double BelowDiagonal(Tensor r) => Largest(Wide(r).Tril(-1));

    /// <summary>The rounding unit of a dtype.</summary>
    public static double Unit(DType dtype) => dtype.RealType == DType.Float32 ? 6e-8 : 1.1e-16;

    /// <summary>A random unitary matrix: the Q of a random matrix's QR decomposition by Gram-Schmidt (twice), independent of the library's.</summary>
    public static Tensor Unitary(int n, DType dtype, int seed)
    {
        var random = new System.Random(seed);
        var columns = new Complex[n][];
        for (var j = 0; j < n; j++)
        {
            var v = new Complex[n];
            for (var i = 0; i < n; i++)
                v[i] = new(random.NextDouble() - 0.5, dtype.IsComplex ? random.NextDouble() - 0.5 : 0);
            for (var pass = 0; pass < 2; pass++)
            {
                for (var k = 0; k < j; k++)
                {
                    var dot = Complex.Zero;
                    for (var i = 0; i < n; i++)
                        dot += Complex.Conjugate(columns[k][i]) * v[i];
                    for (var i = 0; i < n; i++)
                        v[i] -= dot * columns[k][i];
                }
            }
            var norm = Math.Sqrt(v.Sum(x => x.Magnitude * x.Magnitude));
            columns[j] = [.. v.Select(x => x / norm)];
        }
        var elements = new Complex[n * n];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < n; j++)
                elements[i * n + j] = columns[j][i];
        }
        return Of(elements, [n, n], dtype);
    }

    /// <summary>Fails when gradients differ from central differences by more than this.</summary>
    public static void CheckGradient(Func<Tensor[], Tensor> function, Tensor[] arguments, int order = 1, double tolerance = 2e-7)
    {
        var result = GradientCheck.Run(function, arguments, step: 1e-3, order: order, samples: 12);
        Assert.That(result.Error, Is.LessThan(tolerance), result.Where);
    }
}
