using Ortho.Tensors;

namespace Ortho.Layers.Optimizers.Solvers;

/// <summary>Why a solver stopped.</summary>
public enum StopReason
{
    /// <summary>The gradient is at most as long as asked for.</summary>
    GradientTolerance,

    /// <summary>No iterations are left.</summary>
    MaxIterations,

    /// <summary>No step lowers the cost any more: usually the precision of the cost is exhausted.</summary>
    NoProgress,
}

/// <summary>What a solver found.</summary>
/// <param name="Point">The point.</param>
/// <param name="Cost">The cost there.</param>
/// <param name="GradientNorm">The length of the Riemannian gradient there.</param>
/// <param name="Iterations">Steps taken, or tried by the trust region.</param>
/// <param name="Reason">Why it stopped.</param>
public sealed record Solution(Tensor Point, double Cost, double GradientNorm, int Iterations, StopReason Reason);
