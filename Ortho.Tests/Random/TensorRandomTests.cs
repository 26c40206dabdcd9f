using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests;

[TestFixture, Category("Devices")]
public class TensorRandomTests
{
    static readonly Shape[] Shapes = [[], [0], [3, 0], [1], [2], [3], [5], [7, 9], [2, 3, 5], [129]];

    static IEnumerable<string> GpuKinds => Devices.Kinds.Where(kind => kind != "Cpu");

    static double[] Draw(bool normal, Shape shape, Generator generator, DType dtype, Device? device = null)
    {
        var x = normal ? Tensor.Normal(shape, generator, 0.5, 2, dtype, device) : Tensor.Uniform(shape, generator, -1, 3, dtype, device);
        Assert.That((x.Shape, x.DType, x.Device), Is.EqualTo((shape, dtype, device ?? Device.Cpu)));
        return x.To(Device.Cpu).To(DType.Float64).ToArray<double>();
    }

    [Test]
    public void Devices_draw_the_same_bits([ValueSource(nameof(GpuKinds))] string kind, [Values] bool normal, [Values(DType.Float32, DType.Float64)] DType dtype)
    {
        if (kind == "OpenCL" && dtype == DType.Float64)
            Assert.Ignore("OpenCL: the float32 kernels stand for both precisions.");
        foreach (var shape in Shapes)
            Assert.That(Draw(normal, shape, new(11), dtype, Devices.Of(kind)), Is.EqualTo(Draw(normal, shape, new(11), dtype)), $"{shape}");
    }

    [Test]
    public void Threads_do_not_change_a_bit([Values] bool normal)
    {
        var before = Ortho.Kernels.Host.HostThreads.Count;
        try
        {
            Ortho.Kernels.Host.HostThreads.Count = 1;
            var one = Draw(normal, [100_001], new(5), DType.Float32);
            Ortho.Kernels.Host.HostThreads.Count = 4;
            Assert.That(Draw(normal, [100_001], new(5), DType.Float32), Is.EqualTo(one));
        }
        finally
        {
            Ortho.Kernels.Host.HostThreads.Count = before;
        }
    }

    [Test]
    public void Shape_does_not_change_the_numbers([Values] bool normal, [Values(DType.Float32, DType.Float64)] DType dtype)
    {
        var line = Draw(normal, [30], new(3), dtype);
        Assert.That(Draw(normal, [2, 3, 5], new(3), dtype), Is.EqualTo(line));
        Assert.That(Draw(normal, [29], new(3), dtype), Is.EqualTo(line[..29]), "a shorter fill is the beginning of a longer one");
        Assert.That(Draw(normal, [], new(3), dtype), Is.EqualTo(line[..1]));
    }

    [Test]
    public void Moments_are_those_of_the_distribution([Values(DType.Float32, DType.Float64)] DType dtype)
    {
        const int n = 400_000;
        var uniform = Draw(false, [n], new(1), dtype);
        // Standard errors: of the mean s / sqrt n, of the variance s^2 sqrt((kurtosis - 1) / n); five of them are allowed.
        Assert.That(uniform, Has.All.InRange(-1.0, 3.0));
        Assert.That(uniform.Max(), Is.LessThan(3.0));
        Assert.That(uniform.Average(), Is.EqualTo(1).Within(5 * Math.Sqrt(16.0 / 12 / n)));
        Assert.That(uniform.Sum(x => (x - 1) * (x - 1)) / n, Is.EqualTo(16.0 / 12).Within(5 * 16.0 / 12 * Math.Sqrt(0.8 / n)));

        var normal = Draw(true, [n], new(1), dtype).Select(x => (x - 0.5) / 2).ToArray();
        Assert.That(normal.Average(), Is.Zero.Within(5 / Math.Sqrt(n)));
        Assert.That(normal.Sum(x => x * x) / n, Is.EqualTo(1).Within(5 * Math.Sqrt(2.0 / n)));
        Assert.That(normal.Sum(x => x * x * x) / n, Is.Zero.Within(5 * Math.Sqrt(15.0 / n)));
        Assert.That(normal.Sum(x => x * x * x * x) / n, Is.EqualTo(3).Within(5 * Math.Sqrt(96.0 / n)));
        Assert.That(normal.Zip(normal.Skip(1)).Sum(pair => pair.First * pair.Second) / n, Is.Zero.Within(5 / Math.Sqrt(n)), "neighbours are uncorrelated");
        Assert.That(normal.Count(x => Math.Abs(x) > 3) / (double)n, Is.EqualTo(0.0026998).Within(5 * Math.Sqrt(0.0027 / n)), "the tails are there");
    }

    [TestCase(DType.Float32, 4), TestCase(DType.Float64, 2)]
    public void Position_advances_by_the_blocks_used(DType dtype, int numbersPerBlock)
    {
        var generator = new Generator(9);
        var position = 0UL;
        foreach (var count in new[] { 0, 1, 2, 3, 4, 5, 17, 64 })
        {
            var before = Tensor.Uniform([count], generator, dtype: dtype);
            position += (ulong)((count + numbersPerBlock - 1) / numbersPerBlock);
            Assert.That(generator.Position, Is.EqualTo(position), $"{count}");
            GC.KeepAlive(before);
        }
        var (first, second) = (Draw(false, [40], generator, dtype), Draw(false, [40], generator, dtype));
        Assert.That(first, Is.Not.EqualTo(second), "each fill takes new numbers");
    }

    [Test]
    public void Split_generators_are_independent_and_repeatable()
    {
        var parent = new Generator(21);
        var first = Draw(true, [20_000], parent.Split(0), DType.Float64);
        Tensor.Uniform([100], parent);
        Assert.That(Draw(true, [20_000], parent.Split(0), DType.Float64), Is.EqualTo(first), "whatever was drawn before");
        double[][] all = [first, Draw(true, [20_000], parent.Split(1), DType.Float64), Draw(true, [20_000], new(21), DType.Float64), Draw(true, [20_000], parent.Split(0).Split(0), DType.Float64)];
        for (var i = 0; i < all.Length; i++)
        {
            for (var j = 0; j < i; j++)
            {
                var correlation = all[i].Zip(all[j]).Sum(pair => (pair.First - 0.5) * (pair.Second - 0.5)) / 4 / 20_000;
                Assert.That(correlation, Is.Zero.Within(5 / Math.Sqrt(20_000)), $"{i} {j}");
            }
        }
    }

    [Test]
    public void Dtypes_without_fractions_are_refused([Values(DType.Int32, DType.Bool, DType.Complex64)] DType dtype)
    {
        Assert.That(() => Tensor.Uniform([2], new(1), dtype: dtype), Throws.TypeOf<TensorArgumentException>().With.Message.Contains($"{dtype}"));
        Assert.That(() => Tensor.Normal([2], new(1), dtype: dtype), Throws.TypeOf<TensorArgumentException>().With.Message.Contains($"{dtype}"));
    }
}
