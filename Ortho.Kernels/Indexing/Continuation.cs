using System.Numerics;
using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Indexing;

/// <summary>What lies beyond one end of a dimension: element t, counted from the outside in before the first element and from the inside out behind the last
/// one, is element Start + Step t.</summary>
/// <param name="Count">Elements beyond the end.</param>
/// <param name="Start">The element that t = 0 repeats.</param>
/// <param name="Step">1, -1, or 0 where all repeat the same element.</param>
public readonly record struct Beyond(int Count, int Start, int Step);

/// <summary>A tensor continued beyond both ends of a dimension by elements of its own, and the adjoint of that.</summary>
public static class Continuation
{
    /// <summary>The longer tensor.</summary>
    /// <param name="x">Any layout.</param>
    /// <param name="axis">The dimension.</param>
    /// <param name="before">What comes before it.</param>
    /// <param name="after">What comes behind it.</param>
    public static Tensor Extend(Tensor x, int axis, Beyond before, Beyond after)
    {
        var y = Tensor.Empty(x.Shape.With(axis, before.Count + x.Shape[axis] + after.Count), x.DType, x.Device);
        if (y.ElementCount == 0)
            return y;
        var job = new Job(Copy.Contiguous(x), y, axis, x.Shape[axis], before, after);
        switch (x.DType.Size)
        {
            case 1: ExtendTyped<byte>(job); break;
            case 2: ExtendTyped<short>(job); break;
            case 4: ExtendTyped<int>(job); break;
            case 8: ExtendTyped<long>(job); break;
            default: ExtendTyped<Copy.Pair>(job); break;
        }
        return y;
    }

    /// <summary>To each element the sum of all that repeat it in a longer tensor: itself, then those before, then those behind, in their order.</summary>
    /// <param name="x">Floating-point or complex, any layout.</param>
    /// <param name="axis">The dimension.</param>
    /// <param name="before">What comes before it.</param>
    /// <param name="after">What comes behind it.</param>
    public static Tensor Fold(Tensor x, int axis, Beyond before, Beyond after)
    {
        var extent = x.Shape[axis] - before.Count - after.Count;
        var y = Tensor.Empty(x.Shape.With(axis, extent), x.DType, x.Device);
        if (y.ElementCount == 0)
            return y;
        var job = new Job(Copy.Contiguous(x), y, axis, extent, before, after);
        switch (x.DType)
        {
            case DType.Float32: FoldTyped<F32, float, SingleCell>(job); break;
            case DType.Float64: FoldTyped<F64, double, DoubleCell>(job); break;
            case DType.Complex64: FoldTyped<Cx<F32>, Complex64, Complex64Cell>(job); break;
            case DType.Complex128: FoldTyped<Cx<F64>, Complex, Complex128Cell>(job); break;
            case DType.BFloat16: FoldTyped<F32, ushort, BFloat16Cell>(job); break;
            case DType.Half: FoldTyped<F32, ushort, HalfCell>(job); break;
            default: throw new TensorArgumentException("Pad", nameof(x), $"{x.DType}", "a floating-point or complex tensor");
        }
        return y;
    }

    // Dense tensors [outer, extent or longer, inner].
    sealed record Job(Tensor From, Tensor To, int Axis, int Extent, Beyond Before, Beyond After)
    {
        public int Inner { get; } = checked((int)From.Shape[(Axis + 1)..].ElementCount);

        public long Outer { get; } = From.Shape[..Axis].ElementCount;

        public int Longer => Before.Count + Extent + After.Count;

