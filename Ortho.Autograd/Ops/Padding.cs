using Ortho.Kernels.Indexing;
using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>What lies beyond the edge of a padded tensor.</summary>
public enum PadMode
{
    /// <summary>One number.</summary>
    Constant,

    /// <summary>The mirror image in the outermost element, which is not repeated: c b | a b c | b a. At most extent - 1 elements.</summary>
    Reflect,

    /// <summary>The mirror image in the edge, the outermost element repeated: b a | a b c | c b. At most extent elements.</summary>
    Symmetric,

    /// <summary>The outermost element, again and again: a a | a b c | c c.</summary>
    Replicate,

    /// <summary>The tensor again, from its other end: b c | a b c | a b. At most extent elements.</summary>
    Circular,
}

/// <summary>Continuation of a tensor beyond its edges.</summary>
[OpFamily("structure")]
public static class PaddingOps
{
    extension(Tensor x)
    {
        /// <summary>The tensor continued beyond its edges, one dimension after the other.</summary>
        /// <param name="widths">Elements added before and after; aligned at the last dimension, so that one pair pads the last one. A
        /// negative number takes elements away.</param>
        /// <param name="mode">What the new elements are.</param>
        /// <param name="value">The number of <see cref="PadMode.Constant"/>, converted to the tensor's dtype.</param>
        /// <exception cref="TensorArgumentException">There are more pairs than dimensions, or a width exceeds what the mode can
        /// give.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor Pad((int Before, int After)[] widths, PadMode mode = PadMode.Constant, double value = 0)
        {
            ArgumentNullException.ThrowIfNull(widths);
            if (widths.Length > x.Rank)
                throw new TensorArgumentException("Pad", nameof(widths), $"{widths.Length} pairs", $"at most {x.Rank}, those of {x.Shape}");
            var lead = x.Rank - widths.Length;
            var y = x;
            foreach (var (d, (before, after)) in widths.Index())
            {
                if (before < 0 || after < 0)
                    y = Crop(y, lead + d, Math.Max(0, -before), Math.Max(0, -after));
            }
            (int Before, int After)[] grown = [.. widths.Select(width => (Math.Max(0, width.Before), Math.Max(0, width.After)))];
            if (mode == PadMode.Constant)
                return Surround(y, grown, lead, value);
            return Continue(y, [.. grown.Select((width, d) => new Edges(lead + d, y.Shape[lead + d], width.Before, width.After, mode))]);
        }
    }

    static Tensor Crop(Tensor x, int axis, int before, int after)
        => before + after <= x.Shape[axis]
            ? x.Slice(axis, before, x.Shape[axis] - after)
            : throw new TensorArgumentException("Pad", "widths", $"{-before} and {-after}", $"at most {x.Shape[axis]} elements taken away");

    static Tensor Surround(Tensor x, (int Before, int After)[] widths, int lead, double value)
    {
        if (widths.All(width => width == (0, 0)))
            return x;
        var inner = x.Shape;
        Shape outer = [.. inner[..lead], .. widths.Select((width, d) => inner[lead + d] + width.Before + width.After)];
        Tensor View(Tensor y)
            => widths.Index().Aggregate(y, (part, width) => part.Narrow(lead + width.Index, width.Item.Before, inner[lead + width.Index]));
        return value == 0
            ? SliceOps.Embed("Pad", x, outer, View)
            : SliceOps.Overwrite("Pad", Tensor.Full(outer, value, x.DType, x.Device), View, x);
    }

    // The edges of one dimension: where it begins and ends, and which of its elements go on beyond.
    readonly record struct Edges(int Axis, int Extent, int Before, int After, PadMode Mode)
    {
        public bool ArePadded => Before > 0 || After > 0;

        public void Check()
        {
            var most = Mode switch
            {
                PadMode.Reflect => Math.Max(0, Extent - 1),
                PadMode.Replicate => Extent == 0 ? 0 : int.MaxValue,
                PadMode.Symmetric or PadMode.Circular => Extent,
                _ => throw new TensorArgumentException("Pad", "mode", $"{Mode}", "Constant, Reflect, Symmetric, Replicate or Circular"),
            };
            if (Before > most || After > most)
                throw new TensorArgumentException("Pad", "widths", $"{Before} and {After}", $"at most {most} in mode {Mode} of extent {Extent}");
        }

        // What lies before the first element and behind the last one.
        public Beyond Left => Mode switch
        {
            PadMode.Reflect => new(Before, Before, -1),
            PadMode.Symmetric => new(Before, Before - 1, -1),
            PadMode.Replicate => new(Before, 0, 0),
            _ => new(Before, Extent - Before, 1),
        };

        public Beyond Right => Mode switch
        {
            PadMode.Reflect => new(After, Extent - 2, -1),
            PadMode.Symmetric => new(After, Extent - 1, -1),
            PadMode.Replicate => new(After, Extent - 1, 0),
            _ => new(After, 0, 1),
        };
    }

    static Tensor Continue(Tensor x, Edges[] edges)
    {
        foreach (var edge in edges)
            edge.Check();
        edges = [.. edges.Where(edge => edge.ArePadded)];
        return edges.Length == 0 ? x : Continued(x, edges);
    }

    // Linear maps, each the adjoint of the other; the corners are continued edges.

    static Tensor Continued(Tensor x, Edges[] edges)
        => Graph.Record("Pad", edges.Aggregate(x, (y, edge) => Continuation.Extend(y, edge.Axis, edge.Left, edge.Right)), (x, g => Folded(g, edges)));

    static Tensor Folded(Tensor g, Edges[] edges)
        => Graph.Record("Pad", edges.Reverse().Aggregate(g, (y, edge) => Continuation.Fold(y, edge.Axis, edge.Left, edge.Right)), (g, h => Continued(h, edges)));
}
