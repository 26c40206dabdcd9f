using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Manifolds;

/// <summary>A product of manifolds: points are vectors [..., total] in which a point of each factor lies flat, one after another.</summary>
/// <remarks>Operations act factor by factor and metrics add up. For the parameters of a module no product is needed: each has its own
/// manifold.</remarks>
public sealed class Product : Manifold
{
    readonly int[] starts;

    /// <summary>A product.</summary>
    /// <param name="factors">At least one manifold, each with the shape of its point (or batch of points).</param>
    /// <exception cref="TensorArgumentException">There are no factors, or a shape holds no points of its manifold.</exception>
    public Product(params IReadOnlyList<(Manifold Manifold, Shape Shape)> factors)
    {
        ArgumentNullException.ThrowIfNull(factors);
        if (factors.Count == 0)
            throw new TensorArgumentException(nameof(Product), nameof(factors), "an empty list", "at least one manifold and shape");
        foreach (var (k, (manifold, shape)) in factors.Index())
        {
            if (!manifold.Holds(shape))
                throw new TensorArgumentException(nameof(Product), nameof(factors), $"{shape} for factor {k}",
                    $"a shape that holds points of {manifold.GetType().Name}");
        }
        Factors = [.. factors];
        starts = new int[factors.Count + 1];
        for (var k = 0; k < factors.Count; k++)
            starts[k + 1] = checked(starts[k] + (int)factors[k].Shape.ElementCount);
    }

    /// <summary>The manifolds and the shapes of their points.</summary>
    public IReadOnlyList<(Manifold Manifold, Shape Shape)> Factors { get; }

    /// <inheritdoc/>
    public override int PointRank => 1;

    /// <inheritdoc/>
    protected override string Expected => $"[..., {starts[^1]}]";

    /// <inheritdoc/>
    public override bool Holds(Shape shape) => shape.Rank >= 1 && shape[^1] == starts[^1];

    /// <inheritdoc/>
    public override long Dimension(Shape shape)
        => shape.ElementCount / Math.Max(starts[^1], 1) * Factors.Sum(factor => factor.Manifold.Dimension(factor.Shape));

    /// <summary>The points of the factors, each [..., its shape].</summary>
    /// <param name="x">[..., total].</param>
    public Tensor[] Unpack(Tensor x)
    {
        Check(nameof(Unpack), x);
        var lead = x.Shape[..^1];
        return [.. Factors.Select((factor, k) => x.Slice(-1, starts[k], starts[k + 1]).Reshape([.. lead.Concat(factor.Shape.Span)]))];
    }

    /// <summary>One point of points of the factors.</summary>
    /// <param name="parts">For each factor [..., its shape], with the same leading dimensions.</param>
    /// <returns>[..., total].</returns>
    /// <exception cref="TensorArgumentException">Another number of parts, or a part of another shape.</exception>
    public Tensor Pack(params IReadOnlyList<Tensor> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        if (parts.Count != Factors.Count)
            throw new TensorArgumentException("Product.Pack", nameof(parts), $"{parts.Count} tensors",
                $"{Factors.Count}, one for each factor");
        var flat = new Tensor[parts.Count];
        for (var k = 0; k < flat.Length; k++)
        {
            var (part, shape) = (parts[k].Shape, Factors[k].Shape);
            if (part.Rank < shape.Rank || part[(part.Rank - shape.Rank)..] != shape)
                throw new TensorArgumentException("Product.Pack", nameof(parts), $"{part} for factor {k}",
                    $"[..., {shape.ToString()[1..]}");
            flat[k] = parts[k].Reshape([.. part[..(part.Rank - shape.Rank)], checked((int)shape.ElementCount)]);
        }
        return Tensor.Concat(flat, -1);
    }

    /// <inheritdoc/>
    public override Tensor Project(Tensor x, Tensor u) => Map(nameof(Project), (manifold, at) => manifold.Project(at[0], at[1]), x, u);

    /// <inheritdoc/>
    public override Tensor Gradient(Tensor x, Tensor gradient)
        => Map(nameof(Gradient), (manifold, at) => manifold.Gradient(at[0], at[1]), x, gradient);

    /// <inheritdoc/>
    public override Tensor Hessian(Tensor x, Tensor gradient, Tensor hessian, Tensor v)
        => Map(nameof(Hessian), (manifold, at) => manifold.Hessian(at[0], at[1], at[2], at[3]), x, gradient, hessian, v);

    /// <inheritdoc/>
    public override Tensor Inner(Tensor x, Tensor u, Tensor v)
        => Total(nameof(Inner), (manifold, at) => manifold.Inner(at[0], at[1], at[2]), x, u, v);

    /// <inheritdoc/>
    public override Tensor Retract(Tensor x, Tensor v) => Map(nameof(Retract), (manifold, at) => manifold.Retract(at[0], at[1]), x, v);

    /// <summary>The transports of the factors.</summary>
    public override Tensor Transport(Tensor x, Tensor y, Tensor v)
        => Map(nameof(Transport), (manifold, at) => manifold.Transport(at[0], at[1], at[2]), x, y, v);

    /// <summary>The sum of those of the factors.</summary>
    public override Tensor Deviation(Tensor x) => Total(nameof(Deviation), (manifold, at) => manifold.Deviation(at[0]), x);

    /// <inheritdoc/>
    public override Tensor ProjectOnto(Tensor x) => Map(nameof(ProjectOnto), (manifold, at) => manifold.ProjectOnto(at[0]), x);

    /// <summary>A sample of each factor.</summary>
    public override Tensor Sample(Shape shape, Generator generator, DType dtype = DType.Float32, Device? device = null)
    {
        CheckSample(shape, generator, dtype);
        return Pack([.. Factors.Select(factor => factor.Manifold.Sample(shape[..^1].Concat(factor.Shape.Span), generator, dtype, device))]);
    }

    Tensor Map(string operation, Func<Manifold, Tensor[], Tensor> function, Tensor x, params ReadOnlySpan<Tensor> others)
        => Pack(Each(operation, function, x, others));

    Tensor Total(string operation, Func<Manifold, Tensor[], Tensor> function, Tensor x, params ReadOnlySpan<Tensor> others)
    {
        Tensor? sum = null;
        foreach (var part in Each(operation, function, x, others))
        {
            var term = part.Flatten(x.Rank - 1).Sum([-1], keepDimensions: true);
            sum = sum is null ? term : sum + term;
        }
        return sum!;
    }

    Tensor[] Each(string operation, Func<Manifold, Tensor[], Tensor> function, Tensor x, ReadOnlySpan<Tensor> others)
    {
        foreach (var other in others)
            Check(operation, x, other);
        var parts = new Tensor[others.Length + 1][];
        parts[0] = Unpack(x);
        for (var k = 0; k < others.Length; k++)
            parts[k + 1] = Unpack(others[k]);
        return [.. Factors.Select((factor, k) => function(factor.Manifold, [.. parts.Select(part => part[k])]))];
    }
}
