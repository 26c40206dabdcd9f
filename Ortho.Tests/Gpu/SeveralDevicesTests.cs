using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.MatMul;
using Ortho.Layers;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Gpu;

/// <summary>Two devices of one kind in one process: each with its own memory, kernels, statistics and results.</summary>
/// <remarks>Two simulators can be had anywhere. PoCL shows two devices where <c>POCL_DEVICES="cpu cpu"</c> asks for them.</remarks>
[TestFixtureSource(nameof(Kinds)), Category("Devices"), Category("SeveralDevices")]
public class SeveralDevicesTests(string kind)
{
    static IEnumerable<string> Kinds => Devices.Kinds.Where(kind => kind != nameof(DeviceKind.Cpu));

    // Of the test's own, so that no other test's tensors come and go there.
    GpuDevice first = null!, second = null!;

    [OneTimeSetUp]
    public void Open()
    {
        var wanted = Enum.Parse<DeviceKind>(kind);
        if (wanted != DeviceKind.Simulator && GpuDevice.All.Count(device => device.Kind == wanted) < 2)
            Assert.Ignore($"There is one {kind} device: {Devices.Of(kind)}.");
        (first, second) = (GpuDevice.Open(wanted, 0), GpuDevice.Open(wanted, 1));
        TestContext.Progress.WriteLine($"two devices: {first}; {second}");
    }

    [OneTimeTearDown]
    public void Close()
    {
        first?.Dispose();
        second?.Dispose();
    }

    [Test]
    public void Names_are_distinct()
    {
        Assert.That($"{first}", Is.Not.EqualTo($"{second}"));
        Assert.That(GpuDevice.All.Select(device => $"{device}"), Is.Unique);
    }

    [Test]
    public void Work_on_one_does_not_touch_the_other()
    {
        // Both have the kernels by then.
        foreach (var device in new[] { first, second })
            _ = Work(device).ToArray<float>();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var (before, copies, kernels) = (second.Pool.Report(), second.HostCopies, second.KernelCounts);
        var (firstCopies, firstLive) = (first.HostCopies, first.Pool.LiveBytes);
        var y = Work(first);
        Assert.That(y.ToArray<float>(), Is.EqualTo(Work(Device.Cpu).ToArray<float>()));
        Assert.That(first.HostCopies, Is.EqualTo(firstCopies + 1));
        Assert.That(first.Pool.LiveBytes, Is.GreaterThan(firstLive));
        var after = second.Pool.Report();
        Assert.That((after.LiveBytes, after.PeakBytes, after.CachedBytes), Is.EqualTo((before.LiveBytes, before.PeakBytes, before.CachedBytes)));
        Assert.That((second.HostCopies, second.KernelCounts), Is.EqualTo((copies, kernels)));
        GC.KeepAlive(y);
    }

    static Tensor Work(Device device)
    {
        var x = Tensor.Normal([9, 12], new Generator(1)).To(device);
        return x.MatMul(x.T).Softmax(-1) + x.Narrow(1, 0, 9).Sin();
    }

    [Test]
    public void Tensors_of_both_are_refused_by_name()
    {
        var (x, y) = (Tensor.Ones([3, 3], device: first), Tensor.Ones([3, 3], device: second));
        foreach (var op in new Action[]
        {
            () => _ = x + y, () => x.MatMul(y), () => x.MatMul(y, MatMulPrecision.BFloat16), () => x.Addmm(x, y), () => Tensor.Concat([x, y], 0), () => x.Solve(y),
            () => x.Gather(0, Tensor.Zeros([3, 3], DType.Int64, second)), () => x.CopyFrom(y), () => Tensor.Where(x.Greater(0), x, y), () => x.Unsqueeze(0).Conv1d(y.Unsqueeze(0)),
        })
            Assert.That(() => op(), Throws.TypeOf<TensorArgumentException>().With.Message.Contains($"{first}").And.Message.Contains($"{second}"));
    }

    [Test]
    public void Tensors_move_from_one_to_the_other([Values(DType.Float32, DType.BFloat16, DType.Complex128, DType.Int64)] DType dtype)
    {
        var x = Tensor.Arange(12).Reshape(3, 4).To(DType.Float32).To(dtype == DType.Complex128 ? DType.Float64 : dtype);
        if (dtype == DType.Complex128)
            x = Tensor.Complex(x, x * 2);
        var there = x.To(first).T.To(second);
        Assert.That((there.Device, there.DType), Is.EqualTo((second, dtype)));
        var back = there.T.To(first).To(Device.Cpu);
        Assert.That((back - x).Abs().Max().To(DType.Float64).Item(), Is.Zero);
    }

    [Test]
    public void Gradients_go_from_one_to_the_other()
    {
        var x = Tensor.From([1f, 2, 3], [3]).RequiresGrad();
        var loss = (x.To(first).Square().To(second) * 3).Sum().To(Device.Cpu);
        loss.Backward();
        Assert.That(x.Grad!.ToArray<float>(), Is.EqualTo(new[] { 6f, 12, 18 }));
    }

    [Test]
    public void Both_train_at_once_as_each_does_alone()
    {
        var expected = Train(Device.Cpu, 1);
        var other = Train(Device.Cpu, 2);
        var tasks = new[] { (first, 1), (second, 2), (first, 2), (second, 1) }.Select(job => Task.Factory.StartNew(() => Train(job.Item1, job.Item2), TaskCreationOptions.LongRunning)).ToArray();
        var results = Task.WhenAll(tasks).GetAwaiter().GetResult();
        Assert.That(results[0], Is.EqualTo(expected));
        Assert.That(results[1], Is.EqualTo(other));
        Assert.That(results[2], Is.EqualTo(other));
        Assert.That(results[3], Is.EqualTo(expected));
    }

    static float[] Train(Device device, int seed)
    {
        var layer = (Linear)new Linear(6, 5, new((ulong)seed)).To(device);
        var (x, target) = (Tensor.Normal([7, 6], new((ulong)seed + 10)).To(device), Tensor.Normal([7, 5], new((ulong)seed + 20)).To(device));
        var optimizer = new Muon(layer.Parameters().Where(parameter => parameter.Value.Rank == 2), 0.02);
        for (var step = 0; step < 3; step++)
        {
            optimizer.ZeroGrad();
            (layer.Forward(x).Tanh() - target).Square().Mean().Backward();
            optimizer.Step();
        }
        return layer.Weight.Value.Detach().ToArray<float>();
    }
}