        public Arguments<E> Arguments<E>() where E : unmanaged => new()
        {
            From = GpuDevice.View<E>(From), To = GpuDevice.View<E>(To), Extent = Extent, Inner = Inner,
            Before = Before.Count, BeforeStart = Before.Start, BeforeStep = Before.Step, After = After.Count, AfterStart = After.Start, AfterStep = After.Step,
        };
    }

    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<E> From, To;
        public int Extent, Inner, Before, BeforeStart, BeforeStep, After, AfterStart, AfterStep;
    }

    static unsafe void ExtendTyped<E>(Job job) where E : unmanaged
    {
        if (job.To.Device is GpuDevice gpu)
        {
            gpu.Launch(ExtendKernel<E>, job.To.ElementCount, job.Arguments<E>());
            return;
        }
        var (from, to) = ((nint)HostMemory.Pointer<E>(job.From), (nint)HostMemory.Pointer<E>(job.To));
        HostThreads.Range(job.Outer, Math.Max(1, HostThreads.Grain / ((long)job.Longer * job.Inner)), (begin, end) => ExtendLoop((E*)from, (E*)to, begin, end, job));
        GC.KeepAlive(job);
    }

    [MethodImpl(Inline.Root)]
    static unsafe void ExtendLoop<E>(E* from, E* to, long begin, long end, Job job) where E : unmanaged
    {
        var (middle, inner, longer, before, after) = ((nint)job.Extent * job.Inner, job.Inner, (nint)job.Longer * job.Inner, job.Before, job.After);
        var first = (nint)before.Count * inner;
        var x = from + begin * middle;
        var y = to + begin * longer;
        for (var count = end - begin; count > 0; count--, x += middle, y += longer)
        {
            Repeat(x, y, before, inner);
            Unsafe.CopyBlockUnaligned(y + first, x, (uint)(middle * sizeof(E)));
            Repeat(x, y + first + middle, after, inner);
        }
    }

    [MethodImpl(Inline.Always)]
    static unsafe void Repeat<E>(E* x, E* y, Beyond beyond, int inner) where E : unmanaged
    {
        for (var t = 0; t < beyond.Count; t++)
        {
            var source = x + (nint)(beyond.Start + beyond.Step * t) * inner;
            if (inner == 1)
                y[t] = *source;
            else
                Unsafe.CopyBlockUnaligned(y + (nint)t * inner, source, (uint)(inner * sizeof(E)));
        }
    }

    internal static void ExtendKernel<E>(Index1D index, Arguments<E> x) where E : unmanaged
    {
        int i = index;
        var longer = x.Before + x.Extent + x.After;
        var (k, at, outer) = (i % x.Inner, i / x.Inner % longer - x.Before, i / x.Inner / longer);
        if (at < 0)
            at = x.BeforeStart + x.BeforeStep * (at + x.Before);
        else if (at >= x.Extent)
            at = x.AfterStart + x.AfterStep * (at - x.Extent);
        x.To[i] = x.From[(outer * x.Extent + at) * x.Inner + k];
    }

    static unsafe void FoldTyped<T, E, F>(Job job) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        if (job.To.Device is GpuDevice gpu)
        {
            gpu.Launch(FoldKernel<T, E, F>, job.To.ElementCount, job.Arguments<E>());
            return;
        }
        var (from, to) = ((nint)HostMemory.Pointer<E>(job.From), (nint)HostMemory.Pointer<E>(job.To));
        HostThreads.Range(job.Outer, Math.Max(1, HostThreads.Grain / ((long)job.Longer * job.Inner)), (begin, end) => FoldLoop<T, E, F>((E*)from, (E*)to, begin, end, job));
        GC.KeepAlive(job);
    }

    [MethodImpl(Inline.Root)]
    static unsafe void FoldLoop<T, E, F>(E* from, E* to, long begin, long end, Job job) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var (middle, inner, longer, before, after) = ((nint)job.Extent * job.Inner, job.Inner, (nint)job.Longer * job.Inner, job.Before, job.After);
        var first = (nint)before.Count * inner;
        var x = from + begin * longer;
        var y = to + begin * middle;
        for (var count = end - begin; count > 0; count--, x += longer, y += middle)
        {
            Unsafe.CopyBlockUnaligned(y, x + first, (uint)(middle * sizeof(E)));
            Gather<T, E, F>(x, y, before, inner);
            Gather<T, E, F>(x + first + middle, y, after, inner);
        }
    }

    [MethodImpl(Inline.Always)]
    static unsafe void Gather<T, E, F>(E* x, E* y, Beyond beyond, int inner) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        for (var t = 0; t < beyond.Count; t++)
        {
            var (source, target) = ((nint)t * inner, (nint)(beyond.Start + beyond.Step * t) * inner);
            for (var k = 0; k < inner; k++)
                F.Store(y + target + k, F.Load(y + target + k) + F.Load(x + source + k));
        }
    }

    internal static void FoldKernel<T, E, F>(Index1D index, Arguments<E> x) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        int i = index;
        var longer = x.Before + x.Extent + x.After;
        var (k, at, outer) = (i % x.Inner, i / x.Inner % x.Extent, i / x.Inner / x.Extent);
        var row = outer * longer;
        var sum = x.From[(row + x.Before + at) * x.Inner + k];
        for (var t = 0; t < x.Before; t++)
        {
            if (x.BeforeStart + x.BeforeStep * t == at)
                sum = F.Pack(F.Splat(sum) + F.Splat(x.From[(row + t) * x.Inner + k]));
        }
        for (var t = 0; t < x.After; t++)
        {
            if (x.AfterStart + x.AfterStep * t == at)
                sum = F.Pack(F.Splat(sum) + F.Splat(x.From[(row + x.Before + x.Extent + t) * x.Inner + k]));
        }
        x.To[i] = sum;
    }
}
