using System.Numerics;
using System.Runtime.CompilerServices;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Tensors;

[TestFixture]
public class TensorTests
{
    static readonly Array[] Arrays =
    [
        new float[] { 1, 2, 3 },
        new double[,] { { 1, 2, 3 }, { 4, 5, 6 } },
        new int[,,] { { { 1, 2 }, { 3, 4 } }, { { 5, 6 }, { 7, 8 } } },
        new long[2, 0, 3],
        new bool[,] { { true }, { false } },
        new Complex64[] { new(1, 2), new(3, 4) },
        new Complex[,,,] { { { { new(1, -2), new(0, 3) } } } },
        new BFloat16[,] { { (BFloat16)1, (BFloat16)(-2) } },
        new Half[] { (Half)0.5, (Half)3 },
        Array.Empty<float>(),
    ];

    static T[] Read<T>(Tensor x) where T : unmanaged => x.ToArray<T>();

    static Array ReadAny(Tensor x) => x.DType switch
    {
        DType.Float32 => Read<float>(x),
        DType.Float64 => Read<double>(x),
        DType.Complex64 => Read<Complex64>(x),
        DType.Complex128 => Read<Complex>(x),
        DType.Int32 => Read<int>(x),
        DType.Int64 => Read<long>(x),
        DType.BFloat16 => Read<BFloat16>(x),
        DType.Half => Read<Half>(x),
        _ => Read<bool>(x),
    };

    static IEnumerable<TestCaseData> ArraysOnDevices
        => from kind in Devices.Kinds from array in Arrays.Index() select new TestCaseData(array.Item, kind).SetArgDisplayNames($"{array.Item.GetType().Name} {array.Index}", kind);

    [TestCaseSource(nameof(ArraysOnDevices))]
    public void An_array_of_any_rank_makes_the_round_trip(Array elements, string kind)
    {
        var x = Tensor.From(elements, Devices.Of(kind));
        Assert.That(x.Shape, Is.EqualTo(Shape.Create([.. Enumerable.Range(0, elements.Rank).Select(elements.GetLength)])));
        Assert.That(x.Device, Is.SameAs(Devices.Of(kind)));
        Assert.That(ReadAny(x), Is.EqualTo(elements.Cast<object>().ToArray()).AsCollection);
    }

    [Test]
    public void Creation_checks_what_it_is_given()
    {
        Assert.That(() => Tensor.From(new float[3], [2, 2]), Throws.TypeOf<TensorArgumentException>().With.Message.EqualTo("From: elements is 3 elements; expected 4 for shape [2, 2]."));
        Assert.That(() => Tensor.From((Array)new short[2]), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("System.Int16"));
        Assert.That(() => Tensor.From((Array)new float[][] { [1] }), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("System.Single[]"));
        Assert.That(() => Tensor.From((Array)null!), Throws.ArgumentNullException);
        Assert.That(() => Tensor.Empty([int.MaxValue, int.MaxValue, 4]), Throws.TypeOf<OverflowException>());
    }

    [Test]
    public void Filled_tensors_have_every_element_set([ValueSource(typeof(DTypes), nameof(DTypes.All))] DType dtype)
    {
        // Written over a freed block of other contents.
        Tensor.Full([3, 5], 7, DType.Complex128).Dispose();
        var (zeros, ones) = (Nd.From(Tensor.Zeros([3, 5], dtype)), Nd.From(Tensor.Ones([3, 5], dtype)));
        Assert.That(zeros.Data, Is.All.EqualTo(Complex.Zero));
        Assert.That(ones.Data, Is.All.EqualTo(Complex.One));
    }

