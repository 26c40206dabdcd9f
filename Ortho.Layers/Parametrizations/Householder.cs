using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>The first columns of a product of Householder reflections, H(v_1) ... H(v_r) with H(v) = I - 2 v v^T / (v^T v), one for each
/// column, in compact-WY form. Real.</summary>
/// <remarks>Every matrix with orthonormal columns is reached: r reflections suffice for the first r columns.</remarks>
public sealed class Householder : IOrthogonalParametrization
{
    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">More columns than rows.</exception>
    public Tensor Forward(Tensor free)
    {
        Tall.Require(nameof(Householder), free);
        return free.HouseholderProduct(free.Shape[^1]);
    }

    /// <summary>The vectors of the QR decomposition of q whose R is the identity; a zero vector stands for no reflection.</summary>
    /// <remarks>Computed on the host in float64: initialisation and assignment, not a training path.</remarks>
    public Tensor Inverse(Tensor q)
    {
        Tall.Require(nameof(Householder), q);
        if (q.Rank != 2)
            throw new TensorArgumentException("Householder.Inverse", nameof(q), $"{q.Shape}", "one matrix [rows, columns]");
        var (rows, columns) = (q.Shape[0], q.Shape[1]);
        var a = q.To(DType.Float64).ToArray<double>();
        var v = new double[rows * columns];
        for (var k = 0; k < columns; k++)
        {
            // v = a_k - |a_k| e_k maps column k to +|a_k| e_k = e_k, so that R = I without signs to remember. Its first entry is
            // computed as -(sum of the others' squares) / (|a_k| + a_kk), which does not cancel.
            double tail = 0;
            for (var i = k + 1; i < rows; i++)
                tail += a[i * columns + k] * a[i * columns + k];
            var (head, norm) = (a[k * columns + k], Math.Sqrt(a[k * columns + k] * a[k * columns + k] + tail));
            var first = head <= 0 ? head - norm : -tail / (head + norm);
            var square = first * first + tail;
            if (square < 1e-24)
                continue;
            v[k * columns + k] = first;
            for (var i = k + 1; i < rows; i++)
                v[i * columns + k] = a[i * columns + k];
            // The product only depends on directions; unit vectors keep later steps of training on one scale.
            var scale = 1 / Math.Sqrt(square);
            for (var i = k; i < rows; i++)
                v[i * columns + k] *= scale;
            for (var j = k; j < columns; j++)
            {
                double dot = 0;
                for (var i = k; i < rows; i++)
                    dot += v[i * columns + k] * a[i * columns + j];
                for (var i = k; i < rows; i++)
                    a[i * columns + j] -= 2 * dot * v[i * columns + k];
            }
        }
        return Tensor.From(v, [rows, columns], q.Device).To(q.DType);
    }
}
