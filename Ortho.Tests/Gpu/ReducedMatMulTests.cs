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
    public void BFloat16_operands_are_taken_as_they_are()
    {
        var (a, b) = (Tensor.Normal([3, 5, 70], new Generator(8)).To(DType.BFloat16), Tensor.Normal([70, 6], new Generator(9)).To(DType.BFloat16));
        var sums = a.To(DType.Float32).MatMul(b.To(DType.Float32)).ToArray<float>();
        foreach (var device in Devices.Present)
        {
            var (x, y) = (a.To(device), b.To(device));
            Assert.That(x.MatMul(y, MatMulPrecision.BFloat16).DType, Is.EqualTo(DType.BFloat16));
            Assert.That(x.MatMul(y, MatMulPrecision.BFloat16).To(DType.Float32).ToArray<float>(), Is.EqualTo(sums.Select(sum => Round(sum, MatMulPrecision.BFloat16))), $"{device}");
            // Beside a Float32 operand sums stay what they are.
            Assert.That(x.MatMul(y.To(DType.Float32), MatMulPrecision.BFloat16).ToArray<float>(), Is.EqualTo(sums), $"{device}");
        }
        Assert.That(() => a.MatMul(b, MatMulPrecision.TensorFloat32), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("MatMul").And.Message.Contains("Float32"));
    }

    [Test]
    public void Gradients_of_BFloat16_operands_are_rounded_once()
    {
        var (a, b) = (Tensor.Normal([4, 5, 7], new Generator(3)).To(DType.BFloat16).RequiresGrad(), Tensor.Normal([7, 4], new Generator(4)).To(DType.BFloat16).RequiresGrad());
        var g = Tensor.Normal([4, 5, 4], new Generator(5)).To(DType.BFloat16);
        var gradients = Graph.Gradients([a.MatMul(b, MatMulPrecision.BFloat16)], [a, b], [g]);
        var (wide, wideB, wideG) = (a.Detach().To(DType.Float32), b.Detach().To(DType.Float32), g.To(DType.Float32));
        Assert.That(gradients.Select(gradient => gradient.DType), Is.All.EqualTo(DType.BFloat16));
        Assert.That(gradients[0].To(DType.Float32).ToArray<float>(), Is.EqualTo(wideG.MatMul(wideB.T).To(DType.BFloat16).To(DType.Float32).ToArray<float>()));
        Assert.That(gradients[1].To(DType.Float32).ToArray<float>(), Is.EqualTo(wide.H.MatMul(wideG).Sum([0]).To(DType.BFloat16).To(DType.Float32).ToArray<float>()));
    }

    [Test]
    public void A_scaled_matrix_is_added_and_symmetric_results_are_mirrored([Values(MatMulPrecision.TensorFloat32, MatMulPrecision.BFloat16)] MatMulPrecision precision)
    {
        var (x, c) = (Tensor.Normal([2, 70, 40], new Generator(10)), Tensor.Normal([70, 70], new Generator(11)));
        c += c.T;
        var rounded = ReducedMatMul.Rounded(x, precision).To(DType.Float32);
        var expected = c.Expand(2, 70, 70).Addmm(rounded, rounded.H, beta: 0.5, alpha: -2).ToArray<float>();
        foreach (var device in Devices.Present)
        {
            var y = ReducedMatMul.Run("Addmm", x.To(device), x.To(device).H, precision, c.To(device), alpha: -2, beta: 0.5, isSymmetric: true);
            Assert.That(y.ToArray<float>(), Is.EqualTo(y.H.ToArray<float>()), $"{device}");
            Assert.That(y.ToArray<float>().Zip(expected, (one, other) => Math.Abs(one - other)).Max(), Is.LessThan(40 * 60 * Math.ScaleB(1, -24)), $"{device}");
        }
        Assert.That(() => ReducedMatMul.Run("Addmm", x, x.H, precision, c.To(DType.Float64)), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("Float64"));
    }

    [Test]
    public void Newton_Schulz_with_rounded_operands_has_the_same_bits_without_tensor_cores(
        [Values(MatMulPrecision.TensorFloat32, MatMulPrecision.BFloat16)] MatMulPrecision precision, [Values] bool isWide)
    {
        foreach (var device in Devices.Gpus.Where(device => !device.HasTensorCores))
        {
            // Symmetric products are made by half from 64 rows on.
            Shape shape = device.Kind == DeviceKind.Simulator ? [9, 20] : isWide ? [66, 140] : [80, 70];
            var x = Tensor.Normal(shape, new Generator(12));
            Assert.That(x.To(device).NewtonSchulz(precision: precision).ToArray<float>(), Is.EqualTo(x.NewtonSchulz(precision: precision).ToArray<float>()), $"{device}");
        }
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
            var (panel, bytes) = TensorCoreMatMul.Panel("MatMul", kernel, x, 8, [3, 2]);
            Assert.That((panel.Shape.ToString(), bytes), Is.EqualTo(("[3, 2, 8, 16]", 8L * 16 * 4)));
            Assert.That(panel.Narrow(2, 0, 5).Narrow(3, 0, 9).ToArray<float>(), Is.EqualTo(Enumerable.Repeat(x.ToArray<float>(), 3).SelectMany(part => part)));
            Assert.That(panel.Narrow(2, 5, 3).ToArray<float>().Concat(panel.Narrow(3, 9, 7).ToArray<float>()), Is.All.Zero);
            var (shared, none) = TensorCoreMatMul.Panel("MatMul", MmaKernel.Used[0], x.Select(0, 0).T.To(DType.BFloat16), 8, [3, 2]);
            Assert.That((shared.Shape.ToString(), shared.DType, none), Is.EqualTo(("[16, 32]", DType.BFloat16, 0L)));
        }
    }

    [Test]
    public void Dense_operands_of_whole_tiles_are_used_where_they_lie()
    {
        var kernel = MmaKernel.Used[0];
        foreach (var device in Devices.Gpus)
        {
            var x = Tensor.Zeros([2, 16, 64], DType.BFloat16, device);
            Assert.That(TensorCoreMatMul.Panel("MatMul", kernel, x, 16, [2]), Is.EqualTo((x, 2L * 16 * 64)));
            // One matrix for all, the second of two.
            var (one, none) = TensorCoreMatMul.Panel("MatMul", kernel, x.Narrow(0, 1, 1), 16, [5, 4]);
            Assert.That((one.Storage, one.Layout.Offset, none), Is.EqualTo((x.Storage, 16L * 64, 0L)));
            // Transposed, repeated for only a part of the batch, or not aligned.
            Assert.That(TensorCoreMatMul.Panel("MatMul", kernel, x.Transpose(1, 2), 64, [2]).Panel.Storage, Is.Not.SameAs(x.Storage));
            Assert.That(TensorCoreMatMul.Panel("MatMul", kernel, x, 16, [3, 2]).Panel.Shape.ToString(), Is.EqualTo("[3, 2, 16, 64]"));
            Assert.That(TensorCoreMatMul.Panel("MatMul", kernel, Tensor.Zeros([16 * 64 + 1], DType.BFloat16, device).Narrow(0, 1, 16 * 64).Reshape(16, 64), 16, []).Panel.Layout.Offset, Is.Zero);
        }
    }

    [Test]
    public void Arguments_lie_as_PTX_lays_them_out()
        => Assert.That(typeof(TensorCoreKernel.Arguments).GetFields().Select(field => (int)Marshal.OffsetOf<TensorCoreKernel.Arguments>(field.Name)),
            Is.EqualTo(new[] { 0, 8, 16, 24, 32, 36, 40, 44, 48, 56, 64, 72, 80, 84, 88, 92 }));
}
