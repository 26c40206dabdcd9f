using System.Globalization;
using System.Text.RegularExpressions;
using ILGPU.Backends.PTX;

namespace Ortho.Kernels.Gpu;

/// <summary>The PTX of a compiled kernel as drivers and assemblers get it: what ILGPU has written, edited.</summary>
/// <remarks>
/// ILGPU reads and writes tensors by generic addresses, for which the hardware first finds out what memory they are in. A text that takes no
/// address of shared or local memory as a generic one has none but global ones, and says so here. And ILGPU's numbers of labels, parameters
/// and functions depend on what was compiled before; here they count from 0, so that the driver's cache, whose key is the text, knows a
/// kernel again.
/// </remarks>
static partial class PtxText
{
    /// <summary>The edited text of a kernel.</summary>
    public static string Of(PTXCompiledKernel kernel) => Edit(kernel.PTXAssembly);

    /// <summary>The text with global accesses and its own numbers.</summary>
    public static string Edit(string text) => Numbered(WithGlobalAccesses(text));

    static string WithGlobalAccesses(string text) => text.Contains("cvta.", StringComparison.Ordinal) ? text : Generic().Replace(text, "$0.global");

    static string Numbered(string text)
    {
        // The driver is asked for the entry by its name.
        var entry = Entry().Match(text).Groups[1].Value;
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        return Identifier().Replace(text, match =>
        {
            if (match.Value == entry)
                return entry;
            if (!numbers.TryGetValue(match.Value, out var number))
                numbers[match.Value] = number = numbers.Count;
            return string.Create(CultureInfo.InvariantCulture, $"{match.Groups[1].Value}{number}");
        });
    }

    // An access that names no state space: behind the instruction, and volatile, its type, vector or operation follows.
    [GeneratedRegex(@"^\s*(?:@!?%\w+\s+)?(?>(?:ld|st|atom|red)(?:\.volatile)?)(?=\.)(?!\.(?:global|shared|local|param|const)\b)", RegexOptions.Multiline)]
    private static partial Regex Generic();

    [GeneratedRegex(@"\.entry\s+([\w$]+)")]
    private static partial Regex Entry();

    // What ILGPU names by an underscore and a number; not the target's name.
    [GeneratedRegex(@"(?<![\w$%]|\.target )([A-Za-z_$][\w$]*_)\d+\b")]
    private static partial Regex Identifier();
}
