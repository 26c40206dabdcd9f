using System.Globalization;
using Ortho.Layers.Data;
using OxyPlot;

namespace Ortho.Bench.Reports;

/// <summary>The main job's results as one HTML page that needs nothing but itself.</summary>
static class Report
{
    const int SampleImages = 20;

    /// <summary>The page, in UTF-8.</summary>
    /// <param name="result">What is reported.</param>
    /// <param name="images">Where the sample images come from.</param>
    public static byte[] Render(RunResult result, ImageDataset images)
    {
        var networks = result.Networks.Select(network => network.Name);
        return Page.Render("Ortho: orthogonal against plain", string.Create(CultureInfo.InvariantCulture, $"""
            <h1>An orthogonal network and its unconstrained twin</h1>
            <p class="muted">{Page.Escape(images.Name)}, {images.Height} x {images.Width}; device {Page.Escape(result.Device)}; seed {result.Seed}; {result.Seconds:0.0} s</p>
            {Page.Table(["", .. networks], Summary.Of(result).Select(row => row.Values.Prepend(row.Label)))}
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
            """));
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
}
