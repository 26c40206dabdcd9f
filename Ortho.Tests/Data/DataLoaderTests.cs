using NUnit.Framework;
using Ortho.Layers.Data;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Data;

[TestFixture]
public class DataLoaderTests
{
    const int Count = 23;

    // Every pixel of image i is i, and its label i mod 5, so that a batch says which images it holds.
    static readonly ImageDataset dataset = new("numbers", 2, 3, Enumerable.Range(0, Count).SelectMany(i => Enumerable.Repeat((byte)i, 6)).ToArray(),
        Enumerable.Range(0, Count).Select(i => i % 5).ToArray(), 5);

    static List<int> Images((Tensor Images, Tensor Labels) batch)
    {
        var pixels = batch.Images.ToArray<float>().Select(pixel => (int)Math.Round(pixel * 255)).ToArray();
        var images = pixels.Chunk(6).Select(image => image.Distinct().Single()).ToList();
        Assert.That(batch.Images.Shape, Is.EqualTo(Shape.Create([images.Count, 1, 2, 3])));
        Assert.That(batch.Labels.ToArray<long>(), Is.EqualTo(images.Select(image => (long)(image % 5))), "labels go with their images");
        return images;
    }

    static List<int> Pass(DataLoader loader) => [.. loader.Batches().SelectMany(Images)];

    [Test]
    public void Every_image_comes_once_in_each_pass([Values(1, 4, 23, 50)] int batchSize)
    {
        var loader = new DataLoader(dataset, batchSize, shuffle: new(3));
        for (var pass = 0; pass < 3; pass++)
            Assert.That(Pass(loader).Order(), Is.EqualTo(Enumerable.Range(0, Count)));
        Assert.That(loader.Batches().Count(), Is.EqualTo(loader.BatchCount));
        Assert.That(loader.BatchCount, Is.EqualTo((int)Math.Ceiling(Count / (double)batchSize)));
    }

    [Test]
    public void The_order_is_that_of_the_seed_and_new_in_each_pass()
    {
        var (a, b, other) = (new DataLoader(dataset, 4, shuffle: new(3)), new DataLoader(dataset, 7, shuffle: new(3)), new DataLoader(dataset, 4, shuffle: new(4)));
        var (first, second) = (Pass(a), Pass(a));
        Assert.That(Pass(b), Is.EqualTo(first), "whatever the batches");
        Assert.That(Pass(b), Is.EqualTo(second));
        Assert.That(second, Is.Not.EqualTo(first));
        Assert.That(Pass(other), Is.Not.EqualTo(first));
        Assert.That(Pass(new(dataset, 4)), Is.EqualTo(Enumerable.Range(0, Count)), "without a shuffle it is that of the data");
    }

    [Test]
    public void A_smaller_last_batch_is_left_out_on_request()
    {
        var loader = new DataLoader(dataset, 4, dropLast: true);
        Assert.That(loader.BatchCount, Is.EqualTo(5));
        Assert.That(loader.Batches().Select(batch => batch.Images.Shape[0]), Is.EqualTo(new[] { 4, 4, 4, 4, 4 }));
        Assert.That(new DataLoader(dataset, 4).Batches().Last().Labels.Shape, Is.EqualTo(Shape.Create([3])));
    }

    [Test]
    public void Batches_are_put_on_the_device()
    {
        var device = Devices.Of("Simulator");
        Assert.That(new DataLoader(dataset, 30, device).Batches().Select(batch => (batch.Images.Device, batch.Labels.Device)), Is.All.EqualTo((device, device)));
    }

    [Test]
    public void An_empty_batch_is_refused([Values(0, -1)] int batchSize)
        => Assert.That(() => new DataLoader(dataset, batchSize), Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.Contains("at least one image"));
}
