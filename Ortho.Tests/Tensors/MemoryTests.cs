using System.Runtime.CompilerServices;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Tensors;

/// <summary>Memory is reused and stays flat, with and without scopes.</summary>
[TestFixture]
public class MemoryTests
{
    static MemoryPool Pool => Device.Cpu.Pool;

    static long Held => Pool.LiveBytes + Pool.CachedBytes;

    sealed class Training
    {
        readonly Sequential network;
        readonly Adam optimizer;
        readonly Tensor x;

        public Training(int batch, int width)
        {
            var generator = new Generator(1);
            network = new(new OrthogonalLinear(width, 8, generator), new MaxMin(), new Linear(8, 4, generator));
            optimizer = new(network.Parameters());
            x = Tensor.Normal([batch, width], generator);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        public double Step()
        {
            optimizer.ZeroGrad();
            var loss = (network.Forward(x).Square() - 1).Square().Mean();
            loss.Backward();
            optimizer.Step();
            return loss.Item();
        }
    }

    [Test]
    public void Training_in_a_scope_asks_the_device_for_nothing_after_the_first_steps()
    {
        var training = new Training(16, 8);
        double first = 0, last = 0;
        long allocations = 0, live = 0;
        for (var step = 0; step < 2000; step++)
        {
            using (new TensorScope())
                last = training.Step();
            if (step == 5)
                (first, allocations, live) = (last, Pool.DeviceAllocations, Pool.LiveBytes);
        }
        Assert.That(Pool.DeviceAllocations, Is.EqualTo(allocations));
        Assert.That(Pool.LiveBytes, Is.LessThanOrEqualTo(live));
        Assert.That(last, Is.LessThan(first), "and it trains");
    }

    [Test]
    public void Training_without_a_scope_stays_bounded()
    {
        // About 0.5 MB a step: a gigabyte in all, were nothing returned.
        var training = new Training(2048, 32);
        TensorTests.Collect();
        Pool.Trim();
        long largest = 0, asked = 0;
        var before = Held;
        for (var step = 0; step < 2000; step++)
        {
            training.Step();
            largest = Math.Max(largest, Held);
            asked += 12L * 2048 * 8 * 4;
        }
        TestContext.Out.WriteLine($"held {before >> 20} MB before, at most {largest >> 20} MB; at least {asked >> 20} MB were asked for");
        Assert.That(asked, Is.GreaterThan(1L << 30));
        Assert.That(largest, Is.LessThan(before + (512L << 20)));
        GC.KeepAlive(training);
    }

    [Test]
    public void Ever_new_sizes_do_not_pile_up_in_the_cache()
    {
        TensorTests.Collect();
        Pool.Trim();
        var before = Held;
        long asked = 0, largest = 0;
        // Never written to, so that the test costs address space only.
        for (var megabytes = 40; megabytes < 400; megabytes += 20)
        {
            asked += (long)megabytes << 20;
            Tensor.Empty([megabytes << 20], DType.Bool).Dispose();
            largest = Math.Max(largest, Held);
        }
        Assert.That(asked, Is.GreaterThan(3L << 30));
        Assert.That(largest, Is.LessThan(before + (1L << 30)));
        Pool.Trim();
        Assert.That(Pool.CachedBytes, Is.Zero);
    }

    [Test]
    public void A_full_pool_does_not_collect_for_every_few_tensors()
    {
        TensorTests.Collect();
        Pool.Trim();
        // Free blocks of other sizes fill the pool up to 4 MB below its mark, so that few of the size that follows fit in.
        foreach (var megabytes in (int[])[224, 28])
            Tensor.Empty([megabytes << 20], DType.Bool).Dispose();
        var collections = GC.CollectionCount(2);
        for (var i = 0; i < 300; i++)
            _ = Tensor.Empty([1 << 20], DType.Bool);
        Assert.That(GC.CollectionCount(2) - collections, Is.LessThan(20), "for 300 MB in all");
        Pool.Trim();
    }

    [Test]
    public void A_freed_block_serves_the_next_tensor_of_its_class()
    {
        Tensor.Empty([3000]).Dispose();
        var (allocations, live) = (Pool.DeviceAllocations, Pool.LiveBytes);
        var x = Tensor.Empty([2990]);
        Assert.That(Pool.DeviceAllocations, Is.EqualTo(allocations));
        Assert.That(Pool.LiveBytes - live, Is.EqualTo(MemoryPool.SizeClass(3000 * 4)));
        Assert.That(Pool.PeakBytes, Is.GreaterThanOrEqualTo(Pool.LiveBytes));
        x.Dispose();
        Assert.That(Pool.LiveBytes, Is.EqualTo(live));
    }

