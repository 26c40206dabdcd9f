using System.Runtime.Intrinsics;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.MatMul;

/// <summary>One product of real matrices (complex ones as real ones of twice the rows and inner dimension; see <see cref="Panels"/>) in host memory.</summary>
unsafe struct HostProduct<E> where E : unmanaged
{
    public Source<E> A, B;
    public E* Y;

    /// <summary>Whether the result is <see cref="Alpha"/> times the product plus <see cref="Beta"/> times <see cref="C"/>, whose columns
    /// are neighbours.</summary>
    public bool Scales;
    public E Alpha, Beta;
    public E* C;
    public nint CRow;

    public int M, K, N;
    public bool IsComplex, IsHermitian;

    /// <summary>Real numbers of a row of the result.</summary>
    public readonly nint YRow => IsComplex ? 2 * (nint)N : N;

    public readonly long Work => (long)M * K * N;

    /// <summary>Whether more is to be done with the sums of a chain than to store them.</summary>
    public readonly bool NeedsFinish(int k0, int depth) => IsComplex || k0 > 0 || (Scales && depth == K);

    /// <summary>How sums made aside become the result from (<paramref name="i"/>, <paramref name="j"/>) on, which counts the real numbers
    /// of a row.</summary>
    public readonly FinishArguments<E> Finish(E* sums, nint sumRow, int rows, int columns, int i, int j, int k0, int depth) => new()
    {
        Sums = sums, SumRow = sumRow, Rows = rows, Columns = columns, Y = Y + i * YRow + j, YRow = YRow,
        Adds = k0 > 0, Scales = Scales && k0 + depth == K, Alpha = Alpha, Beta = Beta, C = C + i * CRow + j, CRow = CRow,
    };
}

/// <summary>Products in host memory, on the widest vectors that are accelerated.</summary>
abstract class HostProducts<E> where E : unmanaged
{
    /// <summary>Computes one product.</summary>
    /// <param name="x">The product.</param>
    /// <param name="parallel">Whether on all threads, or on this one.</param>
    public abstract void Run(HostProduct<E> x, bool parallel);

    /// <summary>Those of an element type.</summary>
    public static HostProducts<E> Of<T, F>() where T : struct, ILane<T> where F : struct, ICell<T, E> => Widest<T, F>.Products;

    static class Widest<T, F> where T : struct, ILane<T> where F : struct, ICell<T, E>
    {
        public static readonly HostProducts<E> Products
            = Vector512.IsHardwareAccelerated ? new BlockedProducts<E, T, F, Vec512<E>, Packed512<E>>()
            : Vector256.IsHardwareAccelerated ? new BlockedProducts<E, T, F, Vec256<E>, Packed256<E>>()
            : Vector128.IsHardwareAccelerated ? new BlockedProducts<E, T, F, Vec128<E>, Packed128<E>>()
            : new BlockedProducts<E, T, F, T, F>();
    }
}
