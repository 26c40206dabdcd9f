using System.Security.Cryptography;
using NUnit.Framework;
using Ortho.Layers.Data;

namespace Ortho.Tests.Data;

public class GlyphsTests
{
    /// <summary>The bytes do not depend on the machine: a stored checksum of what the first one drew.</summary>
    [Test]
    public void Equal_seeds_draw_equal_images_everywhere()
    {
        var images = Glyphs.Generate(200, seed: 1);
        Assert.That(Convert.ToHexStringLower(SHA256.HashData(images.Pixels)), Is.EqualTo("391725187782edf0d0e8740cf8d1f9801da7f914f13d64a4a32be7f738e7208f"));
        Assert.That(Glyphs.Generate(200, seed: 2).Pixels.SequenceEqual(images.Pixels), Is.False);
    }

    [Test]
    public void An_image_depends_on_the_seed_and_its_number_only()
        => Assert.That(Glyphs.Generate(30, seed: 3).Pixels.SequenceEqual(Glyphs.Generate(50, seed: 3).Subset(..30).Pixels));

    [Test]
    public void The_classes_are_balanced()
    {
        var images = Glyphs.Generate(1000, seed: 4);
        Assert.That(images.ClassCount, Is.EqualTo(10));
        Assert.That(images.Labels.ToArray().CountBy(label => label).Select(pair => pair.Value), Is.All.EqualTo(100));
        Assert.That(Glyphs.Names, Is.Unique.And.Count.EqualTo(10));
    }

    /// <summary>Without noise and with little jitter the class means tell the classes apart: no two drawings are the same.</summary>
    [Test]
    public void The_drawings_are_distinct()
    {
        var calm = GlyphOptions.Clean with { Translation = 0.08, Rotation = 0.08, Scaling = 0.1, Thickening = 0.2 };
        Assert.That(NearestMeanAccuracy(calm), Is.GreaterThan(0.9));
    }

    /// <summary>As they are drawn by default they are no child's play: class means alone do not do.</summary>
    [Test]
    public void The_default_images_are_not_trivial() => Assert.That(NearestMeanAccuracy(new GlyphOptions()), Is.InRange(0.4, 0.9));

    [Test]
    public void Other_sizes_are_drawn_too([Values(8, 28)] int size)
    {
        var images = Glyphs.Generate(10, seed: 5, GlyphOptions.Clean with { Size = size });
        Assert.That((images.Height, images.Width), Is.EqualTo((size, size)));
        for (var i = 0; i < images.Count; i++)
        {
            var mean = images.Image(i).ToArray().Average(pixel => pixel);
            Assert.That(mean, Is.InRange(25, 130), Glyphs.Names[i]);
        }
    }

    static double NearestMeanAccuracy(GlyphOptions options)
    {
        var (train, test) = (Glyphs.Generate(1000, seed: 6, options), Glyphs.Generate(500, seed: 7, options));
        var size = train.Height * train.Width;
        var means = new double[train.ClassCount, size];
        for (var i = 0; i < train.Count; i++)
        for (var p = 0; p < size; p++)
            means[train.Labels[i], p] += train.Image(i)[p] * train.ClassCount / (double)train.Count;
        var right = Enumerable.Range(0, test.Count).Count(i => Enumerable.Range(0, test.ClassCount).MinBy(c => Distance(i, c)) == test.Labels[i]);
        return right / (double)test.Count;

        double Distance(int image, int label)
        {
            double sum = 0;
            for (var p = 0; p < size; p++) sum += Math.Pow(test.Image(image)[p] - means[label, p], 2);
            return sum;
        }
    }
}
