using Ortho.Tensors;
using Complex = System.Numerics.Complex;

namespace Ortho.Autograd;

/// <summary>Which cosine transform.</summary>
public enum DctType
{
    /// <summary>X_k = c_k sum_j x_j cos(pi (2j + 1) k / (2n)): the one that is meant where none is named.</summary>
    II,

    /// <summary>Its inverse and transpose: x_j = sum_k c_k X_k cos(pi (2j + 1) k / (2n)).</summary>
    III,
}

/// <summary>Discrete cosine transforms with orthonormal matrices: c_0 = sqrt(1/n), c_k = sqrt(2/n) otherwise. SciPy's with
/// <c>norm="ortho"</c>.</summary>
/// <remarks>Every length has a fast algorithm: one real Fourier transform of reordered elements (Makhoul 1980). Differentiable to any
/// order. BFloat16 and Half are transformed in Float32.</remarks>
[OpFamily("fourier")]
public static class CosineOps
{
    extension(Tensor x)
    {
        /// <summary>The cosine transform along a dimension: x D along the last one, for the D of <c>DctMatrix</c>.</summary>
        /// <param name="dimension">The dimension.</param>
        /// <param name="type">Which transform.</param>
        /// <exception cref="TensorArgumentException">Not real floating-point, or nothing along the dimension.</exception>
        [Op]
        public Tensor Dct(int dimension = -1, DctType type = DctType.II) => Transform("Dct", x, dimension, type);

        /// <summary>The inverse of <c>Dct</c> of the same type.</summary>
        /// <param name="dimension">The dimension.</param>
        /// <param name="type">Which transform is inverted.</param>
        /// <exception cref="TensorArgumentException">Not real floating-point, or nothing along the dimension.</exception>
        [Op]
        public Tensor Idct(int dimension = -1, DctType type = DctType.II) => Transform("Idct", x, dimension, Other("Idct", type));
    }

    extension(Tensor)
    {
        /// <summary>The orthogonal matrix D [n, n] with <c>x.Dct() = x D</c>: of type II its columns are cosines, D[j, k] = c_k cos(pi
        /// (2j + 1) k / (2n)); of type III its rows are.</summary>
        /// <param name="n">Size.</param>
        /// <param name="type">Which transform.</param>
        /// <param name="dtype">A real floating-point type; the numbers are computed in float64 and rounded.</param>
        /// <param name="device">Where it goes; the CPU when null.</param>
        /// <exception cref="TensorArgumentException">No size, or a dtype that is not real floating-point.</exception>
        [Op(Derivative = Derivative.None)]
        public static Tensor DctMatrix(int n, DctType type = DctType.II, DType dtype = DType.Float32, Device? device = null)
        {
            if (n < 1)
                throw new TensorArgumentException("DctMatrix", nameof(n), $"{n}", "1 or more");
            if (!dtype.IsFloatingPoint)
                throw new TensorArgumentException("DctMatrix", nameof(dtype), $"{dtype}", "a real floating-point type");
            var isSecond = Other("DctMatrix", type) == DctType.III;
            var d = new double[n * n];
            for (var j = 0; j < n; j++)
            {
                // The angle is pi/2 times an integer that has a period of 4n, over n: exact before the cosine.
                for (var k = 0; k < n; k++)
                    d[isSecond ? j * n + k : k * n + j] = Weight(k, n) * Math.Cos(Math.PI / 2 * ((2L * j + 1) * k % (4L * n)) / n);
            }
            return Tensor.From(d, [n, n]).To(dtype).To(device ?? Device.Cpu);
        }
    }

    static DctType Other(string operation, DctType type) => type switch
    {
        DctType.II => DctType.III,
        DctType.III => DctType.II,
        _ => throw new TensorArgumentException(operation, nameof(type), $"{type}", "type II or III"),
    };

    static double Weight(int k, int n) => Math.Sqrt((k == 0 ? 1.0 : 2) / n);

    static Tensor Transform(string operation, Tensor x, int dimension, DctType type)
    {
        PointwiseOps.RequireReal(operation, x);
        if (x.IsHalf)
            return Transform(operation, x.Wide, dimension, type).To(x.DType);
        var axis = x.Shape.Axis(dimension, operation);
        var n = x.Shape[axis];
        if (n == 0)
            throw new TensorArgumentException(operation, nameof(x), $"{x.Shape}", $"at least one element along dimension {axis}");
        var isSecond = Other(operation, type) == DctType.III;
        if (n == 1)
            return x;
        var lines = x.Transpose(axis, -1);
        return (isSecond ? Second(lines, n) : Third(lines, n)).Transpose(axis, -1);
    }

    // Elements with even places, then those with odd ones from the last to the first. With the half spectrum Z_k = c_k exp(-pi i k / (2n)) F_k of these:
    // X_k = Re Z_k and X_(n-k) = -Im Z_k.
    static Tensor Second(Tensor x, int n)
    {
        var z = Tensor.Concat([x.Slice(-1, step: 2), x.Slice(-1, 1, step: 2).Flip(-1)], -1).Rfft() * Turns(x, n, inverse: false);
        return n == 2 ? z.Real() : Tensor.Concat([z.Real(), -z.Imag().Narrow(-1, 1, (n - 1) / 2).Flip(-1)], -1);
    }

    static Tensor Third(Tensor x, int n)
    {
        var (half, first) = (n / 2, Tensor.Zeros(x.Shape.With(x.Rank - 1, 1), x.DType, x.Device));
        var z = Tensor.Complex(x.Narrow(-1, 0, half + 1), -Tensor.Concat([first, x.Narrow(-1, n - half, half).Flip(-1)], -1));
        var y = (z * Turns(x, n, inverse: true)).Irfft(n);
        var (even, odd) = (y.Narrow(-1, 0, n - half), y.Narrow(-1, n - half, half).Flip(-1));
        var pairs = Tensor.Stack([even.Narrow(-1, 0, half), odd], -1).Flatten(x.Rank - 1);
        return n % 2 == 0 ? pairs : Tensor.Concat([pairs, even.Narrow(-1, half, 1)], -1);
    }

    // c_k exp(-pi i k / (2n)), k = 0 .. n/2, or their inverses.
    static Tensor Turns(Tensor like, int n, bool inverse)
    {
        var turns = new Complex[n / 2 + 1];
        for (var k = 0; k < turns.Length; k++)
        {
            var turn = Complex.FromPolarCoordinates(Weight(k, n), -Math.PI / 2 * k / n);
            turns[k] = inverse ? 1 / turn : turn;
        }
        return Tensor.From(turns, [turns.Length], like.Device).To(like.DType.ComplexType);
    }
}
