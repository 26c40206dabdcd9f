using System.Text;
using System.Text.Json;
using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Bench;

/// <summary>One op as the <c>ops</c> command lists it.</summary>
/// <param name="Name">Name of the member; operators by their sign.</param>
/// <param name="Family">The group it belongs to.</param>
/// <param name="Dtypes">What it takes.</param>
/// <param name="Devices">Where it is computed.</param>
/// <param name="Derivative">Whether gradients pass through it; false states that it has none.</param>
/// <param name="SecondOrder">Whether gradients of gradients do.</param>
/// <param name="Waits">Whether values decide the shape of the result, so that the call waits for the device.</param>
sealed record OpEntry(string Name, string Family, IReadOnlyList<string> Dtypes, IReadOnlyList<string> Devices, bool Derivative, bool SecondOrder, bool Waits);

/// <summary>The library's ops, read off its catalog.</summary>
static class OpList
{
    const string Begin = "<!-- ops: written by `Ortho.Bench -- ops --readme FILE` -->", End = "<!-- end of ops -->";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<OpEntry> All =>
    [
        .. OpCatalog.All.Select(op => new OpEntry(op.Name, op.Family, [.. op.DTypes.Select(dtype => $"{dtype}")],
            [.. Enum.GetValues<DeviceKind>().Select(kind => $"{kind}".ToLowerInvariant())],
            op.Derivative != Derivative.None, op.Derivative == Derivative.Second, op.Waits)),
    ];

    /// <summary>Indented JSON.</summary>
    public static byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(All, ResultJson.Default.IReadOnlyListOpEntry);

    /// <summary>A line for each family.</summary>
    public static string Markdown()
    {
        var text = new StringBuilder();
        foreach (var family in All.GroupBy(op => op.Family))
            _ = text.Append($"- **{family.Key}**: ").AppendJoin(", ", family.Select(Mark)).Append(".\n");
        return text.ToString();

        // Dagger: only once differentiable. Circle: no derivative. Double dagger: waits for the device.
        static string Mark(OpEntry op) => $"`{op.Name}`{(op.SecondOrder ? "" : op.Derivative ? "†" : "°")}{(op.Waits ? "‡" : "")}";
    }

    /// <summary>A README with its list of ops brought up to date.</summary>
    /// <exception cref="InvalidDataException">It has no place for the list.</exception>
    public static string Update(string readme)
    {
        var (begin, end) = (readme.IndexOf(Begin, StringComparison.Ordinal), readme.IndexOf(End, StringComparison.Ordinal));
        return begin >= 0 && end > begin
            ? $"{readme[..(begin + Begin.Length)]}\n{Markdown()}{readme[end..]}"
            : throw new InvalidDataException($"no list of ops between '{Begin}' and '{End}'");
    }
}
