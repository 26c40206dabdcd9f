using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Ortho.Tensors.IO;

namespace Ortho.Tensors.Printing;

/// <summary>Tensors as NumPy prints arrays: nested brackets, aligned columns, lines of 75 characters, and beyond 1000 elements only the first
/// and last three of each dimension.</summary>
static class TensorText
{
    const int LineWidth = 75, Threshold = 1000, Edge = 3;
    const string Gap = "...";

    /// <summary>The elements; dtype and shape are not part of the text.</summary>
    public static string Of(Tensor tensor)
    {
        if (tensor.ElementCount == 0)
            return "[]";
        if (tensor.Rank == 0)
            return Scalar(tensor);
        var isSummary = tensor.ElementCount > Threshold;
        // Positions along each dimension that are shown.
        int[][] shown = [.. tensor.Shape.Select(extent => isSummary && extent > 2 * Edge
            ? Enumerable.Range(0, Edge).Concat(Enumerable.Range(extent - Edge, Edge)).ToArray()
            : [.. Enumerable.Range(0, extent)])];
        var words = Words(Read(tensor, isSummary ? shown : null), tensor.DType);
        return Brackets(words, 0, words.Length, [.. shown.Select((at, d) => (at.Length, at.Length < tensor.Shape[d]))], 0, "");
    }

    // The bytes of the shown elements in row-major order.
    static byte[] Read(Tensor tensor, int[][]? shown)
    {
        var bytes = new MemoryStream();
        if (shown is null)
            TensorStream.Write(bytes, tensor);
        else
            Add(0, tensor.Layout.Offset);
        return bytes.ToArray();

        void Add(int axis, long offset)
        {
            var stride = tensor.Layout.Strides[axis];
            if (axis < tensor.Rank - 1)
            {
                foreach (var at in shown[axis])
                    Add(axis + 1, offset + at * stride);
                return;
            }
            var length = shown[axis].Length;
            (int, int)[] runs = length < tensor.Shape[axis] ? [(0, Edge), (tensor.Shape[axis] - Edge, Edge)] : [(0, length)];
            foreach (var (first, count) in runs)
                TensorStream.Write(bytes, tensor.View(Layout.Strided([count], [stride], offset + first * stride)));
        }
    }

    static double[] Reals(byte[] bytes, DType dtype) => dtype switch
    {
        DType.Float32 or DType.Complex64 => [.. Cast<float>(bytes).Select(x => (double)x)],
        DType.Half => [.. Cast<Half>(bytes).Select(x => (double)x)],
        DType.BFloat16 => [.. Cast<BFloat16>(bytes).Select(x => (double)(float)x)],
        _ => Cast<double>(bytes),
    };

    static E[] Cast<E>(byte[] bytes) where E : unmanaged => MemoryMarshal.Cast<byte, E>(bytes).ToArray();

    static string[] Words(byte[] bytes, DType dtype)
    {
        if (dtype == DType.Bool)
            return [.. bytes.Select(x => x == 0 ? "False" : " True")];
        if (dtype is DType.Int32 or DType.Int64)
        {
            string[] numbers = dtype == DType.Int32
                ? [.. Cast<int>(bytes).Select(x => x.ToString(CultureInfo.InvariantCulture))]
                : [.. Cast<long>(bytes).Select(x => x.ToString(CultureInfo.InvariantCulture))];
            var width = numbers.Max(number => number.Length);
            return [.. numbers.Select(number => number.PadLeft(width))];
        }
        var values = Reals(bytes, dtype);
        if (!dtype.IsComplex)
        {
            var column = new FloatColumn(values, dtype);
            return [.. values.Select(column.Text)];
        }
        double[] re = [.. values.Where((_, i) => i % 2 == 0)], im = [.. values.Where((_, i) => i % 2 == 1)];
        var (reals, imaginaries) = (new FloatColumn(re, dtype.RealType), new FloatColumn(im, dtype.RealType, hasPlus: true));
        return [.. re.Zip(im, (a, b) => reals.Text(a) + WithUnit(imaginaries.Text(b)))];
    }

    // The j stands before the spaces that fill the column.
    static string WithUnit(string text) => $"{text.TrimEnd()}j".PadRight(text.Length + 1);

    // One pair of brackets for words first .. first + count - 1, which are those of dimensions axis, axis + 1, ...
    static string Brackets(string[] words, int first, int count, (int Shown, bool HasGap)[] dimensions, int axis, string indent)
    {
        var (shown, hasGap) = dimensions[axis];
        if (axis == dimensions.Length - 1)
            return Row(words.AsSpan(first, count), hasGap, indent + " ", LineWidth - dimensions.Length + 1);
        var (text, step) = (new StringBuilder("["), count / shown);
        var separator = new string('\n', dimensions.Length - axis - 1) + indent + " ";
        for (var i = 0; i < shown; i++)
        {
            if (i > 0)
                text.Append(separator);
            if (hasGap && i == Edge)
                text.Append(Gap).Append(separator);
            text.Append(Brackets(words, first + i * step, step, dimensions, axis + 1, indent + " "));
        }
        return text.Append(']').ToString();
    }

    // A line is broken before the word that does not fit; the bracket at its end counts.
    static string Row(ReadOnlySpan<string> words, bool hasGap, string indent, int width)
    {
        var (text, line) = (new StringBuilder(), new StringBuilder(indent));
        for (var i = 0; i < words.Length; i++)
        {
            if (hasGap && i == Edge)
                Add(Gap);
            Add(words[i]);
        }
        text.Append(line.ToString(0, line.Length - 1)).Append(']');
        return $"[{text.ToString()[indent.Length..]}";

        void Add(string word)
        {
            if (line.Length + word.Length > width - 1 && line.Length > indent.Length)
            {
                text.Append(line.ToString().TrimEnd()).Append('\n');
                line.Clear().Append(indent);
            }
            line.Append(word).Append(' ');
        }
    }

    // Alone, a number is printed in full.
    static string Scalar(Tensor tensor)
    {
        var bytes = Read(tensor, null);
        if (!tensor.DType.IsDifferentiable)
            return Words(bytes, tensor.DType)[0].Trim();
        var values = Reals(bytes, tensor.DType);
        if (!tensor.DType.IsComplex)
            return Number(values[0], tensor.DType, ".0");
        var (re, im) = (Number(values[0], tensor.DType, ""), Number(values[1], tensor.DType, ""));
        var sign = im[0] == '-' ? "" : "+";
        return values[0] == 0 && !double.IsNegative(values[0]) ? $"{im}j" : $"({re}{sign}{im}j)";
    }

    static string Number(double value, DType dtype, string whole)
    {
        const double large = 1e16, tiny = 1e-4;
        if (!double.IsFinite(value))
            return double.IsNaN(value) ? "nan" : value < 0 ? "-inf" : "inf";
        var digits = DecimalDigits.Shortest(value, dtype);
        if (value == 0 || (Math.Abs(value) >= tiny && Math.Abs(value) < large))
            return digits.Positional() is [.. var integer, '.'] ? integer + whole : digits.Positional();
        return digits.Scientific(0, 2).Replace(".e", "e", StringComparison.Ordinal);
    }
}
