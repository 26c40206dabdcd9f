using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using Ortho.Autograd;
using Ortho.Bench.Microbenchmarks;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Bench.Gpu;

/// <summary>What a device was measured to be able to do: the two sides of its roofline.</summary>
/// <param name="CopyGigabytesPerSecond">Bytes read and written by the driver's own copy within the device, in billions a second.</param>
/// <param name="SingleGflops">Billions of float32 operations a second; a fused multiply-add is two.</param>
/// <param name="DoubleGflops">The same in float64.</param>
/// <param name="BFloat16Gflops">Billions of operations a second of <c>mma.sync</c> on bfloat16; null where there are no such tensor
/// cores.</param>
sealed record DeviceLimits(double CopyGigabytesPerSecond, double SingleGflops, double DoubleGflops, double? BFloat16Gflops)
{
    const int Threads = 256, GroupsPerMultiprocessor = 8, Accumulators = 16, Turns = 4;

    /// <summary>The least time in which work could be done, in seconds: as long as its traffic or its arithmetic takes, whichever is
    /// longer;
    /// null when its arithmetic has no measured peak.</summary>
    public double? Bound(KernelWork work) => Peak(work.Arithmetic) is { } peak
        ? Math.Max(work.Bytes / (CopyGigabytesPerSecond * 1e9), work.Flops / (peak * 1e9)) : null;

    double? Peak(Arithmetic arithmetic) => arithmetic switch
    {
        Arithmetic.Single => SingleGflops,
        Arithmetic.Double => DoubleGflops,
        _ => BFloat16Gflops,
    };

    /// <summary>Measures a device.</summary>
    /// <param name="gpu">The device.</param>
    /// <param name="scale">How much of a large GPU is asked of it.</param>
    public static DeviceLimits Measure(GpuDevice gpu, WorkScale scale) => new(
        Copies(gpu, scale.Pick(512 << 20, 16 << 20, 1 << 16), scale),
        Multiplications<F32, float, SingleCell>(gpu, scale), Multiplications<F64, double, DoubleCell>(gpu, scale),
        gpu.HasTensorCores ? TensorCores(gpu, scale) : null);

    static double Copies(GpuDevice gpu, long bytes, WorkScale scale)
    {
        var accelerator = gpu.Accelerator;
        using var from = accelerator.Allocate1D<byte>(bytes);
        using var to = accelerator.Allocate1D<byte>(bytes);
        from.MemSetToZero(accelerator.DefaultStream);
        return 2 * bytes / DeviceTimer.Measure(gpu, () => from.View.CopyTo(accelerator.DefaultStream, to.View), scale).Fastest / 1e9;
    }

    internal struct ChainArguments<E> where E : unmanaged
    {
        public ArrayView<E> Y;
        public int Rounds;
    }

    static double Multiplications<T, E, F>(GpuDevice gpu, WorkScale scale) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var threads = Math.Min(Threads, gpu.GroupSize);
        var groups = scale.Pick(GroupsPerMultiprocessor * gpu.Accelerator.NumMultiprocessors, gpu.Accelerator.NumMultiprocessors, 1);
        var rounds = scale.Pick(4096, 256, 2);
        using var scope = new TensorScope();
        var dtype = typeof(E) == typeof(float) ? DType.Float32 : DType.Float64;
        var y = Tensor.Uniform([groups * threads], new Generator(1), dtype: dtype, device: gpu);
        var arguments = new ChainArguments<E> { Y = GpuDevice.View<E>(y), Rounds = rounds };
        var seconds = DeviceTimer.Measure(gpu, () => gpu.LaunchGroups(Chains<T, E, F>, groups, threads, arguments), scale).Fastest;
        return 2.0 * Accumulators * Turns * rounds * groups * threads / seconds / 1e9;
    }

    // More independent chains than a scheduler's latency. Each begins elsewhere, at a number that only memory knows: equal ones would be
    // computed once.
    internal static void Chains<T, E, F>(ChainArguments<E> args) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var (x, y) = (T.Of(0.5), T.Of(0.25));
        var start = F.Splat(args.Y[Grid.IdxX * Group.DimX + Group.IdxX]);
        var (p, q) = (new Four<T>(start, start + x, start - x, start + y), new Four<T>(x * start, x * start + y, x * start - x, x * start + x));
        var (r, s) = (new Four<T>(y - start, x - start, y * start, y * start + x), new Four<T>(y * start - x, y * start + y, y * start - y, x * start - y));
        var round = 0;
        do
        {
            (p, q, r, s) = (p.Next(x, y), q.Next(x, y), r.Next(x, y), s.Next(x, y));
            (p, q, r, s) = (p.Next(x, y), q.Next(x, y), r.Next(x, y), s.Next(x, y));
            (p, q, r, s) = (p.Next(x, y), q.Next(x, y), r.Next(x, y), s.Next(x, y));
            (p, q, r, s) = (p.Next(x, y), q.Next(x, y), r.Next(x, y), s.Next(x, y));
            round++;
        }
        while (round < args.Rounds);
        args.Y[Grid.IdxX * Group.DimX + Group.IdxX] = F.Pack(p.Sum + q.Sum + (r.Sum + s.Sum));
    }

    readonly struct Four<T>(T a, T b, T c, T d) where T : struct, ILane<T>
    {
        readonly T a = a, b = b, c = c, d = d;

        public T Sum { [MethodImpl(Inline.Always)] get => a + b + (c + d); }

        [MethodImpl(Inline.Always)]
        public Four<T> Next(T x, T y) => new(T.Fma(a, x, y), T.Fma(b, x, y), T.Fma(c, x, y), T.Fma(d, x, y));
    }

    [StructLayout(LayoutKind.Sequential)]
    struct TensorCoreArguments
    {
        public long Y;
        public int Rounds;
    }

    static double TensorCores(GpuDevice gpu, WorkScale scale)
    {
        var groups = scale.Pick(GroupsPerMultiprocessor * gpu.Accelerator.NumMultiprocessors, gpu.Accelerator.NumMultiprocessors, 1);
        var rounds = scale.Pick(4096, 256, 2);
        using var scope = new TensorScope();
        var y = Tensor.Empty([groups * TensorCorePeak.Threads], DType.Float32, gpu);
        var arguments = new TensorCoreArguments { Y = GpuDevice.Address(y), Rounds = rounds };
        var architecture = $"sm_{gpu.Architecture.Major}{gpu.Architecture.Minor}";
        var seconds = DeviceTimer.Measure(gpu,
            () => gpu.LaunchPtx(nameof(TensorCorePeak), TensorCorePeak.Entry, TensorCorePeak.Ptx, (groups, 1, 1), TensorCorePeak.Threads, 0, arguments), scale).Fastest;
        return TensorCorePeak.FlopsOfRound(architecture) * rounds * groups / seconds / 1e9;
    }
}
