using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.Fourier;

/// <summary>The device half of <see cref="Fft"/>: signals that fit shared memory by <see cref="GroupFft"/> or <see cref="InPlaceFft"/>;
/// others by one launch for each step of the plan, one thread for each of its butterflies.</summary>
/// <remarks>Signals keep the tensor's order [outer, element, inner] between steps, so neighbouring threads touch neighbouring memory.</remarks>
static class DeviceFft
{
    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<E> X, Y, Table;
        public StepShape Shape;

        /// <summary>Elements between neighbours of a signal.</summary>
        public int Inner;

        /// <summary>1 to exchange the parts of what is read, of what is written.</summary>
        public int FlipX, FlipY;

        /// <summary>What the result is multiplied by (real); only read when <see cref="IsScaled"/> is 1.</summary>
        public E Scale;

        public int IsScaled;

        /// <summary>1 in a last pass of butterflies, where all twiddles are 1.</summary>
        public int AreOnes;
    }

    internal struct RealArguments<E, R> where E : unmanaged where R : unmanaged
    {
        public ArrayView<E> Complex;
        public ArrayView<R> Real;
        public int Length, Inner, Flip, Spread;
        public R Scale;
    }

    readonly struct Signal<T, E, F>(ArrayView<E> elements, int start, int stride, int flip, int isScaled, E scale) : ISignal<T>
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<Cx<T>, E>
    {
        readonly ArrayView<E> elements = elements;
        readonly int start = start, stride = stride, flip = flip, isScaled = isScaled;
        readonly E scale = scale;

        [MethodImpl(Inline.Always)]
        public Cx<T> Get(int index)
        {
            var value = F.Splat(elements[start + index * stride]);
            if (flip != 0)
                value = Complexes.Swap(value);
            return value;
        }

        [MethodImpl(Inline.Always)]
        public void Set(int index, Cx<T> value)
        {
            if (flip != 0)
                value = Complexes.Swap(value);
            if (isScaled != 0)
                value = value * F.Splat(scale).Re;
            elements[start + index * stride] = F.Pack(value);
        }
    }

    internal readonly struct Constants<T, E, F>(ArrayView<E> elements, int areOnes) : ITable<T>
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<Cx<T>, E>
    {
        readonly ArrayView<E> elements = elements;
        readonly int areOnes = areOnes;

        [MethodImpl(Inline.Always)] public Cx<T> At(int index) => F.Splat(elements[index]);

        [MethodImpl(Inline.Always)]
        public Cx<T> Turn(Cx<T> value, int index)
        {
            if (areOnes == 0)
                value = value * At(index);
            return value;
        }
    }

    [Budget(48, 0, typeof(Radix8), typeof(F32), typeof(Complex64), typeof(Complex64Cell))]
    [Budget(32, 0, typeof(Radix4), typeof(F32), typeof(Complex64), typeof(Complex64Cell))]
    internal static void StepKernel<S, T, E, F>(Index1D index, Arguments<E> x)
        where S : struct, IStep where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<Cx<T>, E>
    {
        int rest = index;
        var inner = rest % x.Inner;
        rest /= x.Inner;
        var q = rest % x.Shape.Inner;
        rest /= x.Shape.Inner;
        var p = rest % x.Shape.Outer;
        var outer = rest / x.Shape.Outer;
        var from = new Signal<T, E, F>(x.X, outer * x.Shape.Length * x.Inner + inner, x.Inner, x.FlipX, 0, x.Scale);
        var to = new Signal<T, E, F>(x.Y, outer * x.Shape.OutLength * x.Inner + inner, x.Inner, x.FlipY, x.IsScaled, x.Scale);
        S.Apply<T, Signal<T, E, F>, Signal<T, E, F>, Constants<T, E, F>>(from, to, new(x.Table, x.AreOnes), x.Shape, p, q);
    }

    // Real signals to the complex ones of a plan: pairs of numbers, or each one a real part.
    internal static void LoadKernel<T, E, F, R, FR>(Index1D index, RealArguments<E, R> x)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<Cx<T>, E> where R : unmanaged where FR : struct, ICell<T, R>
    {
        int rest = index;
        var inner = rest % x.Inner;
        rest /= x.Inner;
        var length = x.Length / (3 - x.Spread);
        var i = rest % length;
        var start = rest / length * x.Length * x.Inner + inner;
        var value = Cx<T>.Of(0);
        if (x.Spread == 2)
            value = Cx<T>.Real(FR.Splat(x.Real[start + i * x.Inner]));
        else
            value = new(FR.Splat(x.Real[start + 2 * i * x.Inner]), FR.Splat(x.Real[start + (2 * i + 1) * x.Inner]));
        x.Complex[index] = F.Pack(value);
    }

    internal static void StoreKernel<T, E, F, R, FR>(Index1D index, RealArguments<E, R> x)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<Cx<T>, E> where R : unmanaged where FR : struct, ICell<T, R>
    {
        int rest = index;
        var inner = rest % x.Inner;
        rest /= x.Inner;
        var length = x.Length / (3 - x.Spread);
        var i = rest % length;
        var start = rest / length * x.Length * x.Inner + inner;
        var value = F.Splat(x.Complex[index]);
        if (x.Flip != 0)
            value = Complexes.Swap(value);
        value = value * FR.Splat(x.Scale);
        if (x.Spread == 2)
        {
            x.Real[start + i * x.Inner] = FR.Pack(value.Re);
        }
        else
        {
            x.Real[start + 2 * i * x.Inner] = FR.Pack(value.Re);
            x.Real[start + (2 * i + 1) * x.Inner] = FR.Pack(value.Im);
        }
    }

    public static void Run<T, E, F, R, FR>(GpuDevice gpu, Fft.Job job, Tensor x, Tensor y)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<Cx<T>, E> where R : unmanaged where FR : struct, ICell<T, R>
    {
        if (Math.Max(x.ElementCount, y.ElementCount) <= int.MaxValue)
        {
            if (GroupFft.Takes(job, T.IsDouble))
            {
                if (T.IsDouble)
                    GroupFft.Run<DoubleRoom, T, E, F, R, FR>(gpu, job, x, y);
                else
                    GroupFft.Run<SingleRoom, T, E, F, R, FR>(gpu, job, x, y);
                return;
            }
            if (InPlaceFft.Takes(gpu, job, T.IsDouble))
            {
                if (T.IsDouble)
                    InPlaceFft.Run<DoubleFill, T, E, F, R, FR>(gpu, job, x, y);
                else
                    InPlaceFft.Run<SingleFill, T, E, F, R, FR>(gpu, job, x, y);
                return;
            }
        }
        var (plan, dtype) = (job.Plan, x.DType.ComplexType);
        Shape scratch = [job.Outer, plan.Longest, job.Inner];
        // Kernels index real and complex numbers by 32-bit integers.
        var numbers = Math.Max(scratch.ElementCount, Math.Max(x.ElementCount, y.ElementCount));
        if (numbers > int.MaxValue)
            throw new DeviceException($"{gpu}: a Fourier transform through {numbers:N0} numbers; a launch takes at most {int.MaxValue:N0}.");
        var (a, b) = (Tensor.Empty(scratch, dtype, gpu), Tensor.Empty(scratch, dtype, gpu));
        var current = x;
        if (job.X.Parts == 1)
        {
            gpu.Launch(LoadKernel<T, E, F, R, FR>, (long)job.Outer * plan.InLength * job.Inner, new RealArguments<E, R>
            {
                Complex = GpuDevice.View<E>(a), Real = GpuDevice.View<R>(x), Length = job.X.Length, Inner = job.Inner, Spread = job.X.Spread,
            });
            current = a;
        }
        for (var k = 0; k < plan.Steps.Length; k++)
        {
            var (kind, shape) = plan.Steps[k];
            var isLast = k == plan.Steps.Length - 1 && job.Y.Parts == 2;
            var target = isLast ? y : current == a ? b : a;
            Launch<T, E, F>(gpu, kind, (long)job.Outer * shape.Outer * shape.Inner * job.Inner, new()
            {
                X = GpuDevice.View<E>(current), Y = GpuDevice.View<E>(target), Table = GpuDevice.View<E>(plan.DeviceTable(gpu, dtype)),
                Shape = shape, Inner = job.Inner, FlipX = current == x ? job.X.Flip : 0, FlipY = isLast ? job.Y.Flip : 0,
                Scale = F.Pack(Cx<T>.Of(job.Scale)), IsScaled = isLast && job.Scale != 1 ? 1 : 0, AreOnes = shape.IsLastPass ? 1 : 0,
            });
            current = target;
        }
        if (job.Y.Parts == 1)
        {
            gpu.Launch(StoreKernel<T, E, F, R, FR>, (long)job.Outer * plan.OutLength * job.Inner, new RealArguments<E, R>
            {
                Complex = GpuDevice.View<E>(current), Real = GpuDevice.View<R>(y), Length = job.Y.Length, Inner = job.Inner,
                Flip = job.Y.Flip, Spread = job.Y.Spread, Scale = FR.Pack(T.Of(job.Scale)),
            });
        }
        // The stream is in order: whoever is given this memory next writes to it after these kernels have read it.
        a.Dispose();
        b.Dispose();
    }

    static void Launch<T, E, F>(GpuDevice gpu, StepKind kind, long count, Arguments<E> arguments)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<Cx<T>, E>
    {
        switch (kind)
        {
            case StepKind.Radix2: gpu.Launch(StepKernel<Radix2, T, E, F>, count, arguments); break;
            case StepKind.Radix3: gpu.Launch(StepKernel<Radix3, T, E, F>, count, arguments); break;
            case StepKind.Radix4: gpu.Launch(StepKernel<Radix4, T, E, F>, count, arguments); break;
            case StepKind.Radix5: gpu.Launch(StepKernel<Radix5, T, E, F>, count, arguments); break;
            case StepKind.Radix7: gpu.Launch(StepKernel<Radix7, T, E, F>, count, arguments); break;
            case StepKind.Radix8: gpu.Launch(StepKernel<Radix8, T, E, F>, count, arguments); break;
            case StepKind.RadixOdd: gpu.Launch(StepKernel<RadixOdd, T, E, F>, count, arguments); break;
            case StepKind.Take: gpu.Launch(StepKernel<Take, T, E, F>, count, arguments); break;
            case StepKind.ChirpIn: gpu.Launch(StepKernel<ChirpIn, T, E, F>, count, arguments); break;
            case StepKind.ChirpSpectrum: gpu.Launch(StepKernel<ChirpSpectrum, T, E, F>, count, arguments); break;
            case StepKind.ChirpOut: gpu.Launch(StepKernel<ChirpOut, T, E, F>, count, arguments); break;
            case StepKind.RealSplit: gpu.Launch(StepKernel<RealSplit, T, E, F>, count, arguments); break;
            case StepKind.RealMerge: gpu.Launch(StepKernel<RealMerge, T, E, F>, count, arguments); break;
            default: gpu.Launch(StepKernel<HermitianFill, T, E, F>, count, arguments); break;
        }
    }
}
