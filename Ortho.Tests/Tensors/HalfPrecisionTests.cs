using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Tensors;

/// <summary>The 16-bit storage types: every bit pattern, on every device, by conversions that .NET (or the definition) gives.</summary>
[TestFixture, Category("Kernels"), Category("Devices")]
public class HalfPrecisionTests
{
    static IEnumerable<string> Kinds => Devices.Kinds;

    static Half[] AllHalves() => [.. Enumerable.Range(0, 1 << 16).Select(bits => BitConverter.UInt16BitsToHalf((ushort)bits))];

    static BFloat16[] AllBFloats() => [.. Enumerable.Range(0, 1 << 16).Select(bits => new BFloat16((ushort)bits))];

    // Random bit patterns, and the neighbourhoods of every number that a 16-bit type has, midpoints among them.
    static float[] Samples(int count)
    {
        var random = new Random(5);
        return [.. Enumerable.Range(0, count).Select(i => BitConverter.Int32BitsToSingle(i % 2 == 0
            ? (int)random.NextInt64(int.MinValue, (long)int.MaxValue + 1)
            : (random.Next(1 << 20) << 12) + random.Next(-1, 2)))];
    }

    static int Bits(float x) => float.IsNaN(x) ? -1 : BitConverter.SingleToInt32Bits(x);

    [Test]
    public void Cells_convert_every_pattern_as_dotnet_does()
    {
        foreach (var half in AllHalves())
        {
            var bits = BitConverter.HalfToUInt16Bits(half);
            Assert.That(Bits(HalfCell.Splat(bits).Value), Is.EqualTo(Bits((float)half)), $"half {bits:x4}");
        }
        foreach (var x in Samples(200_000))
        {
            Assert.That(HalfCell.Pack(new(x)), Is.EqualTo(BitConverter.HalfToUInt16Bits((Half)x)), $"{x:g9} to half");
            Assert.That(BFloat16Cell.Pack(new(x)), Is.EqualTo(((BFloat16)x).Bits), $"{x:g9} to bfloat16");
        }
    }

    [TestCaseSource(nameof(Kinds))]
    public void Casts_widen_exactly(string kind)
    {
        var device = Devices.Of(kind);
        // The simulator takes some microseconds an element.
        var step = device.Kind == DeviceKind.Simulator ? 37 : 1;
        Half[] halves = [.. AllHalves().Where((_, i) => i % step == 0)];
        BFloat16[] floats = [.. AllBFloats().Where((_, i) => i % step == 0)];
        var fromHalf = Tensor.From(halves, [halves.Length], device).To(DType.Float32).ToArray<float>();
        var fromBFloat = Tensor.From(floats, [floats.Length], device).To(DType.Float32).ToArray<float>();
        Assert.That(fromHalf.Select(Bits), Is.EqualTo(halves.Select(x => Bits((float)x))));
        Assert.That(fromBFloat.Select(Bits), Is.EqualTo(floats.Select(x => Bits((float)x))));
    }

    [TestCaseSource(nameof(Kinds))]
    public void Casts_round_to_nearest(string kind)
    {
        var device = Devices.Of(kind);
        var samples = Samples(device.Kind == DeviceKind.Simulator ? 2000 : 100_000);
        var x = Tensor.From(samples, [samples.Length], device);
        Assert.That(x.To(DType.Half).ToArray<Half>().Select(BitConverter.HalfToUInt16Bits), Is.EqualTo(samples.Select(v => BitConverter.HalfToUInt16Bits((Half)v))));
        Assert.That(x.To(DType.BFloat16).ToArray<BFloat16>(), Is.EqualTo(samples.Select(v => (BFloat16)v)));
    }

    [Test]
    public void Long_rows_and_constants_are_computed_in_float32()
    {
        // Longer than the blocks that rows are cut into, a strided operand, and a constant that bfloat16 does not have.
        var x = Tensor.Arange(3000, DType.Float32) * 0.001;
        var (wide, half) = (x.To(DType.BFloat16).To(DType.Float32), x.To(DType.BFloat16));
        Assert.That((half * 1.001).ToArray<BFloat16>(), Is.EqualTo((wide * 1.001).To(DType.BFloat16).ToArray<BFloat16>()));
        var (rows, halfRows) = (wide.Reshape(50, 60), half.Reshape(50, 60));
        Assert.That((halfRows.T * halfRows.Reshape(60, 50)).ToArray<BFloat16>(), Is.EqualTo((rows.T * rows.Reshape(60, 50)).To(DType.BFloat16).ToArray<BFloat16>()));
    }

    [Test]
    public void Gradients_are_of_the_dtype_of_what_they_belong_to()
    {
        var x = Tensor.From([0.5f, -1.25f, 3], [3]).To(DType.Half).RequiresGrad();
        (x * x).Exp().Backward(Tensor.Ones([3], DType.Half));
        var expected = new[] { 0.5, -1.25, 3 }.Select(v => 2 * v * Math.Exp(v * v)).ToArray();
        Assert.That(x.Grad!.DType, Is.EqualTo(DType.Half));
        Assert.That(x.Grad!.ToArray<Half>().Select(v => (double)v), Is.EqualTo(expected).Within(0.3).Percent);
    }
}
