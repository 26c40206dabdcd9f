using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>y = Q x + b with Q = H(v_1) ... H(v_r) [features, features], applied to rows x [..., features] in compact-WY form without
/// forming Q: work 4 features r instead of 2 features^2. Real.</summary>
/// <remarks>With fewer reflections than features Q is not every orthogonal matrix: it is the identity on a subspace of features - r
/// dimensions. Its determinant is (-1)^r. For a full Q take <see cref="OrthogonalLinear"/>, which forms it once for all uses.</remarks>
public sealed class HouseholderLinear : Module, ICertifiable
{
    /// <summary>A layer with random reflections (normal vectors) and zero bias.</summary>
    /// <param name="features">Of x and y.</param>
    /// <param name="reflections">r, at most as many as features.</param>
    /// <param name="generator">Source of the vectors.</param>
    /// <param name="bias">Whether b exists.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is not positive, or there are more reflections than features.</exception>
    public HouseholderLinear(int features, int reflections, Generator generator, bool bias = true, DType dtype = DType.Float32)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(features, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(reflections, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(reflections, features);
        Vectors = Register("vectors", Tensor.Normal([features, reflections], generator, deviation: 1 / Math.Sqrt(features), dtype: dtype),
            ParameterRole.Matrix);
        Bias = bias ? Register("bias", Tensor.Zeros([features], dtype), ParameterRole.Vector) : null;
    }

    /// <summary>v_1 ... v_r, columns [features, r].</summary>
    public Parameter Vectors { get; }

    /// <summary>b [features], if there is one.</summary>
    public Parameter? Bias { get; }

    /// <summary>Q [features, features].</summary>
    public Tensor Weight => Vectors.Value.HouseholderProduct();

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        var features = Vectors.Value.Shape[0];
        if (x.Rank == 0 || x.Shape[^1] != features)
            throw new TensorArgumentException("HouseholderLinear", nameof(x), $"{x.Shape}", $"[..., {features}]");
        var y = Vectors.Value.HouseholderApply(x.Reshape(-1, features).T).T.Reshape([.. x.Shape.Span]);
        return Bias is null ? y : y + Bias.Value;
    }

    /// <inheritdoc/>
    public Spectrum Certify()
    {
        using (Graph.NoGrad())
            return Spectrum.OfMatrix(Weight);
    }
}
