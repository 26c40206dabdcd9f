using System.Runtime.InteropServices;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Gpu.TensorCores;
using Ortho.Kernels.MatMul;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Gpu;

/// <summary>Products of rounded operands.</summary>
[TestFixture, Category("Devices")]
public class ReducedMatMulTests
{
    static float Round(float x, MatMulPrecision precision) => precision switch
    {
        MatMulPrecision.BFloat16 => BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(x) + 0x7fff + (BitConverter.SingleToUInt32Bits(x) >> 16 & 1)) & 0xffff0000),
        MatMulPrecision.TensorFloat32 => BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(x) + 0xfff + (BitConverter.SingleToUInt32Bits(x) >> 13 & 1)) & 0xffffe000),
        _ => x,
    };

    [Test]
    public void Operands_are_rounded_once_and_sums_are_float32([Values] MatMulPrecision precision)
    {
        var (a, b) = (Tensor.Normal([2, 1, 37, 50], new Generator(1)), Tensor.Normal([3, 50, 20], new Generator(2)));
        Tensor Rounded(Tensor x) => Tensor.From([.. x.ToArray<float>().Select(number => (double)Round(number, precision))], [.. x.Shape.Span]);
        var exact = Rounded(a).MatMul(Rounded(b)).ToArray<double>();
        foreach (var device in Devices.Present)
        {
            var y = a.To(device).MatMul(b.To(device), precision);
            Assert.That(y.Shape.ToString(), Is.EqualTo("[2, 3, 37, 20]"));
            var numbers = y.ToArray<float>();
            for (var i = 0; i < numbers.Length; i++)
                Assert.That(numbers[i], Is.EqualTo(exact[i]).Within(50 * 10 * Math.ScaleB(1, -24)), $"{device}, element {i}");
        }
        Assert.That(a.MatMul(b, MatMulPrecision.Float32).ToArray<float>(), Is.EqualTo(a.MatMul(b).ToArray<float>()));
    }

    [TestCase(1f, 1f), TestCase(-1.00048828125f, -1f), TestCase(1.0004884004592896f, 1.0009765625f), TestCase(3e38f, 3.0007322e+38f), TestCase(1e-45f, 0f), TestCase(-0f, -0f),
     TestCase(float.PositiveInfinity, float.PositiveInfinity), TestCase(float.NaN, float.NaN)]
    public void Rounding_to_tf32_keeps_eleven_bits(float x, float expected)
    {
        var y = ReducedMatMul.Rounded(Tensor.From([x], [1]), MatMulPrecision.TensorFloat32).ToArray<float>()[0];
        Assert.That(BitConverter.SingleToUInt32Bits(y) & (float.IsNaN(y) ? 0 : uint.MaxValue), Is.EqualTo(BitConverter.SingleToUInt32Bits(expected) & (float.IsNaN(expected) ? 0 : uint.MaxValue)));
    }

    [Test]
    public void Random_numbers_are_rounded_as_the_bits_say()
    {
        var random = new Random(5);
        var x = Enumerable.Range(0, 20000).Select(_ => BitConverter.UInt32BitsToSingle((uint)random.NextInt64(1L << 32))).Where(number => float.IsNormal(number) && Math.Abs(number) < 3e38f).ToArray();
        var y = ReducedMatMul.Rounded(Tensor.From(x, [x.Length]), MatMulPrecision.TensorFloat32).ToArray<float>();
        for (var i = 0; i < x.Length; i++)
            Assert.That(y[i], Is.EqualTo(Round(x[i], MatMulPrecision.TensorFloat32)), $"{x[i]:r}");
    }

    [Test]
    public void Gradients_are_of_the_same_precision()
    {
        var (a, b) = (Tensor.Normal([5, 7], new Generator(3)).RequiresGrad(), Tensor.Normal([7, 4], new Generator(4)).RequiresGrad());
        var g = Tensor.Normal([5, 4], new Generator(5));
        var gradients = Graph.Gradients([a.MatMul(b, MatMulPrecision.BFloat16)], [a, b], [g]);
        Assert.That(gradients[0].ToArray<float>(), Is.EqualTo(g.MatMul(b.Detach().T, MatMulPrecision.BFloat16).ToArray<float>()));
        Assert.That(gradients[1].ToArray<float>(), Is.EqualTo(a.Detach().T.MatMul(g, MatMulPrecision.BFloat16).ToArray<float>()));
    }

    [Test]
    public void Other_types_are_refused()
        => Assert.That(() => Tensor.Ones([2, 2], DType.Float64).MatMul(Tensor.Ones([2, 2], DType.Float64), MatMulPrecision.BFloat16),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("MatMul").And.Message.Contains("Float32"));

    [Test]
    public void Operands_are_laid_out_in_whole_tiles()
    {
        var kernel = MmaKernel.Used[^1];
        foreach (var device in Devices.Gpus)
        {
            var x = Tensor.Normal([2, 5, 9], new Generator(6)).To(device);
            var (panel, bytes) = MmaMatMul.Panel("MatMul", kernel, MatMulPrecision.TensorFloat32, x, 8, [3, 2]);
            Assert.That((panel.Shape.ToString(), bytes), Is.EqualTo(("[3, 2, 8, 16]", 8L * 16 * 4)));
            Assert.That(panel.Narrow(2, 0, 5).Narrow(3, 0, 9).ToArray<float>(), Is.EqualTo(Enumerable.Repeat(ReducedMatMul.Rounded(x, MatMulPrecision.TensorFloat32).ToArray<float>(), 3).SelectMany(part => part)));
            Assert.That(panel.Narrow(2, 5, 3).ToArray<float>().Concat(panel.Narrow(3, 9, 7).ToArray<float>()), Is.All.Zero);
            var (shared, none) = MmaMatMul.Panel("MatMul", kernel, MatMulPrecision.BFloat16, x.Select(0, 0).T, 8, [3, 2]);
            Assert.That((shared.Shape.ToString(), shared.DType, none), Is.EqualTo(("[16, 16]", DType.BFloat16, 0L)));
        }
    }

    [Test]
    public void Arguments_lie_as_PTX_lays_them_out()
        => Assert.That(typeof(MmaMatMul.Arguments).GetFields().Select(field => (int)Marshal.OffsetOf<MmaMatMul.Arguments>(field.Name)), Is.EqualTo(new[] { 0, 8, 16, 24, 28, 32, 40, 48, 56 }));
}
