using System.Globalization;
using System.Net;
using System.Text;

namespace Ortho.Bench.Reports;

/// <summary>The frame of every report: one HTML page that needs nothing but itself, light or dark as the reader likes.</summary>
static class Page
{
    const string Style = """
        :root { color-scheme: light dark; --text: #1b1f24; --muted: #667; --grid: #d5d9de; --paper: #fff; }
        @media (prefers-color-scheme: dark) { :root { --text: #e2e6ea; --muted: #99a; --grid: #3a4048; --paper: #14171a; } }
        body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--paper); max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
        table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin-bottom: 1.5rem; }
        th, td { padding: .3rem .9rem; border-bottom: 1px solid var(--grid); text-align: right; }
        th:first-child, td:first-child { text-align: left; }
        .plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); gap: 1rem; }
        .plots svg { width: 100%; height: auto; }
        .samples img { width: 48px; height: 48px; image-rendering: pixelated; margin: 2px; }
        .muted { color: var(--muted); }
        """;

    /// <summary>The page, in UTF-8.</summary>
    /// <param name="title">Title of the window.</param>
    /// <param name="body">The page's content as HTML.</param>
    public static byte[] Render(string title, string body) => Encoding.UTF8.GetBytes($"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8"/>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <title>{Escape(title)}</title>
        <style>
        {Style}
        </style>
        </head>
        <body>
        {body}
        </body>
        </html>

        """);

    /// <summary>A table; the first column holds labels.</summary>
    public static string Table(IEnumerable<string> head, IEnumerable<IEnumerable<string>> rows)
    {
        var table = new StringBuilder("<table>\n<thead><tr>").AppendJoin("", head.Select(cell => $"<th>{Escape(cell)}</th>")).Append("</tr></thead>\n<tbody>\n");
        foreach (var row in rows)
            _ = table.Append(CultureInfo.InvariantCulture, $"<tr>{string.Concat(row.Select(cell => $"<td>{Escape(cell)}</td>"))}</tr>\n");
        return table.Append("</tbody>\n</table>").ToString();
    }

    /// <summary>Text as HTML.</summary>
    public static string Escape(string text) => WebUtility.HtmlEncode(text);
}
