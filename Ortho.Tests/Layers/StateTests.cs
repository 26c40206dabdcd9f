using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Tensors;
using Ortho.Tensors.IO;
using Ortho.Tests.Data;
using Ortho.Tests.Support;

namespace Ortho.Tests.Layers;

[TestFixture]
public class StateTests
{
    TemporaryFolder folder = null!;

    [SetUp] public void CreateFolder() => folder = new TemporaryFolder();

    [TearDown] public void DeleteFolder() => folder.Dispose();

    string In(string name) => Path.Combine(folder.Path, name);

    static Sequential Network(ulong seed) => new(new Linear(3, 4, new(seed)), new Sequential(new OrthogonalLinear(4, 4, new(seed))));

    static float[][] Values(Module module) => [.. module.Parameters().Select(parameter => parameter.Value.ToArray<float>())];

    [Test]
    public void A_module_makes_the_round_trip([ValueSource(typeof(Devices), nameof(Devices.Kinds))] string kind)
    {
        var (saved, loaded) = (Network(1), (Sequential)Network(2).To(Devices.Of(kind)));
        var x = Tensor.Uniform([2, 3], new(3));
        using (Graph.NoGrad())
            _ = loaded.Forward(x.To(Devices.Of(kind)));
        saved.Save(In("x"), new Dictionary<string, string> { ["epoch"] = "3" });
        using (var file = Safetensors.Open(In("x")))
        {
            Assert.That(file.Names, Is.EquivalentTo(new[] { "0.weight", "0.bias", "1.0.weight.free", "1.0.bias" }));
            Assert.That(file.Metadata["epoch"], Is.EqualTo("3"));
        }
        loaded.Load(In("x"));
        Assert.That(Values(loaded), Is.EqualTo(Values(saved)));
        Assert.That(loaded.Parameters().Select(parameter => (parameter.Value.Device, parameter.Value.WantsGrad)), Is.All.EqualTo((Devices.Of(kind), true)));
        // Weights that were derived from the old parameters are not used again.
        using (Graph.NoGrad())
            Assert.That(loaded.Forward(x.To(Devices.Of(kind))).ToArray<float>(), Is.EqualTo(saved.Forward(x).ToArray<float>()).Within(1e-6f));
    }

    [Test]
    public void Numbers_of_another_width_are_converted()
    {
        var (saved, loaded) = (Network(1), Network(2));
        loaded.LoadStateDict(saved.StateDict().ToDictionary(entry => entry.Key, entry => entry.Value.Detach().To(DType.Float64)));
        Assert.That(Values(loaded), Is.EqualTo(Values(saved)));
    }

    static IEnumerable<TestCaseData> Misfits()
    {
        (string What, Action<Dictionary<string, Tensor>> Change, string Message)[] cases =
        [
            ("missing", state => state.Remove("0.weight"), "0.weight is missing"),
            ("unexpected", state => state.Add("2.weight", Tensor.Ones([2])), "2.weight is unexpected"),
            ("shape", state => state["0.weight"] = Tensor.Ones([3, 4]), "0.weight is Float32 [3, 4] for Float32 [4, 3]"),
            ("dtype", state => state["1.0.bias"] = Tensor.Zeros([4], DType.Int64), "1.0.bias is Int64 [4] for Float32 [4]"),
            ("several", state => { state.Remove("0.bias"); state.Add("b", Tensor.Ones([1])); }, "b is unexpected; 0.bias is missing"),
        ];
        return cases.Select(item => new TestCaseData(item.Change, item.Message).SetArgDisplayNames(item.What));
    }

    [TestCaseSource(nameof(Misfits))]
    public void What_does_not_fit_is_named_and_nothing_is_loaded(Action<Dictionary<string, Tensor>> change, string message)
    {
        var state = new Dictionary<string, Tensor>(Network(1).StateDict());
        change(state);
        Safetensors.Save(In("x"), state);
        var network = Network(2);
        var before = Values(network);
        Assert.That(() => network.LoadStateDict(state), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("LoadStateDict: state is not").And.Message.Contains(message));
        Assert.That(() => network.Load(In("x")), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("Load: state is not").And.Message.Contains(message));
        Assert.That(Values(network), Is.EqualTo(before));
    }
}
