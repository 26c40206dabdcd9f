using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>Random matrices with orthonormal columns, uniformly distributed (Haar measure).</summary>
public static class Haar
{
    /// <summary>A random Q [rows, columns] with Q^T Q = I.</summary>
    /// <remarks>QR of a normal matrix with the signs of R's diagonal moved into Q. Mezzadri 2007.</remarks>
    /// <exception cref="TensorArgumentException">More columns than rows.</exception>
    public static Tensor Sample(int rows, int columns, Generator generator, DType dtype = DType.Float32, Device? device = null)
    {
        if (columns > rows)
            throw new TensorArgumentException("Haar", nameof(columns), $"{columns}", $"at most rows = {rows}");
        using (Graph.NoGrad())
        {
            var (q, r) = Tensor.Normal([rows, columns], generator, dtype: dtype, device: device).Qr();
            var signs = r.Diagonal().Sign();
            return q * signs;
        }
    }
}
