using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>Several sets one above the other: the value's rows are split into groups, each an element of a set of its own. Free numbers
/// [..., total]: those of all groups in order.</summary>
public sealed class Product : IParametrization
{
    readonly (int Rows, IParametrization Set)[] parts;
    readonly int columns, rows;

    /// <summary>A product of sets.</summary>
    /// <param name="columns">Columns of the value.</param>
    /// <param name="parts">Rows and set of each group, from the top. Sets that are modules are not held by this one: use parametrizations
    /// without buffers.</param>
    /// <exception cref="ArgumentException">There is no part, a size is not positive, or a part is a module.</exception>
    public Product(int columns, params IReadOnlyList<(int Rows, IParametrization Set)> parts)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        ArgumentNullException.ThrowIfNull(parts);
        if (parts.Count == 0 || parts.Any(part => part.Rows < 1 || part.Set is null or Module))
            throw new ArgumentException("Product: one part or more, each with a row or more and a parametrization that is no module.",
                nameof(parts));
        (this.columns, this.parts, rows) = (columns, [.. parts], parts.Sum(part => part.Rows));
    }

    /// <inheritdoc/>
    public Shape FreeShape(Shape value) => value[..^2].Concat([(int)Sizes().Sum(size => size.ElementCount)]);

    /// <inheritdoc/>
    public Tensor Forward(Tensor free)
    {
        ArgumentNullException.ThrowIfNull(free);
        var sizes = Sizes();
        var total = sizes.Sum(size => size.ElementCount);
        if (free.Rank < 1 || free.Shape[^1] != total)
            throw new TensorArgumentException(nameof(Product), nameof(free), $"{free.Shape}", $"[..., {total}]");
        var at = 0;
        return Tensor.Concat([.. parts.Zip(sizes, (part, size) =>
        {
            var count = (int)size.ElementCount;
            at += count;
            return part.Set.Forward(free.Narrow(-1, at - count, count).Reshape([.. free.Shape.Span[..^1], .. size.Span]));
        })], -2);
    }

    /// <inheritdoc/>
    public Tensor Inverse(Tensor value)
    {
        var lead = Groups("Inverse", value).Shape.Span[..^2].ToArray();
        return Tensor.Concat([.. Split(value).Zip(parts, (group, part) => part.Set.Inverse(group).Reshape([.. lead, -1]))], -1);
    }

    /// <summary>The largest of the groups' errors.</summary>
    public double Error(Tensor value) => Split(Groups("Error", value)).Zip(parts, (group, part) => part.Set.Error(group)).Max();

    /// <summary>Each group as its set draws it.</summary>
    public Tensor Sample(Shape shape, Generator generator, DType dtype = DType.Float32, Device? device = null)
    {
        Require("Sample", nameof(shape), shape);
        return Tensor.Concat([.. parts.Select(part
            => part.Set.Sample(shape[..^2].Concat([part.Rows, columns]), generator, dtype, device))], -2);
    }

    // The shape of the free numbers of one value's groups.
    Shape[] Sizes() => [.. parts.Select(part => part.Set.FreeShape([part.Rows, columns]))];

    Tensor[] Split(Tensor value) => value.Detach().Split([.. parts.Select(part => part.Rows)], -2);

    Tensor Groups(string operation, Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        Require(operation, nameof(value), value.Shape);
        return value;
    }

    void Require(string operation, string argument, Shape shape)
    {
        if (shape.Rank < 2 || shape[^2] != rows || shape[^1] != columns)
            throw new TensorArgumentException($"{nameof(Product)}.{operation}", argument, $"{shape}", $"[..., {rows}, {columns}]");
    }
}