    [Test]
    public void A_scalar_has_rank_0_and_one_element()
    {
        var x = Tensor.Scalar(2.5);
        Assert.That((x.Rank, x.ElementCount, x.DType, x.Item()), Is.EqualTo((0, 1L, DType.Float64, 2.5)));
        Assert.That((Tensor.Scalar(true).Item(), Tensor.Scalar(-3L).Item(), Tensor.Scalar(4).Item()), Is.EqualTo((1.0, -3.0, 4.0)));
        Assert.That(() => Tensor.Zeros([2]).Item(), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("[2]"));
        Assert.That(() => Tensor.Scalar(Complex.One).Item(), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("Complex128"));
    }

    [Test]
    public void Reading_checks_type_length_layout_and_device()
    {
        var x = Tensor.From(new float[,] { { 1, 2 }, { 3, 4 } });
        Assert.That(() => x.ToArray<double>(), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("ToArray: tensor is Float32; expected Float64"));
        Assert.That(() => x.ToArray<byte>(), Throws.ArgumentException);
        Assert.That(() => x.CopyTo(new float[3].AsSpan()), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("CopyTo: destination is 3 elements"));
        Assert.That(() => _ = x.AsSpan<int>().Length, Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("AsSpan: tensor is Float32"));
        Assert.That(() => _ = x.T.AsSpan<float>().Length, Throws.TypeOf<TensorArgumentException>().With.Message.Contains("Contiguous()"));
        Assert.That(() => _ = x.To(Devices.Of("Simulator")).AsSpan<float>().Length, Throws.TypeOf<TensorArgumentException>().With.Message.Contains("on the CPU"));
        var destination = new float[4];
        x.T.CopyTo(destination.AsSpan());
        Assert.That(destination, Is.EqualTo(new float[] { 1, 3, 2, 4 }));
        Assert.That(x.Slice(0, 1).AsSpan<float>().ToArray(), Is.EqualTo(new float[] { 3, 4 }), "a dense view begins at its offset");
        Assert.That(x.Slice(0, 1, 1).AsSpan<float>().Length, Is.Zero);
    }

    [Test]
    public void A_disposed_tensor_and_its_views_cannot_be_used([ValueSource(typeof(Devices), nameof(Devices.Kinds))] string kind)
    {
        var x = Tensor.Ones([4], device: Devices.Of(kind));
        var view = x.Slice(0, 1, 3);
        x.Dispose();
        x.Dispose();
        Assert.That(x.Storage.IsDisposed);
        Assert.That(() => x.ToArray<float>(), Throws.TypeOf<ObjectDisposedException>().With.Message.Contains("TensorScope"));
        Assert.That(() => view.ToArray<float>(), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => view + 1, Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => view.CopyFrom(Tensor.Ones([2], device: Devices.Of(kind))), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => view.Sum(), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => view.To(DType.Float64), Throws.TypeOf<ObjectDisposedException>());
        Assert.That((x.Shape, view.Rank), Is.EqualTo((Shape.Create([4]), 1)), "what is known without the memory stays known");
    }

    [Test]
    public void A_view_keeps_the_storage_alive_and_the_last_one_gives_it_back()
    {
        Collect();
        var before = Device.Cpu.Pool.LiveBytes;
        UseView();
        Collect();
        Assert.That(Device.Cpu.Pool.LiveBytes, Is.LessThanOrEqualTo(before));

        // In methods of their own, so that no register or stack slot of this one keeps a tensor.
        [MethodImpl(MethodImplOptions.NoInlining)]
        static void UseView()
        {
            var (owner, view) = Owner();
            Collect();
            Assert.That(owner.TryGetTarget(out _), Is.False, "the tensor that made the storage is gone");
            Overwrite();
            Assert.That(view[0].Sum().Item(), Is.EqualTo(1000 * 7), "its elements are not");
            GC.KeepAlive(view);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static (WeakReference<Tensor>, Tensor[]) Owner()
        {
            var tensor = Tensor.Full([1000], 7);
            return (new(tensor), [tensor.Reshape(10, 100).T]);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Overwrite()
        {
            for (var k = 0; k < 20; k++)
                Tensor.Full([1000], k);
        }
    }

    internal static void Collect()
    {
        for (var k = 0; k < 2; k++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }
}
