using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
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
            throw new TensorArgumentException(operation, nameof(condition), $"on {condition.Device} beside {a.Device} and {b.Device}", "one device");
        var y = Tensor.Empty(Shape.Broadcast(condition.Shape, Shape.Broadcast(a.Shape, b.Shape, operation), operation), a.DType, a.Device);
        if (y.ElementCount == 0)
            return y;
        var loops = Iteration.Over(y.Shape, [y.Layout, condition.Layout, a.Layout, b.Layout], operation);
        switch (a.DType.Size)
        {
            case 1: Typed<byte>(loops, y, condition, a, b); break;
            case 2: Typed<short>(loops, y, condition, a, b); break;
            case 4: Typed<int>(loops, y, condition, a, b); break;
            case 8: Typed<long>(loops, y, condition, a, b); break;
            default: Typed<Copy.Pair>(loops, y, condition, a, b); break;
        }
        return y;
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
            if (loops.Extents.Length > Index6.Loops)
                throw new DeviceException($"{gpu}: a choice through {loops.Extents.Length} nested strides; kernels take at most {Index6.Loops}.");
            gpu.Launch(Kernel<E>, y.ElementCount, new Arguments<E>
            {
                Condition = GpuDevice.Reach<byte>(condition), Y = GpuDevice.View<E>(y), A = GpuDevice.Reach<E>(a), B = GpuDevice.Reach<E>(b),
                Extents = Index6.Of(loops.Extents, 1), ToCondition = Steps6.Of(loops.Strides[1], condition.Layout),
                ToA = Steps6.Of(loops.Strides[2], a.Layout), ToB = Steps6.Of(loops.Strides[3], b.Layout),
            });
            return;
        }
        var (to, c, p, q) = ((nint)HostMemory.Pointer<E>(y), (nint)HostMemory.Pointer<byte>(condition), (nint)HostMemory.Pointer<E>(a), (nint)HostMemory.Pointer<E>(b));
        HostThreads.Range(loops.Rows, Math.Max(1, HostThreads.Grain / loops.Inner), (begin, end) =>
        {
            var (stepC, stepA, stepB) = ((nint)loops.Strides[1][^1], (nint)loops.Strides[2][^1], (nint)loops.Strides[3][^1]);
            for (var row = begin; row < end; row++)
            {
                var target = (E*)to + row * loops.Inner;
                var rowC = (byte*)c + loops.RowOffset(1, row);
                var rowA = (E*)p + loops.RowOffset(2, row);
                var rowB = (E*)q + loops.RowOffset(3, row);
                for (nint i = 0; i < loops.Inner; i++)
                    target[i] = rowC[i * stepC] != 0 ? rowA[i * stepA] : rowB[i * stepB];
            }
        });
        GC.KeepAlive(y);
        GC.KeepAlive(condition);
        GC.KeepAlive(a);
        GC.KeepAlive(b);
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
