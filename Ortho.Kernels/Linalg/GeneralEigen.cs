using System.Numerics;
using Ortho.Kernels.Host;
using Ortho.Tensors;

namespace Ortho.Kernels.Linalg;

/// <summary>Eigenvalues and eigenvectors of general matrices by their <see cref="SchurForm"/>. On the host, in Complex128 whatever the dtype.</summary>
public static class GeneralEigen
{
    /// <summary>a V = V diag(L) for square matrices [..., n, n]: L [..., n] and V [..., n, n], complex, V's columns of Euclidean norm 1
    /// (Golub and Van Loan, chapter 7).</summary>
    /// <param name="operation">Name, for messages.</param>
    /// <param name="a">Real or complex, on the CPU.</param>
    /// <param name="vectors">Whether V is wanted; it is empty otherwise.</param>
    /// <remarks>A matrix with an element that is not finite gives NaN in its own place of the batch.</remarks>
    /// <exception cref="TensorArgumentException">The matrices are not square, of an unsuitable dtype, or on another device.</exception>
    public static (Tensor Values, Tensor Vectors) Run(string operation, Tensor a, bool vectors)
    {
        var x = Matrices.Square(a, operation, nameof(a));
        if (a.Device.Kind != DeviceKind.Cpu)
        {
            throw new TensorArgumentException(operation, nameof(a), $"on {a.Device}",
                "a tensor on the CPU; this operation has no device version, and copies nothing silently");
        }
        var (batch, n) = (x.Shape[0], x.Shape[1]);
        var dense = Skeletons.Copy.Dense(x);
        var elements = a.DType switch
        {
            DType.Float32 => Array.ConvertAll(dense.ToArray<float>(), number => (Complex)number),
            DType.Float64 => Array.ConvertAll(dense.ToArray<double>(), number => (Complex)number),
            DType.Complex64 => Array.ConvertAll(dense.ToArray<Complex64>(), number => (Complex)number),
            _ => dense.ToArray<Complex>(),
        };
        var (values, columns) = (new Complex[(long)batch * n], new Complex[vectors ? (long)batch * n * n : 0]);
        HostThreads.For(batch, index =>
        {
            var form = new SchurForm(elements.AsSpan(index * n * n, n * n), n, vectors);
            form.Solve(values.AsSpan(index * n, n), vectors ? columns.AsSpan(index * n * n, n * n) : []);
        });
        return (Rounded(values, a.Shape[..^1]), Rounded(columns, vectors ? a.Shape : [0]));

        Tensor Rounded(Complex[] numbers, Shape shape) => a.DType.RealType == DType.Float64
            ? Tensor.From(numbers, shape)
            : Tensor.From(Array.ConvertAll(numbers, number => (Complex64)number), shape);
    }
}
