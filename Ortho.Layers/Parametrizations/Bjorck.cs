using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>The polar factor of a matrix by Newton-Schulz (Björck) iterations W &lt;- W (3 I - W^H W) / 2, after division by a bound of the
/// largest singular value. Real and complex. Björck and Bowie 1971; Anil, Lucas and Grosse 2019.</summary>
/// <remarks>
/// Singular values converge to 1 quadratically once near it: <c>|1 - s|</c> becomes about 1.5 <c>|1 - s|^2</c>. A value s far below 1
/// grows by 1.5 per step, so matrices that training has made nearly singular need more steps; <c>Certify</c> shows what was reached.
/// <see cref="Polar"/> needs no number of steps.
/// </remarks>
/// <param name="steps">Iterations.</param>
public sealed class Bjorck(int steps = 20) : OrthogonalParametrization
{
    /// <summary>Iterations.</summary>
    public int Steps { get; } = steps > 0 ? steps
        : throw new ArgumentOutOfRangeException(nameof(steps), steps, "Bjorck: at least one step.");

    /// <inheritdoc/>
    protected override Tensor MapTall(Tensor free)
    {
        // The largest singular value is at most sqrt(|W^H W|_F), which is exact up to the fourth root of the number of columns and
        // 1 for a single column; the polar factor does not depend on the scale, so no gradient passes through it.
        Tensor scale;
        using (Graph.NoGrad())
            scale = free.H.MatMul(free).Norm([-2, -1], keepDimensions: true).Sqrt();
        return free.Bjorck(0.5, Steps, scale);
    }

    // It is its own polar factor.
    /// <inheritdoc/>
    protected override Tensor UnmapTall(Tensor q) => q;
}
