using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Ortho.Kernels.Lanes;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Ortho.Kernels.MatMul;

/// <summary>A matrix in host memory, or as many as a vector has positions, and the distances of its rows and columns.</summary>
readonly unsafe struct HostMatrix<E>(E* start, int row, int column, int rows, int columns) where E : unmanaged
{
    public readonly E* Start = start;
    public readonly int Row = row, Column = column, Rows = rows, Columns = columns;
}

/// <summary>Products of small matrices, whose results lie one behind the other in memory that somebody else holds.</summary>
abstract unsafe class HostMatrices<E> : IGradientProducts<HostMatrix<E>> where E : unmanaged
{
    E* room, result;

    /// <summary>Matrices in each element's place.</summary>
    public abstract int Width { get; }

    /// <summary>The same products with another thread's memory.</summary>
    /// <param name="room">Where results go to.</param>
    /// <param name="result">Where those go to that are not Hermitian; behind the others when null.</param>
    public HostMatrices<E> At(E* room, E* result = null)
    {
        var products = (HostMatrices<E>)MemberwiseClone();
        products.room = room;
        products.result = result;
        return products;
    }

    /// <summary>Some neighbouring dense matrices, at most <see cref="Width"/>.</summary>
    public abstract HostMatrix<E> Load(E* from, int count, int rows, int columns);

    /// <summary>Writes them as such.</summary>
    public abstract void Save(HostMatrix<E> x, E* to, int count);

    public HostMatrix<E> Adjoint(HostMatrix<E> x) => new(x.Start, x.Column, x.Row, x.Columns, x.Rows);

    public abstract HostMatrix<E> Product(HostMatrix<E> a, HostMatrix<E> b, bool isHermitian);

    public abstract HostMatrix<E> Product(HostMatrix<E> a, HostMatrix<E> b, HostMatrix<E> c, double alpha, double beta, bool isHermitian);

    public abstract HostMatrix<E> Shifted(HostMatrix<E> x, double factor, double shift);

    public abstract HostMatrix<E> Symmetric(HostMatrix<E> x);

    /// <summary>Room for a dense result.</summary>
    protected HostMatrix<E> Room(int rows, int columns, bool isResult = false)
    {
        if (isResult && result is not null)
            return new(result, columns, 1, rows, columns);
        var y = new HostMatrix<E>(room, columns, 1, rows, columns);
        room += (nint)rows * columns * Width;
        return y;
    }
}

/// <summary>One matrix after the other, by tiles.</summary>
sealed unsafe class TiledMatrices<E, T, F> : HostMatrices<E> where E : unmanaged where T : struct, ILane<T> where F : struct, ICell<T, E>
{
    readonly HostProducts<E> products = HostProducts<E>.Of<T, F>();

    public override int Width => 1;

    public override HostMatrix<E> Load(E* from, int count, int rows, int columns) => new(from, columns, 1, rows, columns);

    public override void Save(HostMatrix<E> x, E* to, int count) => Copy(x, to);

    static void Copy(HostMatrix<E> x, E* to)
    {
        if (x.Column == 1 && x.Row == x.Columns)
        {
            Buffer.MemoryCopy(x.Start, to, (long)x.Rows * x.Columns * sizeof(E), (long)x.Rows * x.Columns * sizeof(E));
            return;
        }
        for (var i = 0; i < x.Rows; i++)
        {
            for (var j = 0; j < x.Columns; j++)
                *to++ = x.Start[(nint)i * x.Row + (nint)j * x.Column];
        }
    }

    public override HostMatrix<E> Product(HostMatrix<E> a, HostMatrix<E> b, bool isHermitian) => Run(a, b, new() { IsHermitian = isHermitian });

    public override HostMatrix<E> Product(HostMatrix<E> a, HostMatrix<E> b, HostMatrix<E> c, double alpha, double beta, bool isHermitian)
    {
        if (c.Column != 1)
        {
            var dense = Room(c.Rows, c.Columns);
            Copy(c, dense.Start);
            c = dense;
        }
        return Run(a, b, new() { Scales = true, C = c.Start, CRow = c.Row, Alpha = F.Pack(T.Of(alpha)), Beta = F.Pack(T.Of(beta)), IsHermitian = isHermitian });
    }

    HostMatrix<E> Run(HostMatrix<E> a, HostMatrix<E> b, HostProduct<E> product)
    {
        var y = Room(a.Rows, b.Columns, !product.IsHermitian);
        product.A = new(a.Start, a.Row, a.Column);
        product.B = new(b.Start, b.Row, b.Column);
        product.Y = y.Start;
        (product.M, product.K, product.N) = (a.Rows, a.Columns, b.Columns);
        product.IsHermitian &= MatMul.IsHalved(a.Rows);
        products.Run(product, parallel: false);
        return y;
    }

