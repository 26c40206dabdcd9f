using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Indexing;

/// <summary>One of two elements by a truth value; elements are moved, not computed with, so that any dtype will do.</summary>
public static class Choose
{
    /// <summary>y = condition ? a : b with broadcasting.</summary>
    /// <param name="operation">Name for messages.</param>
    /// <param name="condition">Bool.</param>
    /// <param name="a">Elements where the condition holds.</param>
    /// <param name="b">Elements of the same dtype where it does not.</param>
    /// <exception cref="TensorArgumentException">Dtypes, devices or shapes do not fit.</exception>
    public static Tensor Run(string operation, Tensor condition, Tensor a, Tensor b)
    {
        if (condition.DType != DType.Bool)
            throw new TensorArgumentException(operation, nameof(condition), $"{condition.DType}", "Bool");
        if (a.DType != b.DType)
            throw new TensorArgumentException(operation, nameof(b), $"{b.DType} beside {a.DType}", "one dtype");
        if (a.Device != condition.Device || b.Device != condition.Device)
        {
            throw new TensorArgumentException(operation, nameof(condition), $"on {condition.Device} beside {a.Device} and {b.Device}",
                "one device");
        }
        var y = Tensor.Empty(Shape.Broadcast(condition.Shape, Shape.Broadcast(a.Shape, b.Shape, operation), operation), a.DType, a.Device);
        if (y.ElementCount == 0)
            return y;
        var loops = Iteration.Over(y.Shape, [y.Layout, condition.Layout, a.Layout, b.Layout], operation);
        if (y.Device is GpuDevice && loops.Extents.Length > Index6.Loops)
            return Run(operation, Laid(condition), Laid(a), Laid(b));
        switch (a.DType.Size)
        {
            case 1: Typed<byte>(loops, y, condition, a, b); break;
            case 2: Typed<short>(loops, y, condition, a, b); break;
            case 4: Typed<int>(loops, y, condition, a, b); break;
            case 8: Typed<long>(loops, y, condition, a, b); break;
            default: Typed<Copy.Pair>(loops, y, condition, a, b); break;
        }
        return y;

        Tensor Laid(Tensor x) => Copy.Dense(x.View(x.Layout.Expand(y.Shape, operation)));
    }

    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<byte> Condition;
        public ArrayView<E> Y, A, B;
        public Index6 Extents;
        public Steps6 ToCondition, ToA, ToB;
    }

    static unsafe void Typed<E>(Iteration loops, Tensor y, Tensor condition, Tensor a, Tensor b) where E : unmanaged
    {
        if (y.Device is GpuDevice gpu)
        {
            gpu.Launch(Kernel<E>, y.ElementCount, new Arguments<E>
            {
                Condition = GpuDevice.Reach<byte>(condition), Y = GpuDevice.View<E>(y),
                A = GpuDevice.Reach<E>(a), B = GpuDevice.Reach<E>(b),
                Extents = Index6.Of(loops.Extents, 1), ToCondition = Steps6.Of(loops.Strides[1], condition.Layout),
                ToA = Steps6.Of(loops.Strides[2], a.Layout), ToB = Steps6.Of(loops.Strides[3], b.Layout),
            });
            return;
        }
        var (to, c) = ((nint)HostMemory.Pointer<E>(y), (nint)HostMemory.Pointer<byte>(condition));
        var (p, q) = ((nint)HostMemory.Pointer<E>(a), (nint)HostMemory.Pointer<E>(b));
        HostThreads.Range(loops.Rows, Math.Max(1, HostThreads.Grain / loops.Inner), (begin, end) =>
        {
            var (stepC, stepA, stepB) = ((nint)loops.Strides[1][^1], (nint)loops.Strides[2][^1], (nint)loops.Strides[3][^1]);
            for (var row = begin; row < end; row++)
            {
                var target = (E*)to + row * loops.Inner;
                var rowC = (byte*)c + loops.RowOffset(1, row);
                var rowA = (E*)p + loops.RowOffset(2, row);
                var rowB = (E*)q + loops.RowOffset(3, row);
                nint i = 0;
                if (stepC == 1 && stepA is 0 or 1 && stepB is 0 or 1 && Vector128<E>.IsSupported)
                    i = Vectors(target, rowC, rowA, stepA, rowB, stepB, loops.Inner);
                for (; i < loops.Inner; i++)
                    target[i] = rowC[i * stepC] != 0 ? rowA[i * stepA] : rowB[i * stepB];
            }
        });
        GC.KeepAlive(y);
        GC.KeepAlive(condition);
        GC.KeepAlive(a);
        GC.KeepAlive(b);
    }

    // As many elements as a vector has truth values, which are spread to masks of the elements' width: halves of halves.
    [MethodImpl(Inline.Root)]
    static unsafe nint Vectors<E>(E* y, byte* condition, E* a, nint stepA, E* b, nint stepB, nint n) where E : unmanaged
    {
        var (firstA, firstB) = (Vector128.Create(*a), Vector128.Create(*b));
        nint i = 0;
        for (; i + Vector128<byte>.Count <= n; i += Vector128<byte>.Count)
        {
            var isFalse = Vector128.Equals(Vector128.Load(condition + i), Vector128<byte>.Zero).AsSByte();
            if (sizeof(E) == 1)
            {
                Put(isFalse.As<sbyte, E>(), i);
                continue;
            }
            var (low, high) = Vector128.Widen(isFalse);
            if (sizeof(E) == 2)
            {
                Put(low.As<short, E>(), i);
                Put(high.As<short, E>(), i + 8);
                continue;
            }
            Quarters(low, i);
            Quarters(high, i + 8);
        }
        return i;

        [MethodImpl(Inline.Always)]
        void Quarters(Vector128<short> half, nint at)
        {
            var (low, high) = Vector128.Widen(half);
            if (sizeof(E) == 4)
            {
                Put(low.As<int, E>(), at);
                Put(high.As<int, E>(), at + 4);
                return;
            }
            var (first, second) = Vector128.Widen(low);
            var (third, fourth) = Vector128.Widen(high);
            Put(first.As<long, E>(), at);
            Put(second.As<long, E>(), at + 2);
            Put(third.As<long, E>(), at + 4);
            Put(fourth.As<long, E>(), at + 6);
        }

        [MethodImpl(Inline.Always)]
        void Put(Vector128<E> mask, nint at)
        {
            var yes = stepA == 0 ? firstA : Vector128.Load(a + at);
            var no = stepB == 0 ? firstB : Vector128.Load(b + at);
            Vector128.ConditionalSelect(mask, no, yes).Store(y + at);
        }
    }

    internal static void Kernel<E>(Index1D index, Arguments<E> x) where E : unmanaged
    {
        var at = Index6.Split(index, x.Extents);
        if (x.Condition[Steps6.Dot(at, x.ToCondition)] != 0)
            x.Y[index] = x.A[Steps6.Dot(at, x.ToA)];
        else
            x.Y[index] = x.B[Steps6.Dot(at, x.ToB)];
    }
}
