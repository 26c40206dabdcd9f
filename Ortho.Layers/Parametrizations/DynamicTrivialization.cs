using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>
/// An orthogonal map that begins at a base: free numbers 0 give the base, and <see cref="Rebase"/> moves it along, so that the map is only
/// ever used near the identity, where its derivative is nearly an isometry. Square: Q = Base M(free). Tall: Q = [Base, Complement] M(free),
/// the square factor being a product of reflections that is never formed. Wide: the transpose. Lezcano Casado 2019, "Trivializations for
/// gradient-based optimization on manifolds".
/// </summary>
/// <remarks>
/// The base is a buffer of the state dict. With a base from <see cref="OrthogonalBases"/> this is a fixed transform with a learnt turn. A
/// base that is rarely moved (each 100 steps, say) costs nothing; optimizers that remember gradients (Adam) keep them as they are, in the
/// new coordinates. Real and complex, if the map is.
/// </remarks>
public sealed class DynamicTrivialization : Module, IOrthogonalParametrization
{
    readonly Cached<ValueTuple> reflectors, phases;
    readonly Tensor origin;

    /// <summary>A map with a base.</summary>
    /// <param name="map">Differentiable at the identity: <see cref="MatrixExponential"/>, <see cref="Cayley"/>, <see cref="Qr"/>,
    /// <see cref="Polar"/> and others, but not <see cref="Householder"/>.</param>
    /// <param name="base">Orthonormal columns (rows when wide) [..., rows, columns], of the dtype of the free numbers.</param>
    /// <exception cref="TensorArgumentException">The base is not orthogonal, or 16 bits wide, or the map has no derivative at the
    /// identity.</exception>
    public DynamicTrivialization(IOrthogonalParametrization map, Tensor @base)
    {
        ArgumentNullException.ThrowIfNull(map);
        ArgumentNullException.ThrowIfNull(@base);
        if (map is Householder)
            throw new TensorArgumentException(nameof(DynamicTrivialization), nameof(map),
                "Householder, which has no gradient where there are no reflections", "a map that is differentiable at the identity");
        Map = OrthogonalParametrization.WithoutBuffers(nameof(DynamicTrivialization), map);
        if (!@base.DType.HasArithmetic)
            throw new TensorArgumentException(nameof(DynamicTrivialization), nameof(@base), $"{@base.DType}",
                "Float32, Float64, Complex64 or Complex128");
        RequireOrthogonal(@base);
        if (map.FreeShape(@base.Shape) != @base.Shape)
            throw new TensorArgumentException(nameof(DynamicTrivialization), nameof(map),
                $"{map.GetType().Name}, whose free numbers are {map.FreeShape(@base.Shape)}", $"a map of {@base.Shape} to {@base.Shape}");
        Base = RegisterBuffer("base", @base.Clone());
        using var pause = Graph.NoGrad();
        var (rows, columns) = Sides(@base.Shape);
        origin = TensorScope.Release(map.Inverse(Tensor.Eye(rows, columns, @base.DType)));
        reflectors = new([Base], _ => Householder.Decompose(TallBase()).Vectors);
        phases = new([Base], _ => Householder.Decompose(TallBase()).Phases);
    }

    /// <summary>The map that is used near the identity.</summary>
    public IOrthogonalParametrization Map { get; }

    /// <summary>What free numbers 0 give.</summary>
    public ModuleBuffer Base { get; }

    bool IsWide => Base.Value.Shape[^2] < Base.Value.Shape[^1];

    /// <inheritdoc/>
    public override Tensor Forward(Tensor free)
    {
        ArgumentNullException.ThrowIfNull(free);
        RequireShape("free", free.Shape);
        if (free.DType.IsHalfPrecision)
            return Forward(free.To(DType.Float32)).To(free.DType);
        var tall = IsWide ? free.H : free;
        var q = Turn(Map.Forward(origin.To(free.DType).To(free.Device) + tall));
        return IsWide ? q.H : q;
    }