    public override HostMatrix<E> Shifted(HostMatrix<E> x, double factor, double shift)
    {
        var y = Room(x.Rows, x.Rows);
        var count = x.Rows * x.Rows;
        if (factor == 1)
            new Span<E>(x.Start, count).CopyTo(new(y.Start, count));
        else if (typeof(E) == typeof(float))
            TensorPrimitives.Multiply(new Span<float>(x.Start, count), (float)factor, new Span<float>(y.Start, count));
        else
            TensorPrimitives.Multiply(new Span<double>(x.Start, count), factor, new Span<double>(y.Start, count));
        for (var i = 0; i < count; i += x.Rows + 1)
            F.Store(y.Start + i, F.Load(y.Start + i) + T.Of(shift));
        return y;
    }

    [MethodImpl(Inline.Root)]
    public override HostMatrix<E> Symmetric(HostMatrix<E> x)
    {
        var (y, n) = (Room(x.Rows, x.Rows), x.Rows);
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                var sum = F.Load(x.Start + (nint)i * n + j) + F.Load(x.Start + (nint)j * n + i);
                F.Store(y.Start + (nint)i * n + j, sum);
                F.Store(y.Start + (nint)j * n + i, sum);
            }
        }
        return y;
    }
}

/// <summary>One matrix in each position of vectors.</summary>
static class LaneMatrices<E> where E : unmanaged
{
    /// <summary>In the widest that are accelerated.</summary>
    public static HostMatrices<E> Of<T, F>() where T : struct, ILane<T> where F : struct, ICell<T, E>
        => Vector512.IsHardwareAccelerated ? new LaneMatrices<E, Vec512<E>, Packed512<E>>()
            : Vector256.IsHardwareAccelerated ? new LaneMatrices<E, Vec256<E>, Packed256<E>>()
            : Vector128.IsHardwareAccelerated ? new LaneMatrices<E, Vec128<E>, Packed128<E>>()
            : new LaneMatrices<E, T, F>();
}

/// <summary>One matrix in each position of vectors; each element by the arithmetic of <see cref="MatMul"/> for one chain.</summary>
sealed unsafe class LaneMatrices<E, V, FV> : HostMatrices<E> where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
{
    public override int Width => FV.Width;

    [MethodImpl(Inline.Root)]
    public override HostMatrix<E> Load(E* from, int count, int rows, int columns)
    {
        var (y, elements) = (Room(rows, columns), rows * columns);
        for (var k = 0; k < elements; k++)
        {
            for (var lane = 0; lane < FV.Width; lane++)
                y.Start[(nint)k * FV.Width + lane] = lane < count ? from[(nint)lane * elements + k] : default;
        }
        return y;
    }

    [MethodImpl(Inline.Root)]
    public override void Save(HostMatrix<E> x, E* to, int count)
    {
        for (var i = 0; i < x.Rows; i++)
        {
            for (var j = 0; j < x.Columns; j++, to++)
            {
                for (var lane = 0; lane < count; lane++)
                    to[(nint)lane * x.Rows * x.Columns] = x.Start[((nint)i * x.Row + (nint)j * x.Column) * FV.Width + lane];
            }
        }
    }

    public override HostMatrix<E> Product(HostMatrix<E> a, HostMatrix<E> b, bool isHermitian)
    {
        var y = Room(a.Rows, b.Columns, !isHermitian);
        Multiply(a, b, y, y, scales: false, V.Of(0), V.Of(0));
        return y;
    }

    public override HostMatrix<E> Product(HostMatrix<E> a, HostMatrix<E> b, HostMatrix<E> c, double alpha, double beta, bool isHermitian)
    {
        var y = Room(a.Rows, b.Columns, !isHermitian);
        Multiply(a, b, y, c, scales: true, V.Of(alpha), V.Of(beta));
        return y;
    }

