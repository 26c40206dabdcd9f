using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Host;
using Ortho.Layers;
using Ortho.Layers.Losses;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Layers;

/// <summary>The same seed gives the same bits: again, with any number of threads, and on every device.</summary>
[TestFixture, Category("Devices")]
public class DeterminismTests
{
    static IEnumerable<string> Gpus => Devices.Kinds.Where(kind => kind != "Cpu");

    // Everything at once: random numbers, convolution in the Fourier domain, Cayley maps, matrix products, reductions, Adam.
    static float[][] Train(Device device, ulong seed, int batch, int size, int steps)
    {
        var generator = new Generator(seed);
        var network = new Sequential(
            new OrthogonalConv2d(1, 4, 3, generator, stride: 2), new MaxMin(), new Flatten(),
            new OrthogonalLinear(4 * (size / 2) * (size / 2), 8, generator), new MaxMin(), new Linear(8, 4, generator));
        network.To(device);
        var optimizer = new Adam(network.Parameters(), 1e-2);
        for (var step = 0; step < steps; step++)
        {
            using var scope = new TensorScope();
            var images = Tensor.Normal([batch, 1, size, size], generator, device: device);
            var labels = Tensor.Uniform([batch], generator, 0, 4, device: device).To(DType.Int64);
            optimizer.ZeroGrad();
            network.Forward(images).MarginCrossEntropy(labels, 0.5, 4).Backward();
            optimizer.Step();
        }
        return [.. network.Parameters().Select(parameter => parameter.Value.ToArray<float>())];
    }

    [Test]
    public void Training_gives_the_same_bits_at_any_number_of_threads()
    {
        var threads = HostThreads.Count;
        try
        {
            float[][] At(int count, ulong seed = 7)
            {
                HostThreads.Count = count;
                return Train(Device.Cpu, seed, batch: 32, size: 28, steps: 4);
            }

            var alone = At(1);
            foreach (var count in (int[])[1, 2, 3, 8])
                Assert.That(At(count), Is.EqualTo(alone), $"{count} threads");
            Assert.That(At(2, seed: 8), Is.Not.EqualTo(alone), "another seed");
        }
        finally
        {
            HostThreads.Count = threads;
        }
    }

    [TestCaseSource(nameof(Gpus))]
    public void Training_gives_the_bits_of_the_cpu_on_every_device(string kind)
    {
        var device = Devices.Of(kind);
        var (batch, size, steps) = device.Kind == DeviceKind.Simulator ? (4, 8, 2) : (16, 28, 5);
        Assert.That(Train(device, 7, batch, size, steps), Is.EqualTo(Train(Device.Cpu, 7, batch, size, steps)));
    }
}
