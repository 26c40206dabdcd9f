using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>Circulant matrices W[i, j] = c[(i - j) mod n], of which the first column c is free. Real and complex.</summary>
/// <remarks>Applied as a circular convolution, by the Fourier transform. <c>Error</c> is the distance from the nearest one, whose c is the
/// mean of each wrapped diagonal. Samples are normal, of variance 1 / n.</remarks>
/// <param name="n">Rows and columns.</param>
public sealed class Circulant(int n) : StructuredParametrization(n, n, n)
{
    readonly int n = n > 0 ? n : throw new ArgumentOutOfRangeException(nameof(n), n, "Circulant: a positive size.");

    /// <inheritdoc/>
    protected override string Elements => $"circulant matrices [{n}, {n}]";

    // The elements that index(i, j) names, of a tensor's last dimension, as [..., n, n].
    Tensor At(Tensor x, Func<int, int, int> index)
    {
        var places = new long[n * n];
        for (var k = 0; k < places.Length; k++)
            places[k] = index(k / n, k % n);
        return x.IndexSelect(-1, Tensor.From(places, [n * n], x.Device)).Reshape([.. x.Shape.Span[..^1], n, n]);
    }

    /// <inheritdoc/>
    protected override Tensor Map(Tensor free) => At(free, (i, j) => (i - j + n) % n);

    private protected override Tensor Multiply(Tensor free, Tensor x)
        => x.DType.IsComplex ? (free.Fft() * x.Fft()).Ifft() : (free.Rfft() * x.Rfft()).Irfft(n);

    /// <inheritdoc/>
    protected override Tensor Unmap(Tensor value)
        => At(value.Reshape([.. value.Shape.Span[..^2], n * n]), (k, j) => (j + k) % n * n + j).Mean([-1]);

    /// <inheritdoc/>
    protected override Tensor Draw(Shape shape, Generator generator, DType dtype, Device? device)
        => Map(NormalMatrix.Of(FreeShape(shape), generator, dtype, device) * (1 / Math.Sqrt(n)));
}
