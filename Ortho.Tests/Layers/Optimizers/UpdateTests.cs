using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Layers.Optimizers;

/// <summary>Steps over many parameters at once are the steps over each of them.</summary>
[TestFixture]
public class UpdateTests
{
    static readonly Coefficients<double> numbers = new() { A = 0.1, B = 0.01, C = 1e-3, D = 0.99, E = -0.5 };

    // More than two launches, an empty tensor, one that is several pieces of work on the host, two dtypes.
    static Updated[] Parameters(Device device)
    {
        var generator = new Generator(7);
        int[] counts = [3, 0, 17, 1, 300, 64, 5, 9, 2, 33, 128, 7, 70_000, 4, 11, 6, 90, 8, 13];
        return [.. counts.Select((count, k) =>
        {
            var dtype = k % 5 == 3 ? DType.Float64 : DType.Float32;
            Tensor Draw() => Tensor.Normal([device is { Kind: DeviceKind.Simulator } ? Math.Min(count, 40) : count], generator, dtype: dtype).To(device);
            return new Updated(Draw(), Draw(), Draw(), Draw().Square());
        })];
    }

    static double[][] Numbers(Updated[] all) => [.. all.SelectMany(one => (Tensor[])[one.Value, one.First!, one.Second!]).Select(x => x.To(DType.Float64).ToArray<double>())];

    [Test]
    public void Many_parameters_are_changed_like_each_of_them()
    {
        var (together, apart) = (Parameters(Device.Cpu), Parameters(Device.Cpu));
        Pointwise.Update<AdamStep>("Adam", together, numbers);
        foreach (var one in apart)
            Pointwise.Update<AdamStep>("Adam", one.Value, one.Gradient, numbers, one.First, one.Second);
        Assert.That(Numbers(together), Is.EqualTo(Numbers(apart)));
        Assert.That(Numbers(together), Is.Not.EqualTo(Numbers(Parameters(Device.Cpu))));
    }

    [Test, Category("Devices")]
    public void Devices_change_many_parameters_alike()
    {
        foreach (var device in Devices.Gpus)
        {
            var there = Parameters(device);
            var here = there.Select(one => new Updated(one.Value.To(Device.Cpu).Clone(), one.Gradient.To(Device.Cpu), one.First!.To(Device.Cpu).Clone(), one.Second!.To(Device.Cpu).Clone())).ToArray();
            Pointwise.Update<AdamStep>("Adam", there, numbers);
            Pointwise.Update<AdamStep>("Adam", here, numbers);
            Assert.That(Numbers(there), Is.EqualTo(Numbers(here)), $"{device}");
        }
    }

    [Test]
    public void What_does_not_fit_is_refused_before_anything_changes()
    {
        var all = Parameters(Device.Cpu);
        var before = Numbers(all);
        var wrong = all.Append(new(Tensor.Zeros([3]), Tensor.Zeros([4]), Tensor.Zeros([3]), Tensor.Zeros([3]))).ToArray();
        Assert.That(() => Pointwise.Update<AdamStep>("Adam", wrong, numbers), Throws.TypeOf<TensorArgumentException>().With.Message.Contain("Gradient").And.Message.Contain("[3]"));
        Assert.That(Numbers(all), Is.EqualTo(before));
    }
}
