using Ortho.Autograd;
using Ortho.Layers.Manifolds;
using Ortho.Tensors;

namespace Ortho.Layers.Optimizers;

/// <summary>Descent towards matrices with orthonormal columns without retractions: x &lt;- x - rate f with the field
/// f = skew(g x^H) x + attraction x (x^H x - I). The first term turns x against the gradient and keeps x^H x to first order; the second, at
/// a right angle to it, draws x to the manifold. A step costs some products and no decomposition. Ablin and Peyré 2022 (square matrices);
/// Ablin, Vary, Gao and Absil 2023 (tall ones).</summary>
/// <remarks>
/// Steps are shortened where needed so that d = |x^H x - I|_F stays at most the radius e: for the attraction a, rate &lt;= 1 / (2 a) and
/// rate &lt;= (a d (1 - d) + sqrt((a d (1 - d))^2 + |f|^2 (e - d))) / |f|^2 (2023). A gradient that does not vanish and a constant rate keep
/// x at a distance d of about rate |f|^2 / (2 a); <see cref="RiemannianOptimizer.ReprojectEvery"/> or a falling rate bring it onto the
/// manifold. Nothing waits for the device. Real and complex.
/// </remarks>
public sealed class Landing : StiefelOptimizer
{
    readonly double attraction, radius, momentum;
    readonly Tensor[] buffers;

    /// <summary>An optimizer of some orthogonal matrices.</summary>
    /// <param name="parameters">Parameters on <see cref="Stiefel"/> or <see cref="OrthogonalGroup"/>, or a <see cref="MatrixView"/> of one.
    /// From now on values up to the radius away can be assigned to and loaded into them.</param>
    /// <param name="learningRate">Largest step size.</param>
    /// <param name="attraction">Weight of the second term.</param>
    /// <param name="radius">The largest distance |x^H x - I|_F that steps may reach, below 1.</param>
    /// <param name="momentum">Decay of the momentum b &lt;- momentum b + g that takes the gradient's place; 0 for none.</param>
    /// <exception cref="ArgumentException">A parameter lives elsewhere.</exception>
    public Landing(IEnumerable<Parameter> parameters, double learningRate = 0.1, double attraction = 1, double radius = 0.5,
        double momentum = 0)
        : base(parameters, learningRate)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(attraction);
        ArgumentOutOfRangeException.ThrowIfNegative(momentum);
        if (!(radius is > 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(radius), radius, "Expected a number between 0 and 1.");
        (this.attraction, this.radius, this.momentum) = (attraction, radius, momentum);
        buffers = momentum == 0 ? [] : Remember("momentum", ZerosLikeMatrices(square: false));
        foreach (var parameter in Parameters)
            parameter.Slack = Math.Max(parameter.Slack, radius);
    }

    /// <summary>The two terms of the field at x.</summary>
    /// <param name="x">Matrices [..., n, p], n &gt;= p.</param>
    /// <param name="gradient">The Euclidean gradient g.</param>
    /// <returns>skew(g x^H) x = (g x^H x - x g^H x) / 2, and x (x^H x - I), the gradient of |x^H x - I|^2 / 4.</returns>
    public static (Tensor Relative, Tensor Normal) Field(Tensor x, Tensor gradient)
    {
        var gram = x.H.MatMul(x);
        var excess = gram - Tensor.Eye(x.Shape[^1], dtype: x.DType, device: x.Device);
        return ((gradient.MatMul(gram) - x.MatMul(gradient.H.MatMul(x))) * 0.5, x.MatMul(excess));
    }

    /// <summary>The largest step size after which |x^H x - I|_F is still at most a radius; see the remarks of the class.</summary>
    /// <param name="distance">d, at most 1 for a meaningful answer; where it is above the radius, the step that lessens it most.</param>
    /// <param name="fieldNorm">|f|.</param>
    /// <param name="attraction">a.</param>
    /// <param name="radius">e.</param>
    /// <returns>Of the tensors' shape.</returns>
    public static Tensor SafeStep(Tensor distance, Tensor fieldNorm, double attraction, double radius)
    {
        var pull = distance * (1.0 - distance) * attraction;
        var square = fieldNorm.Square();
        var longest = (pull + (pull.Square() + square * (radius - distance).Relu()).Sqrt()) / square;
        var most = Tensor.Full([], 1 / (2 * attraction), longest.DType, longest.Device);
        // 0 / 0 where there is no field: any step will do.
        return Tensor.Where(square.EqualTo(square.ZerosLike()), most, Tensor.Minimum(longest.Relu(), most));
    }

    /// <inheritdoc/>
    private protected override Tensor Move(int index, bool isCanonical, Tensor x, Tensor gradient)
    {
        if (momentum > 0)
        {
            buffers[index].CopyFrom(buffers[index] * momentum + gradient);
            gradient = buffers[index];
        }
        var (relative, normal) = Field(x, gradient);
        var field = relative + normal * attraction;
        var step = SafeStep(Stiefel.Skewness(x), field.Norm([-2, -1], keepDimensions: true), attraction, radius);
        var rate = Tensor.Minimum(step, Tensor.Full([], LearningRate, step.DType, step.Device));
        return x - field * rate.To(x.DType);
    }
}
