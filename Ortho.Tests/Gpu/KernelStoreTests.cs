using ILGPU;
using ILGPU.Backends.EntryPoints;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;
using Ortho.Tests.Data;
using Ortho.Tests.Support;

namespace Ortho.Tests.Gpu;

/// <summary>Compiled kernels on disk.</summary>
public class KernelStoreTests
{
    static readonly LaunchedKernel sample = new(LoweredKernel.Sample.Method, IsGrouped: false);
    static readonly StoredKernel stored = new("line one\nline two\n", 1024, HasDynamicShared: true);

    static void Generic<T>(Index1D i, ArrayView<float> x) where T : struct => x[i] = 0;

    [Test]
    public void A_kernel_is_found_again_in_a_folder_that_did_not_exist()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "a", "b");
        Assert.That(new KernelStore(path).Read(sample), Is.Null);
        Assert.That(new KernelStore(path).Kernels, Is.Empty);
        new KernelStore(path).Write(sample, stored);
        Assert.That(new KernelStore(path).Read(sample), Is.EqualTo(stored));
        var other = new LaunchedKernel(new Action<Index1D, ArrayView<float>>(Generic<Cx<F32>>).Method, IsGrouped: true);
        Assert.That(new KernelStore(path).Read(other), Is.Null);
        new KernelStore(path).Write(other, stored with { Text = "" });
        Assert.That(new KernelStore(path).Read(other), Is.EqualTo(stored with { Text = "" }));
        Assert.That(new KernelStore(path).Kernels, Is.EquivalentTo(new[] { sample, other }));
        new KernelStore(path).Delete(other);
        Assert.That(new KernelStore(path).Kernels, Is.EqualTo(new[] { sample }));
    }

    [Test]
    public void What_is_damaged_is_not_believed()
    {
        using var folder = new TemporaryFolder();
        var store = new KernelStore(folder.Path);
        store.Write(sample, stored);
        var file = Directory.GetFiles(folder.Path).Single();
        var whole = File.ReadAllBytes(file);
        for (var at = 0; at < whole.Length; at++)
        {
            var damaged = (byte[])whole.Clone();
            damaged[at] ^= 1;
            File.WriteAllBytes(file, damaged);
            Assert.That(store.Read(sample), Is.Null, $"byte {at}");
            File.WriteAllBytes(file, whole[..at]);
            Assert.That(store.Read(sample), Is.Null, $"cut at {at}");
            Assert.That(() => store.Kernels.Count(), Throws.Nothing);
        }
        store.Write(sample, stored);
        Assert.That(store.Read(sample), Is.EqualTo(stored), "and it is mended");
    }

    [Test]
    public void A_place_that_cannot_be_written_is_no_error()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "file");
        File.WriteAllText(file, "");
        var store = new KernelStore(Path.Combine(file, "below"));
        Assert.That(() => store.Write(sample, stored), Throws.Nothing);
        Assert.That(store.Read(sample), Is.Null);
    }

    [Test]
    public void A_cuda_kernel_is_made_of_its_text_without_a_driver()
    {
        using var context = Context.Create(builder => builder.Optimize(OptimizationLevel.O1));
        var entry = EntryPointDescription.FromImplicitlyGroupedKernel(sample.Method);
        var kernel = KernelLoader.RestorePtx(context, entry, stored);
        Assert.That((kernel.PTXAssembly, kernel.SourceMethod, kernel.NumParameters, kernel.Context), Is.EqualTo((stored.Text, sample.Method, 2, context)));
    }

    [TestCase(""), TestCase("grouped"), TestCase("grouped\tNo.Such.Type, Nowhere\tVoid F()"), TestCase("indexed\tSystem.String\tVoid NoSuchMethod()")]
    public void A_line_that_names_no_kernel_is_refused(string line)
        => Assert.That(() => LaunchedKernel.Parse(line), Throws.TypeOf<InvalidDataException>());
}

/// <summary>Kernels taken from disk compute what compiled ones do. One process runs a job, a second one runs it again.</summary>
[TestFixture, Category("Devices")]
public class KernelRestoreTests
{
    static IEnumerable<GpuDevice> Real => Devices.Gpus.Where(device => device.Kind != DeviceKind.Simulator);

    [Test]
    public void A_second_device_of_the_kind_finds_the_kernels_of_the_first()
    {
        if (!Real.Any())
            Assert.Ignore($"No OpenCL or CUDA device takes part. Devices: {string.Join("; ", Devices.Present)}.");
        foreach (var kind in Real.Select(device => device.Kind).Distinct())
        {
            using var folder = new TemporaryFolder();
            var before = Environment.GetEnvironmentVariable("ORTHO_KERNEL_CACHE");
            Environment.SetEnvironmentVariable("ORTHO_KERNEL_CACHE", folder.Path);
            try
            {
                float[] first, second;
                using (var device = GpuDevice.Open(kind, 0))
                {
                    first = Compute(device);
                    Assert.That(device.KernelCounts is { Restored: 0, Compiled: > 3 }, Is.True, $"{device.KernelCounts}");
                }
                using (var device = GpuDevice.Open(kind, 0))
                {
                    second = Compute(device);
                    Assert.That(device.KernelCounts is { Restored: > 3, Compiled: 0 }, Is.True, $"{device.KernelCounts}");
                }
                Assert.That(second, Is.EqualTo(first));
                using (var device = GpuDevice.Open(kind, 0))
                {
                    Assert.That(device.Warmup(), Is.GreaterThan(3));
                    var loaded = device.KernelCounts;
                    Assert.That(Compute(device), Is.EqualTo(first));
                    Assert.That(device.KernelCounts, Is.EqualTo(loaded), "nothing is loaded after the warm-up");
                }
            }
            finally
            {
                Environment.SetEnvironmentVariable("ORTHO_KERNEL_CACHE", before);
            }
        }
    }

    // Kernels of all shapes: by index and by group, with shared memory, several views, structs of steps.
    static float[] Compute(Device device)
    {
        using var pause = Graph.NoGrad();
        var x = Tensor.From([.. Enumerable.Range(0, 24 * 24).Select(i => MathF.Sin(i))], [24, 24], device);
        var y = x.MatMul(x.T).Exp().Softmax() + x.Sum([0]) * 0.5;
        return Tensor.Concat([y, x.Qr().R, x.Flip([0])]).ToArray<float>();
    }
}
