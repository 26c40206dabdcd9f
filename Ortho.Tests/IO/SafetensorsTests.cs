using System.Runtime.CompilerServices;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tensors.IO;
using Ortho.Tests.Data;
using Ortho.Tests.Support;

namespace Ortho.Tests.IO;

[TestFixture]
public class SafetensorsTests
{
    TemporaryFolder folder = null!;

    [SetUp] public void CreateFolder() => folder = new TemporaryFolder();

    [TearDown] public void DeleteFolder() => folder.Dispose();

    string In(string name) => Path.Combine(folder.Path, name);

    [Test]
    public void Reads_what_the_Python_package_writes()
    {
        using var file = Safetensors.Open(ReferenceFiles.Path("all.safetensors"));
        (string Name, DType DType)[] expected =
        [
            ("bool", DType.Bool), ("int8", DType.Int32), ("uint8", DType.Int32), ("int16", DType.Int32), ("uint16", DType.Int32), ("int32", DType.Int32),
            ("uint32", DType.Int64), ("int64", DType.Int64), ("uint64", DType.Int64), ("float16", DType.Half), ("float32", DType.Float32), ("float64", DType.Float64),
        ];
        Assert.That(file.Names, Is.EquivalentTo(expected.Select(tensor => tensor.Name)));
        Assert.That(file.Metadata, Is.EquivalentTo(new Dictionary<string, string> { ["format"] = "np", ["grün"] = "ja" }));
        foreach (var (name, dtype) in expected)
        {
            Assert.That(file.Describe(name), Is.EqualTo((dtype, Shape.Create([2, 3]))), name);
            var values = Enumerable.Range(0, 6).Select(k => ReferenceFiles.Element(k, dtype, name[0] == 'u'));
            Assert.That(NpyTests.Values(file[name]), Is.EqualTo(values), name);
            Assert.That(NpyTests.Values(file.Read(name)), Is.EqualTo(values), name);
        }
    }

    [Test]
    public void Writes_the_very_bytes_of_the_Python_package()
    {
        var reference = ReferenceFiles.Path("ordered.safetensors");
        var tensors = Safetensors.Load(reference);
        Assert.That(NpyTests.Values(tensors["brain"]), Is.EqualTo(Enumerable.Range(0, 6).Select(k => ReferenceFiles.Element(k, DType.BFloat16))));
        Safetensors.Save(In("x.safetensors"), tensors.Reverse(), new Dictionary<string, string> { ["epoch"] = "3" });
        Assert.That(File.ReadAllBytes(In("x.safetensors")), Is.EqualTo(File.ReadAllBytes(reference)), "whatever the order of the tensors");
    }

    static IEnumerable<TestCaseData> DTypesOnDevices
        => from kind in Devices.Kinds from dtype in DTypes.All where dtype != DType.Complex128 select new TestCaseData(dtype, kind);

    [TestCaseSource(nameof(DTypesOnDevices)), Category("Devices")]
    public void Every_layout_makes_the_round_trip(DType dtype, string kind)
    {
        var device = Devices.Of(kind);
        var views = NpyTests.Views(Samples.Of([4, 5, 6], dtype, device)).Append(Samples.Of([2, 0], dtype, device)).Index().ToDictionary(view => $"{view.Index}", view => view.Item);
        Safetensors.Save(In("x"), views);
        foreach (var (name, back) in Safetensors.Load(In("x"), device))
        {
            Assert.That((back.Shape, back.DType, back.Device), Is.EqualTo((views[name].Shape, dtype, device)));
            Assert.That(Samples.Bytes(back), Is.EqualTo(Samples.Bytes(views[name])));
        }
        using var file = Safetensors.Open(In("x"));
        foreach (var name in file.Names)
            Assert.That(Samples.Bytes(file[name]), Is.EqualTo(Samples.Bytes(views[name])), "mapped");
    }

    [Test]
    public void Names_and_metadata_are_any_text()
    {
        string[] names = ["", "a.b", "ü/\\\"\n\t<&>", "😀", "dtype", "__metadata"];
        var metadata = names.ToDictionary(name => name, name => name + "!");
        Safetensors.Save(In("x"), names.Select(name => KeyValuePair.Create(name, Samples.Of([3], DType.Float32))), metadata);
        using var file = Safetensors.Open(In("x"));
        Assert.That(file.Names, Is.EquivalentTo(names));
        Assert.That(file.Metadata, Is.EquivalentTo(metadata));
        Safetensors.Save(In("none"), []);
        Assert.That(Safetensors.Load(In("none")), Is.Empty);
    }

