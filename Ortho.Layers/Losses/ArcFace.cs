using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Losses;

/// <summary>A classifier of directions, s cos(x, w_k), whose training asks for an angle between classes: the label's cosine c = cos(theta)
/// is replaced by cos(theta + m). Deng et al. 2019. Curricular (Huang et al. 2020), cosines of other classes above the label's lowered one
/// weigh more, the more the later in training: cos (t + cos) with t a running mean of the labels' cosines.</summary>
/// <remarks>Where theta + m would exceed pi, c - m sin m stands for cos(theta + m), as in the reference implementations: at c = -cos m the
/// value jumps from -1 to -cos m - m sin m, for m = 0.15 to -1.011187.</remarks>
public sealed class ArcFace : Module
{
    readonly double scale, margin;
    readonly ModuleBuffer? hardness;

    /// <summary>A classifier with Xavier-normal weights.</summary>
    /// <param name="features">Features of x.</param>
    /// <param name="classes">Classes.</param>
    /// <param name="generator">Source of the initial weights.</param>
    /// <param name="scale">s.</param>
    /// <param name="margin">m, in radians, at least 0 and below a right angle.</param>
    /// <param name="curricular">Whether hard negatives weigh more as training goes on.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size or s is not positive, or m is not within its range.</exception>
    public ArcFace(int features, int classes, Generator generator, double scale = 30, double margin = 0.15, bool curricular = false,
        DType dtype = DType.Float32)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(features, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(scale);
        (this.scale, this.margin) = (scale, Checked(margin));
        var deviation = Math.Sqrt(2.0 / (features + classes));
        Weight = Register("weight", Tensor.Normal([classes, features], generator, 0, deviation, dtype), ParameterRole.Head);
        hardness = curricular ? RegisterBuffer("t", Tensor.Zeros([1], dtype)) : null;
    }

    /// <summary>A direction for each class [classes, features], of any length.</summary>
    public Parameter Weight { get; }

    /// <summary>Logits without a margin, s cos(x, w) [batch, classes]: for use.</summary>
    /// <param name="x">[batch, features].</param>
    /// <exception cref="TensorArgumentException">x is of another shape.</exception>
    public override Tensor Forward(Tensor x) => Cosines(x) * scale;

    /// <summary>The cross-entropy of the logits with the margin, averaged. In training, the curricular form moves t first.</summary>
    /// <param name="x">[batch, features].</param>
    /// <param name="labels">Int64 [batch].</param>
    /// <exception cref="TensorArgumentException">Shapes or dtypes do not fit; on the CPU also: a label is no class.</exception>
    public Tensor Loss(Tensor x, Tensor labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        var cosines = Cosines(x);
        if (labels.DType != DType.Int64 || labels.Rank != 1 || labels.Shape[0] != x.Shape[0])
            throw new TensorArgumentException("ArcFace.Loss", nameof(labels), $"{labels.DType} {labels.Shape}", $"Int64 [{x.Shape[0]}]");
        if (hardness is not null && IsTraining)
        {
            using (Graph.NoGrad())
                hardness.Assign(hardness.Value.Lerp(cosines.Detach().Gather(1, labels.Unsqueeze(1)).Mean().Reshape(1), 0.01));
        }
        return (WithMargin(cosines, labels, margin, hardness?.Value) * scale).CrossEntropy(labels);
    }

    /// <summary>Cosines with the margin at the labels.</summary>
    /// <param name="cosines">[batch, classes].</param>
    /// <param name="labels">Int64 [batch].</param>
    /// <param name="margin">m.</param>
    /// <param name="hardness">t [1] of the curricular form; none when null.</param>
    /// <exception cref="ArgumentOutOfRangeException">m is negative or not below a right angle.</exception>
    public static Tensor WithMargin(Tensor cosines, Tensor labels, double margin, Tensor? hardness = null)
    {
        ArgumentNullException.ThrowIfNull(cosines);
        ArgumentNullException.ThrowIfNull(labels);
        var (cosine, sine) = (Math.Cos(Checked(margin)), Math.Sin(margin));
        var own = cosines.Gather(1, labels.Unsqueeze(1));
        // cos(theta + m) without an arc cosine. The floor keeps the root's gradient finite where theta is 0 or pi.
        var turned = own * cosine - (1 - own.Square()).Clamp(1e-12, 1).Sqrt() * sine;
        var target = Tensor.Where(own.Greater(-cosine), turned, own - margin * sine);
        if (hardness is not null)
            cosines = Tensor.Where(cosines.Greater(target), cosines * (cosines + hardness), cosines);
        return Tensor.Where(labels.OneHot(cosines.Shape[1], DType.Bool), target, cosines);
    }

    Tensor Cosines(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        return x.Rank == 2 && x.Shape[1] == Weight.Value.Shape[1]
            ? x.Normalize().MatMul(Weight.Value.Normalize().T)
            : throw new TensorArgumentException(nameof(ArcFace), nameof(x), $"{x.Shape}", $"[batch, {Weight.Value.Shape[1]}]");
    }

    static double Checked(double margin) => margin >= 0 && margin < Math.PI / 2
        ? margin
        : throw new ArgumentOutOfRangeException(nameof(margin), margin,
            "ArcFace: expected an angle of at least 0 and below a right angle.");
}