    /// <inheritdoc/>
    public Tensor Inverse(Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        RequireShape("value", value.Shape);
        using var pause = Graph.NoGrad();
        var tall = IsWide ? value.H : value;
        var turned = TurnBack(tall);
        // An element of more digits than the base has: the base's rounding is not its fault.
        if (IsFiner(value.DType) && this.Contains(value, Membership.Tolerance(value.DType)))
            turned = OrthogonalParametrization.Polished(turned);
        var free = Map.Inverse(turned) - origin.To(value.DType).To(value.Device);
        return (IsWide ? free.H : free).Clone();
    }

    /// <summary>Moves the base to the present value and sets the free numbers to 0: the value stays, but for rounding, which is taken off
    /// the base.</summary>
    /// <param name="free">The free numbers, whose value this is.</param>
    public void Rebase(Parameter free)
    {
        ArgumentNullException.ThrowIfNull(free);
        using var pause = Graph.NoGrad();
        using var scope = new TensorScope();
        // One Newton-Schulz step squares the distance from the orthogonal matrices, so that thousands of bases do not drift.
        Base.Assign(OrthogonalParametrization.Polished(Forward(free)).To(Base.Value.DType));
        free.Assign(free.Value.ZerosLike());
    }

    /// <inheritdoc/>
    public double Error(Tensor value) => Map.Error(value);

    /// <summary>Base times a random element of the map's set.</summary>
    public Tensor Sample(Shape shape, Generator generator, DType dtype = DType.Float32, Device? device = null)
    {
        RequireShape(nameof(shape), shape);
        using var pause = Graph.NoGrad();
        var (rows, columns) = Sides(shape);
        var q = Turn(Map.Sample(shape[..^2].Concat([rows, columns]), generator, dtype, Base.Value.Device));
        if (IsFiner(dtype))
            q = OrthogonalParametrization.Polished(q);
        return (IsWide ? q.H : q).To(device ?? Device.Cpu);
    }

    bool IsFiner(DType dtype) => dtype.RealType == DType.Float64 && Base.Value.DType.RealType == DType.Float32;

    Tensor TallBase() => IsWide ? Base.Value.H : Base.Value;

    // [Base, Complement] q: reflections and phases map the identity's first columns to the base.
    Tensor Turn(Tensor q)
    {
        var n = q.Shape[^1];
        if (q.Shape[^2] == n)
            return Of(Base.Value, q).MatMul(q);
        var turned = Tensor.Concat([q.Narrow(-2, 0, n) * Of(phases.Of(default), q).T, q.Narrow(-2, n, q.Shape[^2] - n)], -2);
        return Of(reflectors.Of(default), q).HouseholderApply(turned);
    }

    Tensor TurnBack(Tensor q)
    {
        var n = q.Shape[^1];
        if (q.Shape[^2] == n)
            return Of(Base.Value, q).H.MatMul(q);
        var turned = Of(reflectors.Of(default), q).HouseholderApply(q, transpose: true);
        return Tensor.Concat([turned.Narrow(-2, 0, n) * Of(phases.Of(default), q).H, turned.Narrow(-2, n, q.Shape[^2] - n)], -2);
    }

    static Tensor Of(Tensor mine, Tensor like) => mine.To(like.DType).To(like.Device);

    static (int Rows, int Columns) Sides(Shape shape) => (Math.Max(shape[^2], shape[^1]), Math.Min(shape[^2], shape[^1]));

    void RequireShape(string argument, Shape shape)
    {
        if (shape.Rank < 2 || shape[^2] != Base.Value.Shape[^2] || shape[^1] != Base.Value.Shape[^1])
            throw new TensorArgumentException(nameof(DynamicTrivialization), argument, $"{shape}",
                $"[..., {Base.Value.Shape[^2]}, {Base.Value.Shape[^1]}], as the base");
    }

    void RequireOrthogonal(Tensor @base)
    {
        var error = Map.Error(@base);
        if (!(error <= Membership.Tolerance(@base.DType) * Math.Sqrt(@base.Shape[^1])))
            throw new TensorArgumentException(nameof(DynamicTrivialization), nameof(@base), $"at distance {error:0.###e+0}",
                "orthonormal columns (or rows, when wide)");
    }
}
