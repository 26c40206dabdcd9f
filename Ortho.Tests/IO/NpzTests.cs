using NUnit.Framework;
using Ortho.Tensors;
using Ortho.Tensors.IO;
using Ortho.Tests.Data;

namespace Ortho.Tests.IO;

[TestFixture]
public class NpzTests
{
    TemporaryFolder folder = null!;

    [SetUp] public void CreateFolder() => folder = new TemporaryFolder();

    [TearDown] public void DeleteFolder() => folder.Dispose();

    string In(string name) => Path.Combine(folder.Path, name);

    [TestCase("stored"), TestCase("deflated")]
    public void Reads_what_NumPy_writes(string name)
    {
        var arrays = Npz.Load(ReferenceFiles.Path($"{name}.npz"));
        Assert.That(arrays.Keys, Is.EqualTo(new[] { "weight", "labels", "grün" }), "in the order of the file");
        Assert.That(arrays["weight"].Shape, Is.EqualTo(Shape.Create([3, 4])));
        Assert.That(arrays["weight"].ToArray<float>(), Is.EqualTo(Enumerable.Range(0, 12).Select(k => k - 2f)));
        Assert.That(arrays["labels"].ToArray<long>(), Is.EqualTo(new long[] { -2, -1, 0, 1, 2 }));
        Assert.That(arrays["grün"].ToArray<bool>(), Is.EqualTo(new[] { false, true }));
    }

    [Test]
    public void Every_dtype_makes_the_round_trip([Values] bool compress)
    {
        var tensors = DTypes.All.Where(dtype => dtype != DType.BFloat16).ToDictionary(dtype => $"{dtype}", dtype => Samples.Of([3, 50, 7], dtype));
        tensors.Add("", Samples.Of([], DType.Float32));
        tensors.Add("a/b ü", Samples.Of([0, 3], DType.Int32));
        Npz.Save(In("x.npz"), tensors, compress);
        var back = Npz.Load(In("x.npz"));
        Assert.That(back.Keys, Is.EqualTo(tensors.Keys));
        foreach (var (name, tensor) in tensors)
        {
            Assert.That((back[name].DType, back[name].Shape), Is.EqualTo((tensor.DType, tensor.Shape)), name);
            Assert.That(Samples.Bytes(back[name]), Is.EqualTo(Samples.Bytes(tensor)), name);
        }
    }

    [Test]
    public void Equal_tensors_are_equal_files_and_deflated_ones_are_smaller()
    {
        KeyValuePair<string, Tensor>[] tensors = [new("x", Samples.Of([1000], DType.Float32)), new("y", Samples.Of([10], DType.Int64))];
        Npz.Save(In("a.npz"), tensors);
        Npz.Save(In("b.npz"), tensors);
        Npz.Save(In("c.npz"), tensors, compress: true);
        Assert.That(File.ReadAllBytes(In("a.npz")), Is.EqualTo(File.ReadAllBytes(In("b.npz"))));
        Assert.That(new FileInfo(In("c.npz")).Length, Is.LessThan(new FileInfo(In("a.npz")).Length / 2));
    }

    [Test]
    public void What_cannot_be_written_is_refused_before_anything_is()
    {
        var x = Samples.Of([2], DType.Float32);
        Assert.That(() => Npz.Save(In("x.npz"), [new("a", x), new("a", x)]), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("two tensors named 'a'"));
        Assert.That(() => Npz.Save(In("x.npz"), [new("a", Samples.Of([2], DType.BFloat16))]), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("Npz.Save: tensor is BFloat16"));
        Assert.That(Directory.GetFiles(folder.Path), Is.Empty);
    }
}
