using System.Text.Json;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tensors.IO;
using Ortho.Tests.IO;
using Ortho.Tests.Support;

namespace Ortho.Tests.Printing;

[TestFixture]
public class TensorTextTests
{
    static readonly Lazy<IReadOnlyDictionary<string, Tensor>> arrays = new(() => Npz.Load(ReferenceFiles.Path("printed.npz")));

    static IReadOnlyDictionary<string, string> Texts
        => JsonSerializer.Deserialize<Dictionary<string, string>>(File.ReadAllText(ReferenceFiles.Path("printed.json")))!;

    static IEnumerable<TestCaseData> Cases => Texts.Select(text => new TestCaseData(text.Key, text.Value).SetArgDisplayNames(text.Key));

    [TestCaseSource(nameof(Cases))]
    public void Is_what_NumPy_prints(string name, string expected)
    {
        var x = arrays.Value[name];
        Assert.That(x.ToString(), Is.EqualTo($"{expected}\n{x.DType} {x.Shape}"));
    }

    [Test]
    public void Views_are_printed_as_their_copies()
    {
        var x = arrays.Value["wrapped"];
        Assert.That(x.T.ToString(), Is.EqualTo(x.T.Clone().ToString()));
        var large = arrays.Value["summary"];
        Assert.That(large.T.Slice(0, 1, 40, 2).ToString(), Is.EqualTo(large.T.Slice(0, 1, 40, 2).Clone().ToString()));
        Assert.That(large.Select(0, 2).Expand(30, 40).ToString(), Is.EqualTo(large.Select(0, 2).Expand(30, 40).Clone().ToString()));
    }

    [Test]
    public void Devices_are_named([ValueSource(typeof(Devices), nameof(Devices.Kinds))] string kind)
    {
        var device = Devices.Of(kind);
        var expected = device.Kind == DeviceKind.Cpu ? "" : $" on {device}";
        Assert.That(Tensor.Ones([2, 2], device: device).ToString(), Is.EqualTo($"[[1. 1.]\n [1. 1.]]\nFloat32 [2, 2]{expected}"));
        var large = arrays.Value["cube summary"];
        Assert.That(large.To(device).ToString(), Is.EqualTo($"{large}{expected}"));
        Assert.That(large.To(device).T.ToString(), Is.EqualTo($"{large.T}{expected}"));
    }

    [Test]
    public void Brain_floats_have_the_digits_that_tell_them_apart()
    {
        var x = Tensor.From((BFloat16[])[(BFloat16)0.1f, (BFloat16)3f, (BFloat16)50.5f, (BFloat16)float.NaN], [4]);
        Assert.That(x.ToString(), Is.EqualTo("[ 0.1  3.  50.5  nan]\nBFloat16 [4]"));
        Assert.That(Tensor.Scalar((BFloat16)3.3e38f).ToString(), Is.EqualTo("3.3e+38\nBFloat16 []"));
        // Every finite number comes back from its text.
        for (var bits = 0; bits < 0x7F80; bits += 7)
        {
            var value = new BFloat16((ushort)bits);
            var text = Tensor.Scalar(value).ToString().Split('\n')[0];
            Assert.That((BFloat16)float.Parse(text, System.Globalization.CultureInfo.InvariantCulture), Is.EqualTo(value), text);
        }
    }

    [Test]
    public void A_disposed_tensor_says_so()
    {
        var x = Tensor.Ones([2]);
        x.Dispose();
        Assert.That(x.ToString(), Is.EqualTo("disposed\nFloat32 [2]"));
    }
}
