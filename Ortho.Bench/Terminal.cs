namespace Ortho.Bench;

/// <summary>Where a command writes.</summary>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
/// <param name="IsInteractive">Whether somebody watches: bars that redraw themselves are of no use in a log.</param>
sealed record Terminal(TextWriter Output, TextWriter Error, bool IsInteractive);
