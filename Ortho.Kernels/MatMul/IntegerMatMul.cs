using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.MatMul;

/// <summary>Products of integer matrices: exact, modulo 2^32 or 2^64 where they overflow, so any order gives the same numbers.</summary>
static unsafe class IntegerMatMul
{
    /// <summary>An integer type and what a product needs of it.</summary>
    internal interface INumber<E> where E : unmanaged
    {
        /// <summary>a b + c.</summary>
        static abstract E MultiplyAdd(E a, E b, E c);
    }

    internal readonly struct Int32Number : INumber<int>
    {
        [MethodImpl(Inline.Always)] public static int MultiplyAdd(int a, int b, int c) => unchecked(a * b + c);
    }

    internal readonly struct Int64Number : INumber<long>
    {
        [MethodImpl(Inline.Always)] public static long MultiplyAdd(long a, long b, long c) => unchecked(a * b + c);
    }

    public static void Run<E, N>(MatMul.Plan plan) where E : unmanaged where N : struct, INumber<E>
    {
        if (plan.Y.Device is GpuDevice gpu)
            OnDevice<E, N>(gpu, plan);
        else
            OnHost<E, N>(plan);
    }

    static void OnHost<E, N>(MatMul.Plan plan) where E : unmanaged where N : struct, INumber<E>
    {
        var (a, b, y) = ((nint)HostMemory.Pointer<E>(plan.A), (nint)HostMemory.Pointer<E>(plan.B), (nint)HostMemory.Pointer<E>(plan.Y));
        HostThreads.Range((long)plan.Batches * plan.M, Math.Max(1, HostThreads.Grain / Math.Max(1, (long)plan.K * plan.N)), (begin, end) =>
        {
            for (var at = begin; at < end; at++)
            {
                var (batch, row) = Math.DivRem(at, plan.M);
                Row<E, N>((E*)a + MatMul.Plan.BatchOffset(plan.A, batch) + row * plan.A.Layout.Strides[^2], (E*)b + MatMul.Plan.BatchOffset(plan.B, batch), (E*)y + at * plan.N, plan);
            }
        });
    }

    [MethodImpl(Inline.Root)]
    static void Row<E, N>(E* a, E* b, E* y, MatMul.Plan plan) where E : unmanaged where N : struct, INumber<E>
    {
        var (step, down, across) = ((nint)plan.A.Layout.Strides[^1], (nint)plan.B.Layout.Strides[^2], (nint)plan.B.Layout.Strides[^1]);
        new Span<E>(y, plan.N).Clear();
        for (var k = 0; k < plan.K; k++)
        {
            var factor = a[k * step];
            var row = b + k * down;
            for (var j = 0; j < plan.N; j++)
                y[j] = N.MultiplyAdd(factor, row[j * across], y[j]);
        }
    }

    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<E> A, B, Y;
        public int M, K, N;
        public int ABatch, ARow, AColumn, BBatch, BRow, BColumn;
    }

    static void OnDevice<E, N>(GpuDevice gpu, MatMul.Plan plan) where E : unmanaged where N : struct, INumber<E>
    {
        var (a, aBatch) = MatMul.Plan.Regular(plan.A);
        var (b, bBatch) = MatMul.Plan.Regular(plan.B);
        gpu.Launch(Kernel<E, N>, plan.Y.ElementCount, new Arguments<E>
        {
            A = GpuDevice.View<E>(a), B = GpuDevice.View<E>(b), Y = GpuDevice.View<E>(plan.Y), M = plan.M, K = plan.K, N = plan.N,
            ABatch = (int)aBatch, ARow = (int)a.Layout.Strides[^2], AColumn = (int)a.Layout.Strides[^1],
            BBatch = (int)bBatch, BRow = (int)b.Layout.Strides[^2], BColumn = (int)b.Layout.Strides[^1],
        });
    }

    internal static void Kernel<E, N>(Index1D index, Arguments<E> x) where E : unmanaged where N : struct, INumber<E>
    {
        var (column, row, batch) = (index % x.N, index / x.N % x.M, index / x.N / x.M);
        E sum = default;
        for (var k = 0; k < x.K; k++)
            sum = N.MultiplyAdd(x.A[batch * x.ABatch + row * x.ARow + k * x.AColumn], x.B[batch * x.BBatch + k * x.BRow + column * x.BColumn], sum);
        x.Y[index] = sum;
    }
}
