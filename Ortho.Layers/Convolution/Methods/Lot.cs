using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.ConvolutionMethods;

/// <summary>Layer-wise orthogonal training: the polar factor (W W^H)^(-1/2) W of the kernel's symbol W at every frequency, the root by
/// coupled Newton-Schulz iterations. Xu, Li and Li 2022.</summary>
/// <remarks>
/// S = W W^H + shift I on the smaller side, Y = S / v, Z = I, v = |S|_F + shift; then R = (3 I - Z Y) / 2, Y &lt;- Y R, Z &lt;- R Z, and Q
/// = Z W / sqrt v. The shift and the finite number of iterations leave singular values slightly below 1 - above 0.9999 where those of W are
/// above 0.71 and their ratio is at most 10 - and far below it where W is nearly singular: <c>Certify</c> tells. The layer never expands.
/// </remarks>
/// <param name="iterations">Newton-Schulz iterations.</param>
/// <param name="shift">Added to the Gram matrices.</param>
public sealed class Lot(int iterations = 10, double shift = 1e-4) : SymbolMethod
{
    readonly int iterations = iterations > 0
        ? iterations : throw new ArgumentOutOfRangeException(nameof(iterations), iterations, "Lot: at least one iteration.");
    readonly double shift = shift >= 0 ? shift : throw new ArgumentOutOfRangeException(nameof(shift), shift, "Lot: not negative.");

    /// <summary>The identity kernel: 1 in the middle from channel i to channel i.</summary>
    public override IReadOnlyList<FreeNumbers> Initial(ConvolutionShape shape, Generator generator, DType dtype)
    {
        ArgumentNullException.ThrowIfNull(shape);
        var (height, width) = (shape.Kernel.Height, shape.Kernel.Width);
        var eye = Tensor.Eye(shape.Outputs, shape.Inputs * shape.Block, dtype).Unsqueeze(-1).Unsqueeze(-1);
        return [new("weight", eye.Pad([(height / 2, (height - 1) / 2), (width / 2, (width - 1) / 2)]), ParameterRole.Convolution)];
    }

    /// <inheritdoc/>
    protected override Tensor Orthogonalize(Tensor symbol, IReadOnlyList<Tensor> free)
    {
        var isTall = symbol.Shape[^2] > symbol.Shape[^1];
        var n = isTall ? symbol.Shape[^1] : symbol.Shape[^2];
        var eye = Tensor.Eye(n, dtype: symbol.DType, device: symbol.Device);
        var gram = (isTall ? symbol.H.MatMul(symbol) : symbol.MatMul(symbol.H)) + eye * shift;
        var norm = gram.Norm([-2, -1], keepDimensions: true) + shift;
        var root = (gram / norm.To(symbol.DType)).CoupledNewtonSchulz(iterations) / norm.Sqrt().To(symbol.DType);
        return isTall ? symbol.MatMul(root) : root.MatMul(symbol);
    }
}
