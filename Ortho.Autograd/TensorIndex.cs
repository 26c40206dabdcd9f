using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>One entry of an index into a tensor, as NumPy has them between its brackets: a number, a range, a tensor of positions or truth
/// values, <see cref="Ellipsis"/> or <see cref="NewAxis"/>. Numbers, ranges, arrays and tensors convert to it.</summary>
/// <example><code>x.Index(0, 1..3, TensorIndex.Ellipsis, ^1)</code></example>
public readonly struct TensorIndex
{
    internal enum Kind
    {
        Slice,
        Number,
        Ellipsis,
        NewAxis,
        Tensor,
    }

    TensorIndex(Kind kind) => What = kind;

    internal Kind What { get; private init; }

    internal Index At { get; private init; }

    internal int? Start { get; private init; }

    internal int? Stop { get; private init; }

    // Step - 1, so that the default entry is the whole dimension.
    internal int Extra { get; private init; }

    internal Range? Within { get; private init; }

    internal Tensor? Positions { get; private init; }

    // Whether the positions came as an array, which has no device.
    internal bool IsArray { get; private init; }

    /// <summary>A whole dimension.</summary>
    public static TensorIndex All => default;

    /// <summary>As many whole dimensions as are left; at most one in an index.</summary>
    public static TensorIndex Ellipsis => new(Kind.Ellipsis);

    /// <summary>A new dimension of extent 1.</summary>
    public static TensorIndex NewAxis => new(Kind.NewAxis);

    /// <summary>Python's start:stop:step: bounds beyond the dimension are moved to its ends; null is the end in the direction of the step.
    /// (A <see cref="Range"/> beyond the dimension is an error.)</summary>
    /// <exception cref="TensorArgumentException">The step is 0.</exception>
    public static TensorIndex Slice(int? start = null, int? stop = null, int step = 1)
        => step != 0
            ? new(Kind.Slice) { Start = start, Stop = stop, Extra = step - 1 }
            : throw new TensorArgumentException("Index", nameof(step), $"{step}", "a step other than 0");

    /// <summary>One element; a negative number counts from the end. The dimension disappears.</summary>
    public static implicit operator TensorIndex(int position)
        => new(Kind.Number) { At = position < 0 ? new Index(-position, fromEnd: true) : position };

    /// <summary>One element. The dimension disappears.</summary>
    public static implicit operator TensorIndex(Index position) => new(Kind.Number) { At = position };

    /// <summary>The elements of a range.</summary>
    public static implicit operator TensorIndex(Range range) => new(Kind.Slice) { Within = range };

    /// <summary>Int64 or Int32 positions, or a Bool mask that covers as many dimensions as it has.</summary>
    public static implicit operator TensorIndex(Tensor positions) => new(Kind.Tensor) { Positions = positions };

    /// <summary>Positions.</summary>
    public static implicit operator TensorIndex(int[] positions)
        => new(Kind.Tensor) { Positions = Tensor.From(positions, [positions.Length]), IsArray = true };

    /// <summary>Truth values.</summary>
    public static implicit operator TensorIndex(bool[] mask)
        => new(Kind.Tensor) { Positions = Tensor.From(mask, [mask.Length]), IsArray = true };

    // The view of one dimension.
    internal Tensor Take(Tensor x, int dimension)
    {
        var extent = x.Shape[dimension];
        if (What == Kind.Number)
        {
            var at = At.GetOffset(extent);
            return at >= 0 && at < extent
                ? x.Select(dimension, at)
                : throw new TensorArgumentException("Index", "index", $"{At} of extent {extent}", $"-{extent} to {extent - 1}");
        }
        if (Within is { } range)
        {
            var (from, to) = (range.Start.GetOffset(extent), range.End.GetOffset(extent));
            return from >= 0 && from <= to && to <= extent
                ? x.Slice(dimension, from, to)
                : throw new TensorArgumentException("Index", "index", $"{range} of extent {extent}", $"0 <= start <= end <= {extent}");
        }
        var step = Extra + 1;
        if (step > 0)
        {
            var from = Math.Clamp(Place(Start, 0), 0, extent);
            return x.Slice(dimension, from, Math.Max(from, Math.Clamp(Place(Stop, extent), 0, extent)), step);
        }
        // Backwards: from the last element at most, and through the first when the stop lies before it.
        var (last, stop) = (Math.Clamp(Place(Start, extent - 1), -1, extent - 1), Math.Clamp(Place(Stop, -1), -1, extent - 1));
        return last <= stop || last < 0 ? x.Slice(dimension, 0, 0) : x.Slice(dimension, last, stop < 0 ? null : stop, step);

        int Place(int? bound, int open) => bound is not { } at ? open : at < 0 ? at + extent : at;
    }
}
