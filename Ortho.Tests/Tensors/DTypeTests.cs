using System.Numerics;
using NUnit.Framework;
using Ortho.Tensors;

namespace Ortho.Tests.Tensors;

[TestFixture]
public class DTypeTests
{
    static readonly DType[] Order = [DType.Bool, DType.Int32, DType.Int64, DType.Float32, DType.Float64, DType.Complex64, DType.Complex128, DType.BFloat16, DType.Half];

    // PyTorch's torch.promote_types, rows and columns in the order above.
    static readonly string[] Table =
    [
        "b  i  l  f  d  cf cd bf h",
        "i  i  l  f  d  cf cd bf h",
        "l  l  l  f  d  cf cd bf h",
        "f  f  f  f  d  cf cd f  f",
        "d  d  d  d  d  cd cd d  d",
        "cf cf cf cf cd cf cd cf cf",
        "cd cd cd cd cd cd cd cd cd",
        "bf bf bf f  d  cf cd bf f",
        "h  h  h  f  d  cf cd f  h",
    ];

    static readonly string[] Letters = ["b", "i", "l", "f", "d", "cf", "cd", "bf", "h"];

    [Test]
    public void Promotion_is_the_published_table()
    {
        Assert.That(Order, Is.EquivalentTo(DTypes.All), "the table has every dtype");
        for (var row = 0; row < Order.Length; row++)
        {
            var cells = Table[row].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            for (var column = 0; column < Order.Length; column++)
                Assert.That(DTypes.Promote(Order[row], Order[column]), Is.EqualTo(Order[Array.IndexOf(Letters, cells[column])]), $"{Order[row]} {Order[column]}");
        }
    }

    [TestCase(typeof(float), DType.Float32, 4), TestCase(typeof(double), DType.Float64, 8), TestCase(typeof(Complex64), DType.Complex64, 8)]
    [TestCase(typeof(Complex), DType.Complex128, 16), TestCase(typeof(int), DType.Int32, 4), TestCase(typeof(long), DType.Int64, 8), TestCase(typeof(bool), DType.Bool, 1)]
    [TestCase(typeof(BFloat16), DType.BFloat16, 2), TestCase(typeof(Half), DType.Half, 2)]
    public void Every_dtype_has_a_csharp_type_of_its_size(Type type, DType dtype, int size)
    {
        var of = typeof(DTypes).GetMethod(nameof(DTypes.Of))!.MakeGenericMethod(type);
        Assert.That(of.Invoke(null, null), Is.EqualTo(dtype));
        Assert.That(dtype.Size, Is.EqualTo(size));
    }

    [Test]
    public void Kinds_partition_the_dtypes()
    {
        Assert.That(DTypes.All.Where(dtype => dtype.IsComplex), Is.EqualTo(new[] { DType.Complex64, DType.Complex128 }));
        Assert.That(DTypes.All.Where(dtype => dtype.IsFloatingPoint), Is.EqualTo(new[] { DType.Float32, DType.Float64, DType.BFloat16, DType.Half }));
        Assert.That(DTypes.All.Where(dtype => dtype.IsDifferentiable), Has.Exactly(6).Items);
        Assert.That(DTypes.All.Where(dtype => dtype.HasArithmetic), Is.EqualTo(new[] { DType.Float32, DType.Float64, DType.Complex64, DType.Complex128 }));
        Assert.That(DTypes.All.Select(dtype => dtype.RealType.IsComplex), Has.None.True);
        Assert.That((DType.Float32.ComplexType, DType.Complex128.ComplexType), Is.EqualTo((DType.Complex64, DType.Complex128)));
        Assert.That(() => DType.Int32.ComplexType, Throws.ArgumentException.With.Message.Contains("Int32"));
        Assert.That(() => DTypes.Of<short>(), Throws.ArgumentException.With.Message.Contains("Int16"));
    }

    [Test]
    public void BFloat16_is_the_nearest_with_ties_to_even()
    {
        // Every value converts back to itself, and midpoints to the even neighbour.
        for (var bits = 0; bits < 0x7F80; bits++)
        {
            float value = new BFloat16((ushort)bits), next = new BFloat16((ushort)(bits + 1));
            Assert.That(((BFloat16)value).Bits, Is.EqualTo(bits));
            Assert.That(((BFloat16)(-value)).Bits, Is.EqualTo(bits | 0x8000));
            if (float.IsFinite(next))
                Assert.That(((BFloat16)(float)(((double)value + next) / 2)).Bits, Is.EqualTo(bits % 2 == 0 ? bits : bits + 1));
        }
        Assert.That((float)(BFloat16)float.NaN, Is.NaN);
        Assert.That((float)(BFloat16)BitConverter.UInt32BitsToSingle(0x7F800001), Is.NaN, "a NaN with all its payload below");
        Assert.That((float)(BFloat16)float.MaxValue, Is.EqualTo(float.PositiveInfinity));
    }
}
