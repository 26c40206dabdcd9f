using System.Globalization;
using System.Text;

namespace Ortho.Kernels.Gpu.TensorCores;

/// <summary>Lines of a generated kernel.</summary>
sealed class PtxWriter
{
    readonly StringBuilder text = new();

    /// <summary>Text as it is.</summary>
    public void Raw(string lines) => text.Append(lines).Append('\n');

    /// <summary>A label.</summary>
    public void Label(string name) => text.Append(name).Append(":\n");

    /// <summary>Instructions, each with its semicolon.</summary>
    public void Line(params ReadOnlySpan<string> instructions)
    {
        foreach (var instruction in instructions)
            text.Append('\t').Append(instruction).Append('\n');
    }

    /// <summary>A list of numbered registers, in braces.</summary>
    public static string Registers(string name, int first, int count)
        => $"{{{string.Join(", ", Enumerable.Range(first, count).Select(i => string.Create(CultureInfo.InvariantCulture, $"{name}{i}")))}}}";

    /// <inheritdoc/>
    public override string ToString() => text.ToString();
}
