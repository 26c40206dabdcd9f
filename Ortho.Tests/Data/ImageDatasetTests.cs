using NUnit.Framework;
using Ortho.Layers.Data;

namespace Ortho.Tests.Data;

public class ImageDatasetTests
{
    TemporaryFolder folder = null!;

    [SetUp] public void CreateFolder() => folder = new TemporaryFolder();

    [TearDown] public void DeleteFolder() => folder.Dispose();

    [Test]
    public void Lengths_and_labels_have_to_fit()
    {
        Assert.That(() => new ImageDataset("x", 2, 2, new byte[7], new int[2], 2), Throws.ArgumentException);
        Assert.That(() => new ImageDataset("x", 2, 2, new byte[8], new[] { 0, 2 }, 2), Throws.ArgumentException.With.Message.Contains("label 2"));
        Assert.That(() => new ImageDataset("x", 2, 2, new byte[8], new[] { 0, -1 }, 2), Throws.ArgumentException);
    }

    [Test]
    public void A_subset_holds_the_images_of_its_range()
    {
        var all = new ImageDataset("x", 1, 2, new byte[] { 0, 1, 2, 3, 4, 5 }, new[] { 0, 1, 2 }, 3);
        var rest = all.Subset(1..);
        Assert.That(rest.Count, Is.EqualTo(2));
        Assert.That(rest.Pixels.ToArray(), Is.EqualTo(new byte[] { 2, 3, 4, 5 }));
        Assert.That(rest.Labels.ToArray(), Is.EqualTo(new[] { 1, 2 }));
        Assert.That(rest.Image(1).ToArray(), Is.EqualTo(new byte[] { 4, 5 }));
        Assert.That(() => all.Subset(2..5), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void A_batch_is_gathered_as_numbers_from_zero_to_one()
    {
        var all = new ImageDataset("x", 1, 2, new byte[] { 0, 255, 51, 102 }, new[] { 0, 1 }, 2);
        var batch = new float[6];
        all.CopyTo([1, 0, 1], batch);
        Assert.That(batch, Is.EqualTo(new[] { 0.2f, 0.4f, 0, 1, 0.2f, 0.4f }));
    }

    [Test]
    public void Mnist_with_all_four_files_trains_on_train()
    {
        WritePart("train", 30, compress: true);
        WritePart("t10k", 10, compress: false);
        var (train, test) = ImageDataset.Mnist(folder.Path);
        Assert.That((train.Count, test.Count), Is.EqualTo((30, 10)));
        Assert.That(train.Name, Is.EqualTo(Path.GetFileName(folder.Path)));
        Assert.That(test.Labels.ToArray(), Is.EqualTo(Enumerable.Range(0, 10)));
    }

    [Test]
    public void Mnist_with_the_test_files_only_is_split_four_to_one()
    {
        WritePart("t10k", 50, compress: true);
        var (train, test) = ImageDataset.Mnist(folder.Path + Path.DirectorySeparatorChar);
        Assert.That((train.Count, test.Count), Is.EqualTo((40, 10)));
        Assert.That(test.Image(0)[0], Is.EqualTo(40)); // the images keep their order
    }

    [Test]
    public void Mnist_files_that_do_not_fit_are_refused()
    {
        Assert.That(() => ImageDataset.Mnist(Path.Combine(folder.Path, "missing")), Throws.InstanceOf<DirectoryNotFoundException>());
        Assert.That(() => ImageDataset.Mnist(folder.Path), Throws.InstanceOf<FileNotFoundException>().With.Message.Contains("t10k-images-idx3-ubyte"));

        WritePart("t10k", 10, compress: false);
        Labels([.. new byte[9]]);
        Refused("9 labels", "expected 10");
        Labels([.. new byte[9], 10]);
        Refused("label 10", "offset 17");
        IdxFile.Write(PathOf("t10k-labels-idx1-ubyte"), new IdxArray([5, 2], new byte[10]));
        Refused("rank 2");
        IdxFile.Write(PathOf("t10k-images-idx3-ubyte"), new IdxArray([10], new byte[10]));
        Refused("rank 1");

        void Labels(byte[] labels) => IdxFile.Write(PathOf("t10k-labels-idx1-ubyte"), new IdxArray([labels.Length], labels));

        void Refused(params string[] parts)
        {
            var exception = Assert.Throws<InvalidDataException>(() => ImageDataset.Mnist(folder.Path));
            foreach (var part in parts) Assert.That(exception!.Message, Does.Contain(part));
        }
    }

    string PathOf(string name) => Path.Combine(folder.Path, name);

    void WritePart(string part, int count, bool compress)
    {
        var extension = compress ? ".gz" : "";
        var pixels = Enumerable.Range(0, count).SelectMany(i => Enumerable.Repeat((byte)i, 6)).ToArray();
        IdxFile.Write(PathOf($"{part}-images-idx3-ubyte{extension}"), new IdxArray([count, 3, 2], pixels), compress);
        IdxFile.Write(PathOf($"{part}-labels-idx1-ubyte{extension}"), new IdxArray([count], [.. Enumerable.Range(0, count).Select(i => (byte)(i % 10))]), compress);
    }
}
