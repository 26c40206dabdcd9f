using System.Buffers;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Support;
using Tensor = Ortho.Tensors.Tensor;

namespace Ortho.Tests.Tensors;

/// <summary>Memory shared with arrays and with System.Numerics.Tensors.</summary>
[TestFixture]
public class ForeignMemoryTests
{
    [Test]
    public void An_array_and_its_tensor_are_the_same_memory()
    {
        float[] array = [1, 2, 3, 4, 5, 6];
        var live = Device.Cpu.Pool.LiveBytes;
        var x = Tensor.FromMemory(array, [2, 3]);
        Assert.That(Device.Cpu.Pool.LiveBytes, Is.LessThanOrEqualTo(live), "no memory of the pool");
        array[4] = 50;
        Assert.That(x.ToArray<float>(), Is.EqualTo(array));
        x.Slice(0, 1).AsSpan<float>().Fill(0);
        Assert.That(array, Is.EqualTo(new float[] { 1, 2, 3, 0, 0, 0 }));
    }

    [Test]
    public void Arrays_of_every_dtype_are_shared()
    {
        Shared(new bool[] { true, false }, false);
        Shared(new int[] { 1, 2 }, 3);
        Shared(new long[] { 1, 2 }, 3);
        Shared(new float[] { 1, 2 }, 3);
        Shared(new double[] { 1, 2 }, 3);
        Shared(new Half[] { (Half)1, (Half)2 }, (Half)3);
        Shared(new BFloat16[] { (BFloat16)1, (BFloat16)2 }, (BFloat16)3);
        Shared(new Complex64[] { new(1, 2), new(3, 4) }, new(5, 6));
        Shared(new System.Numerics.Complex[] { new(1, 2), new(3, 4) }, new(5, 6));

        static void Shared<E>(E[] array, E value) where E : unmanaged
        {
            var x = Tensor.FromMemory(array, [2, 1]);
            x.AsSpan<E>()[0] = value;
            Assert.That((array[0], x.ToArray<E>()[1]), Is.EqualTo((value, array[1])));
            x.AsTensorSpan<E>()[1, 0] = value;
            Assert.That(array[1], Is.EqualTo(value));
        }
    }

    [Test]
    public void Ops_on_foreign_memory_give_the_same_bits()
    {
        var numbers = Tensor.Uniform([37, 41], new(1), -1, 1).ToArray<float>();
        // One element off: less aligned than memory of the pool ever is.
        var (own, foreign) = (Tensor.From(numbers, [37, 41]), Tensor.FromMemory(numbers.Prepend(0).ToArray().AsMemory(1), [37, 41]));
        foreach (var op in (Func<Tensor, Tensor>[])[x => x.Silu(), x => x.MatMul(x.T), x => x.Sum([1]), x => x.T + 1.0, x => x.Rfft()])
            Assert.That(IO.Samples.Bytes(op(foreign)), Is.EqualTo(IO.Samples.Bytes(op(own))));
        using (Graph.NoGrad())
            foreign.CopyFrom(own * 2.0);
        Assert.That(foreign.ToArray<float>(), Is.EqualTo((own * 2.0).ToArray<float>()));
    }

