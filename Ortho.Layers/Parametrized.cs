using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>A weight that is kept in a set: free numbers, and the parametrization that maps them into it.</summary>
/// <remarks>As a module it is the linear map y = x W^T without a bias, fast where the structure of W allows
/// (<see cref="IStructuredParametrization"/>). Layers hold one for each such weight.</remarks>
public sealed class Parametrized : Module
{
    readonly Cached<ValueTuple> value;

    /// <summary>A weight with a given value.</summary>
    /// <param name="parametrization">The set and its map. One that is a module becomes a part, <c>map</c>; it belongs to this weight
    /// alone.</param>
    /// <param name="value">An element of the set.</param>
    /// <param name="role">Of the free numbers; when null, Matrix where they have the value's shape, and else Vector: packed numbers, angles
    /// and the like are no matrix to an optimizer.</param>
    /// <param name="dtype">Of the free numbers; that of the value when null.</param>
    /// <exception cref="TensorArgumentException">The value is not in the set, or not reached by the map.</exception>
    public Parametrized(IParametrization parametrization, Tensor value, ParameterRole? role = null, DType? dtype = null)
    {
        ArgumentNullException.ThrowIfNull(parametrization);
        ArgumentNullException.ThrowIfNull(value);
        Parametrization = parametrization;
        using (Graph.NoGrad())
        using (new TensorScope())
        {
            var free = parametrization.Inverse(value).To(dtype ?? value.DType);
            Free = Register("free", free, role ?? (free.Rank >= 2 && free.Shape == value.Shape ? ParameterRole.Matrix
                : ParameterRole.Vector));
        }
        StateTensor[] sources = [Free];
        if (parametrization is Module map)
        {
            _ = Register("map", map);
            sources = [Free, .. map.Parameters(), .. map.NamedBuffers().Select(named => named.Buffer)];
        }
        this.value = new(sources, _ => Parametrization.Forward(Free));
    }

    /// <summary>A weight with a random value, <see cref="IParametrization.Sample"/>.</summary>
    /// <param name="parametrization">The set and its map.</param>
    /// <param name="shape">Of the value.</param>
    /// <param name="generator">Source of the value, which is drawn in float64.</param>
    /// <param name="role">Of the free numbers, as above.</param>
    /// <param name="dtype">Of the free numbers.</param>
    public static Parametrized Sample(
        IParametrization parametrization, Shape shape, Generator generator, ParameterRole? role = null, DType dtype = DType.Float32)
    {
        ArgumentNullException.ThrowIfNull(parametrization);
        using var scope = new TensorScope();
        return new(parametrization, parametrization.Sample(shape, generator, dtype.IsComplex ? DType.Complex128 : DType.Float64), role,
            dtype);
    }

    /// <summary>The set and its map.</summary>
    public IParametrization Parametrization { get; }

    /// <summary>The free numbers.</summary>
    public Parameter Free { get; }

    /// <summary>The weight. While gradients are recorded each call computes it anew; otherwise it is kept until the free numbers
    /// change.</summary>
    public Tensor Value => value.Of(default);

    /// <summary>Gives the weight another value.</summary>
    /// <exception cref="TensorArgumentException">The value is not in the set, not reached by the map, or of another shape or
    /// dtype.</exception>
    public void Assign(Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        using var scope = new TensorScope();
        Free.Assign(Parametrization.Inverse(value));
    }

    /// <summary>The weight as plain numbers, for use without the parametrization, and how far they are from the set.</summary>
    /// <param name="dtype">To which they are rounded; their own when null.</param>
    public (Tensor Weight, double Error) Bake(DType? dtype = null)
    {
        using var pause = Graph.NoGrad();
        var weight = Value.To(dtype ?? Value.DType).Clone();
        return (weight, Parametrization.Error(weight));
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => Apply(x, null);

    /// <summary>x W^T + b.</summary>
    internal Tensor Apply(Tensor x, Tensor? bias)
    {
        if (Parametrization is not IStructuredParametrization structured || Free.Value.Rank != 1)
            return LinearMap.Apply(x, Value, bias);
        var y = structured.Apply(Free, x);
        return bias is null ? y : y + bias;
    }

    /// <summary>The exact range of the weight's singular values. (Not an <see cref="ICertifiable"/>: in a network, the layer that holds it
    /// is.)</summary>
    public Spectrum Certify()
    {
        using (Graph.NoGrad())
            return Spectrum.OfMatrix(Value);
    }
}
