using NUnit.Framework;
using Ortho.Bench.Experiments;
using Ortho.Layers.Data;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Bench;

/// <summary>The main job, small.</summary>
[TestFixture, Category("Devices")]
public class RobustTrainingTests
{
    sealed class Silent : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            // Nobody watches.
        }
    }

    [Test]
    public void Every_device_trains_to_the_same_losses_without_a_copy_to_the_host_inside_a_step()
    {
        var devices = Devices.Present.Where(device => device.Kind != DeviceKind.Simulator).ToList();
        var options = new ExperimentOptions(Glyphs.Generate(192, 1), Glyphs.Generate(32, 2), "", Seed: 3, Epochs: 2) { Radii = [new("36/255", 36 / 255.0)] };
        var runs = devices.Select(device => new RobustTraining(_ => device).Run(options, new Silent(), CancellationToken.None)).ToList();
        foreach (var network in runs.SelectMany(run => run.Networks))
        {
            Assert.That(network.HostCopies, Is.Zero);
            Assert.That(network.History.Select(epoch => epoch.Loss), Is.EqualTo(runs[0].Networks.Single(first => first.Name == network.Name).History.Select(epoch => epoch.Loss)));
            Assert.That(network.History[1].Loss, Is.LessThan(network.History[0].Loss));
        }
        if (devices.Count == 1)
            Assert.Ignore($"Only the CPU takes part. Devices: {string.Join("; ", Devices.Present)}.");
    }

    [Test]
    public void Reading_a_value_is_counted()
    {
        foreach (var device in Devices.Gpus)
        {
            var x = Tensor.From([1f, 2], [2], device);
            var before = device.HostCopies;
            _ = x.ToArray<float>();
            Assert.That(device.HostCopies, Is.EqualTo(before + 1));
        }
        Assert.That(Device.Cpu.HostCopies, Is.Zero);
    }
}
