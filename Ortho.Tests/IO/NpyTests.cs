using System.Numerics;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tensors.IO;
using Ortho.Tests.Data;
using Ortho.Tests.Support;

namespace Ortho.Tests.IO;

[TestFixture]
public class NpyTests
{
    TemporaryFolder folder = null!;

    [SetUp] public void CreateFolder() => folder = new TemporaryFolder();

    [TearDown] public void DeleteFolder() => folder.Dispose();

    string In(string name) => Path.Combine(folder.Path, name);

    static readonly (string File, DType DType)[] types =
    [
        ("b1", DType.Bool), ("i4", DType.Int32), ("i8", DType.Int64), ("f2", DType.Half), ("f4", DType.Float32), ("f8", DType.Float64),
        ("c8", DType.Complex64), ("c16", DType.Complex128), ("be-i4", DType.Int32), ("be-i8", DType.Int64), ("be-f2", DType.Half),
        ("be-f4", DType.Float32), ("be-f8", DType.Float64), ("be-c8", DType.Complex64), ("be-c16", DType.Complex128),
        ("i1", DType.Int32), ("u1", DType.Int32), ("i2", DType.Int32), ("u2", DType.Int32), ("be-i2", DType.Int32), ("u4", DType.Int64), ("u8", DType.Int64),
    ];

    static IEnumerable<TestCaseData> Types => types.Select(type => new TestCaseData(type.File, type.DType));

    [TestCaseSource(nameof(Types))]
    public void Reads_what_NumPy_writes(string name, DType dtype)
    {
        var x = Npy.Load(ReferenceFiles.Path($"{name}.npy"));
        Assert.That((x.DType, x.Shape), Is.EqualTo((dtype, Shape.Create([2, 3]))));
        Assert.That(Values(x), Is.EqualTo(Enumerable.Range(0, 6).Select(k => ReferenceFiles.Element(k, dtype, name[0] == 'u'))));
    }

    [TestCase("b1"), TestCase("i4"), TestCase("i8"), TestCase("f2"), TestCase("f4"), TestCase("f8"), TestCase("c8"), TestCase("c16")]
    [TestCase("scalar"), TestCase("vector"), TestCase("empty")]
    public void Writes_the_very_bytes_of_NumPy(string name)
    {
        var reference = ReferenceFiles.Path($"{name}.npy");
        Npy.Save(In("x.npy"), Npy.Load(reference));
        Assert.That(File.ReadAllBytes(In("x.npy")), Is.EqualTo(File.ReadAllBytes(reference)));
    }

    [Test]
    public void Fortran_order_is_a_view_with_the_same_elements()
    {
        var x = Npy.Load(ReferenceFiles.Path("fortran.npy"));
        Assert.That((x.Shape, x.IsContiguous), Is.EqualTo((Shape.Create([2, 3, 4]), false)));
        Assert.That(x.ToArray<float>(), Is.EqualTo(Enumerable.Range(0, 24).Select(k => k - 2f)));
        Npy.Save(In("x.npy"), x);
        Assert.That(Npy.Load(In("x.npy")).ToArray<float>(), Is.EqualTo(x.ToArray<float>()));
    }

    [TestCase("version2"), TestCase("version3")]
    public void Later_versions_are_read(string name)
        => Assert.That(Npy.Load(ReferenceFiles.Path($"{name}.npy")).ToArray<float>(), Is.EqualTo(new float[] { -2, -1, 0, 1, 2, 3 }));

    static IEnumerable<TestCaseData> DTypesOnDevices
        => from kind in Devices.Kinds from dtype in DTypes.All where dtype != DType.BFloat16 select new TestCaseData(dtype, kind);

    [TestCaseSource(nameof(DTypesOnDevices)), Category("Devices")]
    public void Every_layout_makes_the_round_trip(DType dtype, string kind)
    {
        var device = Devices.Of(kind);
        foreach (var view in Views(Samples.Of([4, 5, 6], dtype, device)))
        {
            Npy.Save(In("x.npy"), view);
            var back = Npy.Load(In("x.npy"), device);
            Assert.That((back.Shape, back.DType, back.Device), Is.EqualTo((view.Shape, dtype, device)));
            Assert.That(Samples.Bytes(back), Is.EqualTo(Samples.Bytes(view)));
        }
    }

    internal static IEnumerable<Tensor> Views(Tensor x)
        => [x, x.T, x.Slice(1, 1, 4, 2), x.Permute(2, 0, 1), x.Select(0, 3), x.Select(0, 1).Select(0, 2).Select(0, 3), x.Slice(0, 2, 2), x.Slice(0, 0, 1).Expand(3, 5, 6)];

    // A megabyte is moved at a time.
    [Test]
    public void Large_tensors_are_moved_in_pieces()
    {
        var x = Tensor.Uniform([3, 70_001], new(1));
        foreach (var view in new[] { x, x.T })
        {
            Npy.Save(In("x.npy"), view);
            Assert.That(Samples.Bytes(Npy.Load(In("x.npy"))), Is.EqualTo(Samples.Bytes(view)));
        }
    }

    [Test]
    public void Brain_floats_are_refused_before_anything_is_written()
    {
        Assert.That(() => Npy.Save(In("x.npy"), Tensor.Empty([2], DType.BFloat16)),
            Throws.TypeOf<TensorArgumentException>().With.Message.EqualTo("Npy.Save: tensor is BFloat16; expected a dtype that NumPy has; convert it to Float32, or write safetensors."));
        Assert.That(Directory.GetFiles(folder.Path), Is.Empty);
    }

    [Test]
    public void A_missing_file_is_an_IO_error() => Assert.That(() => Npy.Load(In("none.npy")), Throws.InstanceOf<IOException>());

    internal static IEnumerable<Complex> Values(Tensor x) => x.DType switch
    {
        DType.Half => x.ToArray<Half>().Select(value => (Complex)(double)value),
        DType.BFloat16 => x.ToArray<BFloat16>().Select(value => (Complex)(float)value),
        _ => Nd.From(x).Data,
    };
}
