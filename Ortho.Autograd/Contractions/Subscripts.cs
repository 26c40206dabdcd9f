using Ortho.Tensors;

namespace Ortho.Autograd.Contractions;

/// <summary>The subscripts of an Einstein sum, read: a label for each dimension of each operand and of the result.</summary>
/// <remarks>A letter is its own label; the dimensions under an ellipsis, counted from the last, are -1, -2, ...</remarks>
/// <param name="Inputs">Labels of each operand's dimensions.</param>
/// <param name="Output">Labels of the result's dimensions.</param>
sealed record Subscripts(int[][] Inputs, int[] Output)
{
    const string Dots = "...";

    /// <summary>Reads subscripts such as <c>"bij,bjk->bik"</c>, <c>"...ii"</c>, <c>"ij,j"</c> for operands of these shapes.</summary>
    /// <exception cref="TensorArgumentException">They are malformed or do not fit the operands.</exception>
    public static Subscripts Read(string subscripts, IReadOnlyList<Shape> shapes)
    {
        ArgumentNullException.ThrowIfNull(subscripts);
        var sides = subscripts.Replace(" ", "", StringComparison.Ordinal).Split("->");
        if (sides.Length > 2)
            throw Refusal(subscripts, "at most one arrow");
        var terms = sides[0].Split(',');
        if (terms.Length != shapes.Count)
            throw Refusal($"{subscripts} for {shapes.Count} operands", $"{shapes.Count} terms, separated by commas");
        int[][] inputs = [.. terms.Zip(shapes, (term, shape) => Labels(term, subscripts, shape))];
        return new(inputs, sides.Length == 2 ? Explicit(sides[1], subscripts, inputs) : Implicit(inputs));
    }

    static TensorArgumentException Refusal(string given, string expected) => new("Einsum", "subscripts", given, expected);

    // The letters before and behind an ellipsis; no second part when there is none.
    static string[] Parts(string term, string subscripts)
    {
        var parts = term.Split(Dots);
        if (parts.Length > 2)
            throw Refusal(subscripts, $"at most one ellipsis in {term}");
        return parts.All(part => part.All(char.IsAsciiLetter))
            ? parts
            : throw Refusal(subscripts, $"letters and at most one ellipsis in '{term}'");
    }

    static int[] Labels(string term, string subscripts, Shape shape)
    {
        var parts = Parts(term, subscripts);
        var letters = parts.Sum(part => part.Length);
        if (parts.Length == 1 ? letters != shape.Rank : letters > shape.Rank)
            throw Refusal(subscripts, $"{shape.Rank} dimensions in '{term}', those of an operand {shape}");
        return Joined(parts, Hidden(shape.Rank - letters));
    }

    static int[] Joined(string[] parts, IEnumerable<int> hidden)
        => [.. parts[0].Select(letter => (int)letter), .. hidden, .. parts.Skip(1).SelectMany(part => part).Select(letter => (int)letter)];

    static IEnumerable<int> Hidden(int count) => Enumerable.Range(1, count).Reverse().Select(k => -k);

    static int HiddenIn(int[][] inputs) => -Math.Min(0, inputs.SelectMany(labels => labels).DefaultIfEmpty(0).Min());

    static int[] Explicit(string term, string subscripts, int[][] inputs)
    {
        var parts = Parts(term, subscripts);
        var letters = string.Concat(parts);
        if (letters.Distinct().Count() != letters.Length)
            throw Refusal(subscripts, $"each letter once in the output '{term}'");
        foreach (var letter in letters)
        {
            if (!inputs.Any(labels => labels.Contains(letter)))
                throw Refusal(subscripts, $"output letters that occur in an operand; '{letter}' does not");
        }
        return Joined(parts, parts.Length > 1 ? Hidden(HiddenIn(inputs)) : []);
    }

    // The dimensions under ellipses, then the letters that occur once, in alphabetical order (capitals first).
    static int[] Implicit(int[][] inputs)
        => [.. Hidden(HiddenIn(inputs)), .. inputs.SelectMany(labels => labels).Where(label => label > 0).GroupBy(label => label)
            .Where(group => group.Count() == 1).Select(group => group.Key).Order()];
}