    // Four rows and four columns at once; beyond the last one the last is computed again.
    [MethodImpl(Inline.Root)]
    static void Multiply(HostMatrix<E> a, HostMatrix<E> b, HostMatrix<E> y, HostMatrix<E> c, bool scales, V alpha, V beta)
    {
        for (var i = 0; i < a.Rows; i += 4)
        {
            var (i1, i2, i3) = (Math.Min(i + 1, a.Rows - 1), Math.Min(i + 2, a.Rows - 1), Math.Min(i + 3, a.Rows - 1));
            for (var j = 0; j < b.Columns; j += 4)
            {
                var (j1, j2, j3) = (Math.Min(j + 1, b.Columns - 1), Math.Min(j + 2, b.Columns - 1), Math.Min(j + 3, b.Columns - 1));
                E* a0 = At(a, i, 0), a1 = At(a, i1, 0), a2 = At(a, i2, 0), a3 = At(a, i3, 0);
                E* b0 = At(b, 0, j), b1 = At(b, 0, j1), b2 = At(b, 0, j2), b3 = At(b, 0, j3);
                nint nextA = (nint)a.Column * FV.Width, nextB = (nint)b.Row * FV.Width;
                V c00 = V.Of(0), c01 = c00, c02 = c00, c03 = c00, c10 = c00, c11 = c00, c12 = c00, c13 = c00;
                V c20 = c00, c21 = c00, c22 = c00, c23 = c00, c30 = c00, c31 = c00, c32 = c00, c33 = c00;
                for (var k = a.Columns; k > 0; k--)
                {
                    var (x0, x1, x2, x3) = (FV.Load(b0), FV.Load(b1), FV.Load(b2), FV.Load(b3));
                    var s = FV.Load(a0);
                    (c00, c01, c02, c03) = (V.Fma(s, x0, c00), V.Fma(s, x1, c01), V.Fma(s, x2, c02), V.Fma(s, x3, c03));
                    s = FV.Load(a1);
                    (c10, c11, c12, c13) = (V.Fma(s, x0, c10), V.Fma(s, x1, c11), V.Fma(s, x2, c12), V.Fma(s, x3, c13));
                    s = FV.Load(a2);
                    (c20, c21, c22, c23) = (V.Fma(s, x0, c20), V.Fma(s, x1, c21), V.Fma(s, x2, c22), V.Fma(s, x3, c23));
                    s = FV.Load(a3);
                    (c30, c31, c32, c33) = (V.Fma(s, x0, c30), V.Fma(s, x1, c31), V.Fma(s, x2, c32), V.Fma(s, x3, c33));
                    a0 += nextA;
                    a1 += nextA;
                    a2 += nextA;
                    a3 += nextA;
                    b0 += nextB;
                    b1 += nextB;
                    b2 += nextB;
                    b3 += nextB;
                }
                Row(y, c, i, j, j1, j2, j3, c00, c01, c02, c03, scales, alpha, beta);
                Row(y, c, i1, j, j1, j2, j3, c10, c11, c12, c13, scales, alpha, beta);
                Row(y, c, i2, j, j1, j2, j3, c20, c21, c22, c23, scales, alpha, beta);
                Row(y, c, i3, j, j1, j2, j3, c30, c31, c32, c33, scales, alpha, beta);
            }
        }
    }

    [MethodImpl(Inline.Always)]
    static E* At(HostMatrix<E> x, int i, int j) => x.Start + ((nint)i * x.Row + (nint)j * x.Column) * FV.Width;

    [MethodImpl(Inline.Always)]
    static void Row(HostMatrix<E> y, HostMatrix<E> c, int i, int j0, int j1, int j2, int j3, V s0, V s1, V s2, V s3, bool scales, V alpha, V beta)
    {
        FV.Store(At(y, i, j0), scales ? V.Fma(FV.Load(At(c, i, j0)), beta, s0 * alpha) : s0);
        FV.Store(At(y, i, j1), scales ? V.Fma(FV.Load(At(c, i, j1)), beta, s1 * alpha) : s1);
        FV.Store(At(y, i, j2), scales ? V.Fma(FV.Load(At(c, i, j2)), beta, s2 * alpha) : s2);
        FV.Store(At(y, i, j3), scales ? V.Fma(FV.Load(At(c, i, j3)), beta, s3 * alpha) : s3);
    }

    [MethodImpl(Inline.Root)]
    public override HostMatrix<E> Shifted(HostMatrix<E> x, double factor, double shift)
    {
        var (y, n) = (Room(x.Rows, x.Rows), x.Rows);
        for (var k = 0; k < n * n; k++)
        {
            var scaled = FV.Load(x.Start + (nint)k * FV.Width) * V.Of(factor);
            FV.Store(y.Start + (nint)k * FV.Width, k % (n + 1) == 0 ? scaled + V.Of(shift) : scaled);
        }
        return y;
    }

    [MethodImpl(Inline.Root)]
    public override HostMatrix<E> Symmetric(HostMatrix<E> x)
    {
        var y = Room(x.Rows, x.Rows);
        for (var i = 0; i < x.Rows; i++)
        {
            for (var j = 0; j < x.Rows; j++)
                FV.Store(At(y, i, j), FV.Load(At(x, i, j)) + FV.Load(At(x, j, i)));
        }
        return y;
    }
}
