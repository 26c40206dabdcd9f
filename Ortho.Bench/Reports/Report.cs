using System.Globalization;
using System.Net;
using System.Text;
using Ortho.Layers.Data;
using OxyPlot;

namespace Ortho.Bench.Reports;

/// <summary>The main job's results as one HTML page that needs nothing but itself.</summary>
static class Report
{
    const int SampleImages = 20;

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
    /// <param name="result">What is reported.</param>
    /// <param name="images">Where the sample images come from.</param>
    public static byte[] Render(RunResult result, ImageDataset images)
    {
        var page = new StringBuilder();
        _ = page.Append(CultureInfo.InvariantCulture, $"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8"/>
            <meta name="viewport" content="width=device-width, initial-scale=1"/>
            <title>Ortho: orthogonal against plain</title>
            <style>
            {Style}
            </style>
            </head>
            <body>
            <h1>An orthogonal network and its unconstrained twin</h1>
            <p class="muted">{Escape(images.Name)}, {images.Height} x {images.Width}; device {Escape(result.Device)}; seed {result.Seed}; {result.Seconds:0.0} s</p>
            {Table(result)}
            <div class="plots">
            {Plots.Loss(result)}
            {Plots.Accuracy(result)}
            {Plots.Robustness(result)}
            {Plots.SingularValues(result)}
            </div>
            <h2>Some of the test images</h2>
            <p class="samples">
            {Samples(images)}
            </p>
            <h2>How to read this</h2>
            <p>Every layer of the orthogonal network keeps distances or shrinks them, so the network does too: no perturbation of an image can
            change its outputs by more than the perturbation's L2 norm. Where the two largest outputs are further apart than that allows to close,
            the answer is <em>certified</em>: no perturbation of that size can change it. PGD searches for one by gradient ascent. What survives
            the search is an upper bound of the robust accuracy, the certificate is a lower bound.</p>
            </body>
            </html>

            """);
        return Encoding.UTF8.GetBytes(page.ToString());
    }

    static string Table(RunResult result)
    {
        var table = new StringBuilder("<table>\n<thead><tr><th></th>");
        foreach (var network in result.Networks) _ = table.Append(CultureInfo.InvariantCulture, $"<th>{Escape(network.Name)}</th>");
        _ = table.Append("</tr></thead>\n<tbody>\n");
        foreach (var row in Summary.Of(result))
            _ = table.Append(CultureInfo.InvariantCulture, $"<tr><td>{Escape(row.Label)}</td>{string.Concat(row.Values.Select(value => $"<td>{Escape(value)}</td>"))}</tr>\n");
        return table.Append("</tbody>\n</table>").ToString();
    }

    static string Samples(ImageDataset images)
        => string.Join('\n', Enumerable.Range(0, Math.Min(SampleImages, images.Count)).Select(i =>
            $"<img alt=\"class {images.Labels[i]}\" src=\"data:image/png;base64,{Convert.ToBase64String(Png(images, i))}\"/>"));

    static byte[] Png(ImageDataset images, int index)
    {
        var image = images.Image(index);
        var pixels = new OxyColor[images.Width, images.Height];
        for (var y = 0; y < images.Height; y++)
        for (var x = 0; x < images.Width; x++)
        {
            var grey = image[y * images.Width + x];
            pixels[x, y] = OxyColor.FromRgb(grey, grey, grey);
        }
        return OxyImage.Create(pixels, ImageFormat.Png).GetData();
    }

    static string Escape(string text) => WebUtility.HtmlEncode(text);
}