    [Test]
    public void Memory_stays_while_a_view_lives_and_goes_with_the_last()
    {
        var (view, memory) = Make();
        TensorTests.Collect();
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        Assert.That(IsAlive(memory), "the view keeps it");
        Assert.That(view[0].ToArray<double>(), Is.EqualTo(Enumerable.Range(0, 1000).Select(i => 2.0 * i)));
        view[0].Dispose();
        Assert.That(() => view[0].ToArray<double>(), Throws.TypeOf<ObjectDisposedException>());
        Drop(view);
        TensorTests.Collect();
        Assert.That(IsAlive(memory), Is.False);

        // In methods of their own, so that no register or stack slot of this one keeps anything.
        [MethodImpl(MethodImplOptions.NoInlining)]
        static (Tensor[], WeakReference<double[]>) Make()
        {
            double[] array = [.. Enumerable.Range(0, 2000).Select(i => (double)i)];
            return ([Tensor.FromMemory(array, [1000, 2]).Select(1, 0)], new(array));
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static bool IsAlive(WeakReference<double[]> memory) => memory.TryGetTarget(out _);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Drop(Tensor[] view) => view[0] = null!;
    }

    [Test]
    public void Finalization_lets_go_of_the_memory()
    {
        var owner = new CountingOwner();
        Use(owner);
        TensorTests.Collect();
        Assert.That((owner.Pins, owner.Unpins), Is.EqualTo((1, 1)));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Use(CountingOwner owner) => Assert.That(Tensor.FromMemory(owner.Memory, [4]).Sum().Item(), Is.Zero);
    }

    [Test]
    public void A_scope_lets_go_of_the_memory_at_its_end()
    {
        var owner = new CountingOwner();
        using (new TensorScope())
            Assert.That(Tensor.FromMemory(owner.Memory, [2, 2]).T.Sum().Item(), Is.Zero);
        Assert.That((owner.Pins, owner.Unpins), Is.EqualTo((1, 1)));
    }

    sealed class CountingOwner : MemoryManager<float>
    {
        readonly float[] array = GC.AllocateArray<float>(4, pinned: true);

        public int Pins { get; private set; }

        public int Unpins { get; private set; }

        public override Span<float> GetSpan() => array;

        public override unsafe MemoryHandle Pin(int elementIndex = 0)
        {
            Pins++;
            return new(Unsafe.AsPointer(ref array[elementIndex]), pinnable: this);
        }

        public override void Unpin() => Unpins++;

        protected override void Dispose(bool disposing)
        {
            // The garbage collector's.
        }
    }

    [Test]
    public void A_tensor_of_System_Numerics_keeps_its_shape_and_strides()
    {
        var theirs = System.Numerics.Tensors.Tensor.Create([.. Enumerable.Range(0, 24)], [2, 3, 4]);
        var mine = Tensor.FromMemory(theirs);
        Assert.That((mine.Shape, mine.DType), Is.EqualTo((Shape.Create([2, 3, 4]), DType.Int32)));
        theirs[1, 2, 3] = -7;
        mine.AsSpan<int>()[0] = 70;
        Assert.That(mine.ToArray<int>(), Is.EqualTo(Enumerable.Range(1, 22).Prepend(70).Append(-7)));
        Assert.That(theirs[0, 0, 0], Is.EqualTo(70));

        var slice = Tensor.FromMemory(theirs.Slice([0..2, 1..3, 1..2]));
        Assert.That(slice.Shape, Is.EqualTo(Shape.Create([2, 2, 1])));
        Assert.That(slice.ToArray<int>(), Is.EqualTo(new[] { 5, 9, 17, 21 }));
        Assert.That(Tensor.FromMemory(System.Numerics.Tensors.Tensor.Create<float>([], [0])).ElementCount, Is.Zero);
    }

    [Test]
    public void A_tensor_is_a_span_of_System_Numerics_in_any_layout()
    {
        var x = Tensor.From([.. Enumerable.Range(0, 24).Select(i => (float)i)], [2, 3, 4]);
        foreach (var view in new[] { x, x.T, x.Slice(1, 1, 3), x.Slice(2, 0, 4, 2), x.Permute(2, 0, 1), x.Select(0, 1), x.Select(0, 1).Select(0, 2), x.Slice(0, 1, 1), x.Slice(1, 0, 1) })
        {
            var span = view.AsTensorSpan<float>();
            Assert.That(span.Lengths.ToArray(), Is.EqualTo(view.Shape.Select(extent => (nint)extent)), $"{view.Shape}");
            var flat = new float[view.ElementCount];
            view.AsReadOnlyTensorSpan<float>().FlattenTo(flat);
            Assert.That(flat, Is.EqualTo(view.ToArray<float>()), $"{view.Shape}");
        }
        x.T.AsTensorSpan<float>()[0, 3, 2] = -5;
        Assert.That(x.ToArray<float>()[11], Is.EqualTo(-5f), "what is written there is read here");
        System.Numerics.Tensors.Tensor.Multiply(x.AsReadOnlyTensorSpan<float>(), 2f, x.AsTensorSpan<float>());
        Assert.That(x.ToArray<float>()[..12], Is.EqualTo(new float[] { 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, -10 }));
        GC.KeepAlive(x);
    }

    [Test]
    public void A_broadcast_view_can_be_read_only()
    {
        var x = Tensor.From([1f, 2, 3], [3]).Expand(2, 3);
        var flat = new float[6];
        x.AsReadOnlyTensorSpan<float>().FlattenTo(flat);
        Assert.That(flat, Is.EqualTo(new float[] { 1, 2, 3, 1, 2, 3 }));
        Assert.That(() => _ = x.AsTensorSpan<float>().Rank, Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("AsTensorSpan: tensor is a broadcast view"));
    }

    [Test]
    public void What_cannot_be_shared_is_refused()
    {
        Assert.That(() => Tensor.FromMemory(new float[3], [2, 2]), Throws.TypeOf<TensorArgumentException>().With.Message.EqualTo("FromMemory: memory is 3 elements; expected 4 for shape [2, 2]."));
        Assert.That(() => Tensor.FromMemory(new short[3], [3]), Throws.ArgumentException.With.Message.Contains("System.Int16"));
        Assert.That(() => _ = Tensor.Ones([2]).AsTensorSpan<double>().Rank, Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("AsTensorSpan: tensor is Float32"));
        Assert.That(() => _ = Tensor.Ones([2], device: Devices.Of("Simulator")).AsReadOnlyTensorSpan<float>().Rank,
            Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("AsReadOnlyTensorSpan: tensor is on Simulator"));
    }
}
