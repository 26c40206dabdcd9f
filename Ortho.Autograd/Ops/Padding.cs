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
            foreach (var (d, (before, after)) in grown.Index())
                y = Continue(y, lead + d, before, after, mode);
            return y;
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

    static Tensor Continue(Tensor x, int axis, int before, int after, PadMode mode)
    {
        if (before == 0 && after == 0)
            return x;
        var n = x.Shape[axis];
        var most = mode switch { PadMode.Reflect => n - 1, PadMode.Replicate => n == 0 ? 0 : int.MaxValue, _ => n };
        if (before > most || after > most)
            throw new TensorArgumentException("Pad", "widths", $"{before} and {after}", $"at most {most} in mode {mode} of extent {n}");
        var (left, right) = mode switch
        {
            PadMode.Reflect => (x.Narrow(axis, 1, before).Flip(axis), x.Narrow(axis, n - 1 - after, after).Flip(axis)),
            PadMode.Symmetric => (x.Narrow(axis, 0, before).Flip(axis), x.Narrow(axis, n - after, after).Flip(axis)),
            PadMode.Replicate => (Edge(0, before), Edge(n - 1, after)),
            PadMode.Circular => (x.Narrow(axis, n - before, before), x.Narrow(axis, 0, after)),
            _ => throw new TensorArgumentException("Pad", nameof(mode), $"{mode}", "Constant, Reflect, Symmetric, Replicate or Circular"),
        };
        return Tensor.Concat([left, x, right], axis);

        Tensor Edge(int at, int times) => x.Narrow(axis, at, 1).Expand([.. x.Shape.With(axis, times)]);
    }
}