    [Test]
    public void A_tensor_lies_in_the_file_and_changes_stay_in_memory()
    {
        Safetensors.Save(In("x"), [new("w", Tensor.Full([1000], 3))]);
        var before = File.ReadAllBytes(In("x"));
        using (var file = Safetensors.Open(In("x")))
        {
            var live = Device.Cpu.Pool.LiveBytes;
            var w = file["w"];
            Assert.That(Device.Cpu.Pool.LiveBytes, Is.LessThanOrEqualTo(live), "no memory of the pool");
            w.AsSpan<float>().Fill(7);
            Assert.That(file["w"].ToArray<float>(), Is.All.EqualTo(7f), "the same memory");
            Assert.That((w * 2.0).Sum().Item(), Is.EqualTo(14_000));
        }
        Assert.That(File.ReadAllBytes(In("x")), Is.EqualTo(before));
        Assert.That(Safetensors.Load(In("x"))["w"].ToArray<float>(), Is.All.EqualTo(3f));
    }

    [Test]
    public void Tensors_outlive_the_file_its_replacement_and_collections()
    {
        Safetensors.Save(In("x"), [new("w", Tensor.Full([100_000], 3)), new("v", Tensor.Full([10], 4))]);
        var (w, file) = Opened(In("x"));
        Safetensors.Save(In("x"), [new("w", Tensor.Full([5], 1))]);
        Tests.Tensors.TensorTests.Collect();
        Assert.That(w.ToArray<float>(), Is.All.EqualTo(3f));
        Assert.That(() => file["v"], Throws.TypeOf<ObjectDisposedException>());
        w.Dispose();
        Assert.That(() => w.ToArray<float>(), Throws.TypeOf<ObjectDisposedException>());

        [MethodImpl(MethodImplOptions.NoInlining)]
        static (Tensor, SafetensorsFile) Opened(string path)
        {
            using var file = Safetensors.Open(path);
            _ = file["v"];
            return (file["w"].Reshape(100, 1000).T, file);
        }
    }

    [Test]
    public void A_file_that_is_not_closed_closes_itself_when_its_tensors_are_gone()
    {
        Safetensors.Save(In("x"), [new("w", Tensor.Full([100_000], 3))]);
        var w = Open(In("x"));
        Tests.Tensors.TensorTests.Collect();
        Assert.That(w.ToArray<float>(), Is.All.EqualTo(3f));
        Assert.That(IsMapped(), OperatingSystem.IsLinux() ? Is.True : Is.False);
        w.Dispose();
        Tests.Tensors.TensorTests.Collect();
        Assert.That(IsMapped(), Is.False);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static Tensor Open(string path) => Safetensors.Open(path)["w"];

        bool IsMapped() => OperatingSystem.IsLinux() && File.ReadAllText("/proc/self/maps").Contains(In("x"), StringComparison.Ordinal);
    }

    [Test]
    public void What_cannot_be_written_is_refused_before_anything_is()
    {
        var x = Samples.Of([2], DType.Float32);
        Assert.That(() => Safetensors.Save(In("x"), [new("a", x), new("a", x)]), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("two tensors named 'a'"));
        Assert.That(() => Safetensors.Save(In("x"), [new("__metadata__", x)]), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("__metadata__"));
        Assert.That(() => Safetensors.Save(In("x"), [new("c", Samples.Of([2], DType.Complex128))]), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("Complex128"));
        Assert.That(() => Safetensors.Save(In("x"), [new("\ud800", x)]), Throws.InstanceOf<ArgumentException>());
        Assert.That(Directory.GetFiles(folder.Path), Is.Empty);
    }

    [Test]
    public void An_unknown_name_is_an_error_that_names_it()
    {
        using var file = Safetensors.Open(ReferenceFiles.Path("all.safetensors"));
        Assert.That(() => file["weight"], Throws.TypeOf<KeyNotFoundException>().With.Message.Contains("'weight'").And.Message.Contains("all.safetensors"));
    }
}
