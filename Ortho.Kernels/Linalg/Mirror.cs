using System.Numerics;
using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Linalg;

/// <summary>Hermitian matrices from their upper triangles.</summary>
public static class Mirror
{
    /// <summary>y_ij = x_ij and y_ji = conj(x_ij) above the diagonal, the real part of x on it.</summary>
    /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
    public static Tensor Run(Tensor x)
    {
        var given = Copy.Contiguous(Matrices.Square(x, "Mirror", nameof(x)));
        var y = Tensor.Empty(x.Shape, x.DType, x.Device);
        if (y.ElementCount == 0)
            return y;
        switch (x.DType)
        {
            case DType.Float32: Typed<F32, float, SingleCell>(given, y); break;
            case DType.Float64: Typed<F64, double, DoubleCell>(given, y); break;
            case DType.Complex64: Typed<Cx<F32>, Complex64, Complex64Cell>(given, y); break;
            default: Typed<Cx<F64>, Complex, Complex128Cell>(given, y); break;
        }
        return y;
    }

    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<E> X, Y;
        public int N;
    }

    static unsafe void Typed<T, E, F>(Tensor x, Tensor y) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var n = x.Shape[2];
        if (x.Device is GpuDevice gpu)
        {
            gpu.Launch(Kernel<T, E, F>, y.ElementCount, new Arguments<E> { X = GpuDevice.View<E>(x), Y = GpuDevice.View<E>(y), N = n });
            return;
        }
        var (from, to, size) = ((nint)HostMemory.Pointer<E>(x), (nint)HostMemory.Pointer<E>(y), (nint)n * n);
        HostThreads.Range(x.Shape[0], Math.Max(1, HostThreads.Grain / size), (begin, end) =>
        {
            for (var matrix = begin; matrix < end; matrix++)
                One<T, E, F>((E*)from + matrix * size, (E*)to + matrix * size, n);
        });
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    // By squares, of which both sides stay in the first cache.
    const int Square = 16;

    [MethodImpl(Inline.Root)]
    static unsafe void One<T, E, F>(E* x, E* y, int n) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        for (var i0 = 0; i0 < n; i0 += Square)
        {
            var end = Math.Min(n, i0 + Square);
            for (var j0 = 0; j0 < end; j0 += Square)
            {
                for (var i = i0; i < end; i++)
                {
                    for (var j = j0; j < Math.Min(i, j0 + Square); j++)
                        F.Store(y + (nint)i * n + j, T.Conj(F.Load(x + (nint)j * n + i)));
                }
            }
            for (var i = i0; i < end; i++)
            {
                var row = (nint)i * n;
                F.Store(y + row + i, T.RealPart(F.Load(x + row + i)));
                new ReadOnlySpan<E>(x + row + i + 1, n - i - 1).CopyTo(new Span<E>(y + row + i + 1, n - i - 1));
            }
        }
    }

    internal static void Kernel<T, E, F>(Index1D index, Arguments<E> x) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        int at = index;
        var (i, j) = (at / x.N % x.N, at % x.N);
        var matrix = at - i * x.N - j;
        var value = F.Splat(x.X[i <= j ? at : matrix + j * x.N + i]);
        if (i == j)
            value = T.RealPart(value);
        if (i > j)
            value = T.Conj(value);
        x.Y[at] = F.Pack(value);
    }
}
