using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Gpu;
using Ortho.Layers;
using Ortho.Layers.ConvolutionMethods;
using Ortho.Layers.Losses;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers;

/// <summary>Orthogonal convolutions and 1-Lipschitz blocks on every device: as on the CPU, and without copies to the host.</summary>
[TestFixture, Category("Devices")]
public class DeviceConvolutionTests
{
    static readonly (string Name, Func<Module> Make, Shape Input)[] layers =
    [
        ("Bcop", () => new OrthogonalConv2d(2, 3, 3, new(3), method: new Bcop()), [2, 4, 4]),
        ("Aoc", () => new OrthogonalConv2d(2, 3, 3, new(3), stride: 2, method: new Aoc()), [2, 4, 4]),
        ("Aoc transposed", () => new OrthogonalConvTranspose1d(4, 2, 3, new(3), method: new Aoc(), groups: 2), [4, 4]),
        ("Soc", () => new OrthogonalConv2d(2, 2, 3, new(3), method: new Soc(3, 2), padding: ConvolutionPadding.Zeros), [2, 4, 4]),
        ("Soc by frequencies", () => new OrthogonalConv2d(2, 2, 3, new(3), method: new Soc(8, 8)), [2, 8, 8]),
        ("AdaptiveSoc", () => new OrthogonalConv1d(2, 2, 3, new(3), method: new AdaptiveSoc(2)), [2, 6]),
        ("Lot", () => new OrthogonalConv2d(2, 2, 3, new(3), method: new Lot(3)), [2, 4, 4]),
        ("Regularized", () => new OrthogonalConv2d(2, 3, 3, new(3), method: new Regularized()), [2, 4, 4]),
        ("AolConv2d", () => new AolConv2d(2, 3, 3, new(3)), [2, 4, 4]),
        ("SllConv2d", () => new SllConv2d(2, 3, 3, new(3)), [2, 4, 4]),
        ("CplLinear", () => new CplLinear(4, 3, new(3)), [4]),
        ("SandwichConv2d", () => new SandwichConv2d(2, 2, 3, new(3)), [2, 4, 4]),
        ("Activations", () => new Sequential(new HouseholderActivation(4), new GroupSort(2), new BatchCentering(4), new PixelShuffle(2),
            new NormPooling()), [4, 2, 2]),
    ];

    static IEnumerable<TestCaseData> Cases
        => from kind in Devices.Kinds.Skip(1) from layer in layers select new TestCaseData(kind, layer.Name);

    [TestCaseSource(nameof(Cases))]
    public void A_step_of_training_is_that_of_the_CPU(string kind, string name)
    {
        var (_, make, input) = layers.First(layer => layer.Name == name);
        var device = Devices.Of(kind);
        var expected = Train(Device.Cpu, make, input);
        var got = Train(device, make, input);
        foreach (var (a, b) in expected.Zip(got))
            Assert.That(Difference(a, b), Is.LessThan(1e-5));
    }

    static List<Tensor> Train(Device device, Func<Module> make, Shape input)
    {
        var layer = make();
        layer.To(device);
        var x = Tensor.Normal([2, .. input], new(5)).To(device);
        var parameters = layer.Parameters().ToList();
        var optimizer = new Sgd(parameters, 0.1);
        var copies = device.HostCopies;
        var loss = layer.Forward(x).Square().Sin().Mean();
        if (layer is OrthogonalConv2d { Kernel: { } kernel })
            loss += kernel.OrthogonalityLoss();
        loss.Backward();
        optimizer.Step();
        if (device is GpuDevice)
            Assert.That(device.HostCopies, Is.EqualTo(copies), "nothing goes to the host");
        return [.. parameters.Select(parameter => parameter.Value.Detach().To(Device.Cpu)), layer.Forward(x).Detach().To(Device.Cpu)];
    }
}