    [Test]
    public void Size_classes_waste_at_most_a_quarter_and_grow()
    {
        var previous = 0L;
        for (var bytes = 0L; bytes < 1L << 40; bytes = bytes < 5000 ? bytes + 1 : bytes + bytes / 7)
        {
            var size = MemoryPool.SizeClass(bytes);
            Assert.That(size, Is.GreaterThanOrEqualTo(Math.Max(bytes, previous)), $"{bytes}");
            Assert.That(size, Is.LessThanOrEqualTo(Math.Max(256, bytes + bytes / 4)), $"{bytes}");
            Assert.That(MemoryPool.SizeClass(size), Is.EqualTo(size), $"{bytes}");
            previous = size;
        }
    }

    [Test]
    public void A_limit_is_kept_and_what_exceeds_it_is_refused_with_what_is_live([ValueSource(typeof(Devices), nameof(Devices.Kinds))] string kind)
    {
        var device = Devices.Of(kind);
        TensorTests.Collect();
        device.Pool.Trim();
        var before = device.Pool.LiveBytes;
        try
        {
            device.Pool.Limit = before + (10 << 20);
            var held = Tensor.Empty([1 << 20], DType.Float32, device);
            // Dead and cached blocks make room before anything is refused.
            for (var i = 0; i < 20; i++)
                _ = Tensor.Empty([(2 << 20) - 4096 * i], DType.Bool, device);
            Assert.That(device.Pool.LiveBytes + device.Pool.CachedBytes, Is.LessThanOrEqualTo(device.Pool.Limit));
            var refused = Assert.Throws<DeviceException>(() => Tensor.Empty([2 << 20], DType.Float32, device))!;
            Assert.That(refused.Message, Does.StartWith($"{device}: no memory for 8,388,608 bytes (the pool's limit is")
                .And.Contain("bytes are live in tensors, the largest of").And.Contain("1 x 4,194,304").And.Contain("Pool.TracksSites"));
            device.Pool.TracksSites = true;
            var product = HoldProduct(device);
            Assert.That(Assert.Throws<DeviceException>(() => Tensor.Empty([3 << 20], DType.Float32, device))!.Message, Does.Contain(nameof(HoldProduct)));
            Assert.That((Tensor.Ones([2, 2], device: device) + 1).ToArray<float>(), Is.All.EqualTo(2), "the device is still usable");
            product.Dispose();
            held.Dispose();
        }
        finally
        {
            device.Pool.TracksSites = false;
            device.Pool.Limit = null;
        }
        Assert.That(() => Tensor.Empty([3 << 20], DType.Float32, device).Dispose(), Throws.Nothing);
        Assert.That(() => device.Pool.Limit = -1, Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Memory_that_no_machine_has_is_refused_and_the_next_tensor_is_made()
    {
        var refused = Assert.Throws<DeviceException>(() => Tensor.Empty([1 << 30, 1 << 20], DType.Float64))!;
        Assert.That(refused.Message, Does.Contain("no memory for 9,007,199,254,740,992 bytes").And.Contain("bytes are live"));
        Assert.That(Tensor.Ones([3]).Sum().Item(), Is.EqualTo(3));
    }

    [Test]
    public void The_report_names_who_holds_the_memory()
    {
        Pool.TracksSites = true;
        try
        {
            var held = HoldProduct();
            var report = Pool.Report();
            var site = report.Sites.Single(site => site.Where.Contains(nameof(HoldProduct), StringComparison.Ordinal));
            Assert.That(site.Where, Does.Contain("MatMul"));
            Assert.That((site.Bytes, site.Count), Is.EqualTo((300L * 200 * 4, 1)));
            Assert.That(report.ToString(), Does.Contain(site.Where).And.Contain("bytes live"));
            Assert.That(report.LiveBytes, Is.GreaterThanOrEqualTo(site.Bytes));
            held.Dispose();
            Assert.That(Pool.Report().Sites.Select(site => site.Where), Has.None.Contains(nameof(HoldProduct)));
        }
        finally
        {
            Pool.TracksSites = false;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static Tensor HoldProduct(Device? device = null)
    {
        using var scope = new TensorScope();
        return scope.Keep(Tensor.Ones([300, 100], device: device).MatMul(Tensor.Ones([100, 200], device: device)));
    }
}
