using Ortho.Autograd;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>An embedding z = f / |f| whose first dimensions can be compared with those that an older model has stored, while an orthogonal
/// map u = Q z lets a classifier W u arrange all dimensions freely. Q keeps every distance, so z itself is what is stored; Q and W only
/// serve training. Ricci, Biondi, Pernici and Del Bimbo 2024 (OCA).</summary>
/// <remarks>Trained with <see cref="Losses.CompatibilityLoss"/>. The authors' code gives Q a bias; here it has none, and distances are kept
/// exactly. In our miniature Q itself gains little: 0.826 against 0.819 in mean average precision.</remarks>
public sealed class CompatibleEmbedding : Module
{
    readonly int features;

    /// <summary>An embedding with a random rotation and classifier.</summary>
    /// <param name="oldFeatures">Features of the old model's embedding.</param>
    /// <param name="extraFeatures">Features beyond them; 0 for an embedding of the old size.</param>
    /// <param name="classes">Classes that are told apart in training.</param>
    /// <param name="generator">Source of the initial weights.</param>
    /// <param name="parametrization">How Q is held orthogonal; Cayley when null.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number of features or classes is negative, or there are none.</exception>
    public CompatibleEmbedding(int oldFeatures, int extraFeatures, int classes, Generator generator,
        IOrthogonalParametrization? parametrization = null,
        DType dtype = DType.Float32)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(oldFeatures, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(extraFeatures);
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        (OldFeatures, features) = (oldFeatures, oldFeatures + extraFeatures);
        Rotation = Register("rotation", new OrthogonalLinear(features, features, generator, parametrization, bias: false, dtype));
        Classifier = Register("classifier", new Linear(features, classes, generator, bias: false, dtype));
        Classifier.Weight.Role = ParameterRole.Head;
    }

    /// <summary>How many of the first features are comparable with the old model's.</summary>
    public int OldFeatures { get; }

    /// <summary>Q.</summary>
    public OrthogonalLinear Rotation { get; }

    /// <summary>W.</summary>
    public Linear Classifier { get; }

    /// <summary>The embedding z, of length 1: what is stored and compared. Neither Q nor W takes part.</summary>
    /// <param name="x">f [..., oldFeatures + extraFeatures], a backbone's output.</param>
    /// <exception cref="TensorArgumentException">x has another number of features.</exception>
    public override Tensor Forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        return x.Rank > 0 && x.Shape[^1] == features
            ? x.Normalize()
            : throw new TensorArgumentException(nameof(CompatibleEmbedding), nameof(x), $"{x.Shape}", $"[..., {features}]");
    }

    /// <summary>What training looks at.</summary>
    /// <param name="x">f [..., oldFeatures + extraFeatures].</param>
    /// <returns>The logits W Q z [..., classes]; the first features of z, brought to length 1 again [..., oldFeatures]; and z.</returns>
    /// <exception cref="TensorArgumentException">x has another number of features.</exception>
    public (Tensor Logits, Tensor Compatible, Tensor Embedding) Outputs(Tensor x)
    {
        var z = Forward(x);
        return (Classifier.Forward(Rotation.Forward(z)), z.Narrow(-1, 0, OldFeatures).Normalize(), z);
    }
}
