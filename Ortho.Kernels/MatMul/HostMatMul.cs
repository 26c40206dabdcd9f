using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.MatMul;

/// <summary>The host half of <see cref="MatMul"/>: packed panels and a register-blocked micro-kernel.</summary>
/// <remarks>
/// A complex product is a real one: with the parts of b's rows interleaved (Re b_0, Im b_0, Re b_1, ...), the real part of a row of the
/// result is (Re a_0, -Im a_0, Re a_1, ...) times them and the imaginary part (Im a_0, Re a_0, Im a_1, ...) times them. So complex
/// matrices are packed as real ones of twice the rows and twice the inner dimension and run at the speed of real vectors.
/// </remarks>
static unsafe class HostMatMul
{
    // The micro-kernel holds MicroRows x MicroVectors vectors of the result in registers (12 of AVX2's 16).
    const int MicroRows = 4;
    const int MicroVectors = 3;

    // A block of a's rows stays in the second-level cache while b's panel streams by.
    const int RowBlock = 96;

    // Columns of b packed at once.
    const int ColumnBlock = 1536;

    public static void Run<E, T, F>(MatMul.Plan plan) where E : unmanaged where T : struct, ILane<T> where F : struct, ICell<T, E>
    {
        if (Vector512.IsHardwareAccelerated)
            Run<E, Vec512<E>, Packed512<E>>(plan, plan.A.DType.IsComplex);
        else if (Vector256.IsHardwareAccelerated)
            Run<E, Vec256<E>, Packed256<E>>(plan, plan.A.DType.IsComplex);
        else if (Vector128.IsHardwareAccelerated)
            Run<E, Vec128<E>, Packed128<E>>(plan, plan.A.DType.IsComplex);
        else
            Run<E, T, F>(plan, plan.A.DType.IsComplex);
    }

    /// <summary>A real matrix to be read: where an element of it is, and whether its rows or columns interleave the parts of complex ones.</summary>
    readonly struct Source(nint start, long rowStride, long columnStride, bool complex)
    {
        // Strides count real numbers.
        public readonly nint Start = start;
        public readonly nint Row = (nint)(rowStride * (complex ? 2 : 1)), Column = (nint)(columnStride * (complex ? 2 : 1));
        public readonly bool Complex = complex;
    }

    static void Run<E, V, FV>(MatMul.Plan plan, bool complex) where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        var parts = complex ? 2 : 1;
        var (m, k, n) = (plan.M * parts, plan.K * parts, plan.N);
        var (a, b, y) = ((nint)HostMemory.Pointer<byte>(plan.A.View(Layout.Dense([]))), (nint)HostMemory.Pointer<byte>(plan.B.View(Layout.Dense([]))),
            (nint)HostMemory.Pointer<byte>(plan.Y.View(Layout.Dense([]))));
        var size = plan.A.DType.Size;

        void Batch(int batch, bool parallel)
        {
            var aAt = new Source(a + (nint)((plan.A.Layout.Offset + MatMul.Plan.BatchOffset(plan.A, batch)) * size), plan.A.Layout.Strides[^2], plan.A.Layout.Strides[^1], complex);
            var bAt = new Source(b + (nint)((plan.B.Layout.Offset + MatMul.Plan.BatchOffset(plan.B, batch)) * size), plan.B.Layout.Strides[^2], plan.B.Layout.Strides[^1], complex);
            Multiply<E, V, FV>(aAt, bAt, y + (nint)((long)batch * plan.M * plan.N * size), m, k, n, complex, parallel);
        }

        var work = (long)m * n * k;
        if (plan.Batches == 1)
        {
            Batch(0, work > 1 << 18);
            return;
        }
        HostThreads.Range(plan.Batches, Math.Max(1, (1 << 18) / Math.Max(1, work)), (begin, end) =>
        {
            for (var batch = begin; batch < end; batch++)
                Batch((int)batch, parallel: false);
        });
    }

    [ThreadStatic] static nint panelA, panelB;
    [ThreadStatic] static nuint panelABytes, panelBBytes;

    // Panels live as long as their thread: packing must not allocate in the steady state.
    static E* Panel<E>(ref nint panel, ref nuint bytes, nuint elements) where E : unmanaged
    {
        var needed = elements * (nuint)sizeof(E);
        if (needed > bytes)
        {
            NativeMemory.AlignedFree((void*)panel);
            panel = (nint)NativeMemory.AlignedAlloc(needed, 64);
            bytes = needed;
        }
        return (E*)panel;
    }

    static void Multiply<E, V, FV>(Source a, Source b, nint y, int m, int k, int n, bool complex, bool parallel)
        where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        var strip = MicroVectors * FV.Width;
        if (k == 0)
        {
            new Span<E>((E*)y, m * n).Clear();
            return;
        }
        for (var j0 = 0; j0 < n; j0 += ColumnBlock)
        {
            var columns = Math.Min(ColumnBlock, n - j0);
            var strips = (columns + strip - 1) / strip;
            for (var k0 = 0; k0 < k; k0 += MatMul.KBlock)
            {
                var depth = Math.Min(MatMul.KBlock, k - k0);
                var packedB = Panel<E>(ref panelB, ref panelBBytes, (nuint)(strips * strip * MatMul.KBlock));
                for (var s = 0; s < strips; s++)
                    PackB<E>(b, packedB + (nint)s * strip * depth, k0, depth, j0 + s * strip, Math.Min(strip, n - j0 - s * strip), strip);
                var blocks = (m + RowBlock - 1) / RowBlock;
                var (columnStart, innerStart, panel) = (j0, k0, (nint)packedB);
                void Block(int block)
                {
                    var i0 = block * RowBlock;
                    var rows = Math.Min(RowBlock, m - i0);
                    var packedA = Panel<E>(ref panelA, ref panelABytes, RowBlock * MatMul.KBlock);
                    for (var i = 0; i < rows; i += MicroRows)
                        PackA<E>(a, packedA + (nint)i * depth, i0 + i, Math.Min(MicroRows, rows - i), innerStart, depth);
                    for (var s = 0; s < strips; s++)
                    {
                        for (var i = 0; i < rows; i += MicroRows)
                        {
                            Tile<E, V, FV>(packedA + (nint)i * depth, (E*)panel + (nint)s * strip * depth, depth, (E*)y, n, complex,
                                i0 + i, Math.Min(MicroRows, rows - i), columnStart + s * strip, Math.Min(strip, n - columnStart - s * strip), add: innerStart > 0);
                        }
                    }
                }
                if (parallel)
                {
                    HostThreads.For(blocks, Block);
                }
                else
                {
                    for (var block = 0; block < blocks; block++)
                        Block(block);
                }
            }
        }
    }

    // One strip of b: depth rows of `strip` neighbouring columns, zero beyond the last.
    static void PackB<E>(Source b, E* to, int k0, int depth, int j0, int columns, int strip) where E : unmanaged
    {
        for (var k = 0; k < depth; k++)
        {
            var inner = k0 + k;
            var from = b.Complex ? (E*)b.Start + (inner >> 1) * b.Row + (inner & 1) : (E*)b.Start + inner * b.Row;
            from += j0 * b.Column;
            if (b.Column == 1)
            {
                new ReadOnlySpan<E>(from, columns).CopyTo(new Span<E>(to, columns));
            }
            else
            {
                for (var j = 0; j < columns; j++)
                    to[j] = from[j * b.Column];
            }
            new Span<E>(to + columns, strip - columns).Clear();
            to += strip;
        }
    }

    // MicroRows rows of a, their elements of one inner index beside each other, zero beyond the last row.
    static void PackA<E>(Source a, E* to, int i0, int rows, int k0, int depth) where E : unmanaged
    {
        for (var i = 0; i < MicroRows; i++)
        {
            if (i >= rows)
            {
                for (var k = 0; k < depth; k++)
                    to[k * MicroRows + i] = default;
                continue;
            }
            if (!a.Complex)
            {
                var from = (E*)a.Start + (i0 + i) * a.Row + k0 * a.Column;
                for (var k = 0; k < depth; k++)
                    to[k * MicroRows + i] = from[k * a.Column];
                continue;
            }
            // Rows 2i and 2i + 1 stand for the real and imaginary part of complex row i; a chain never splits a complex product.
            var (row, imaginary) = ((i0 + i) >> 1, ((i0 + i) & 1) == 1);
            var complexRow = (E*)a.Start + row * a.Row + (k0 >> 1) * a.Column;
            for (var k = 0; k < depth; k += 2)
            {
                var (re, im) = (complexRow[0], complexRow[1]);
                (to[k * MicroRows + i], to[(k + 1) * MicroRows + i]) = imaginary ? (im, re) : (re, Negate(im));
                complexRow += a.Column;
            }
        }
    }

    static E Negate<E>(E value) where E : unmanaged
        => typeof(E) == typeof(float) ? Unsafe.BitCast<float, E>(-Unsafe.BitCast<E, float>(value)) : Unsafe.BitCast<double, E>(-Unsafe.BitCast<E, double>(value));

    static void Tile<E, V, FV>(E* a, E* b, int depth, E* y, int n, bool complex, int i0, int rows, int j0, int columns, bool add)
        where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        var strip = MicroVectors * FV.Width;
        if (rows == MicroRows && columns == strip && !complex)
        {
            Micro<E, V, FV>(a, b, depth, y + (nint)i0 * n + j0, n, add);
            return;
        }
        // At the edges, and for interleaved parts, the tile is made aside.
        var tile = stackalloc E[MicroRows * strip];
        Micro<E, V, FV>(a, b, depth, tile, strip, add: false);
        for (var i = 0; i < rows; i++)
        {
            var step = complex ? 2 : 1;
            var to = complex ? y + ((nint)((i0 + i) >> 1) * n + j0) * 2 + ((i0 + i) & 1) : y + (nint)(i0 + i) * n + j0;
            for (var j = 0; j < columns; j++)
                to[j * step] = add ? Sum(to[j * step], tile[i * strip + j]) : tile[i * strip + j];
        }
    }

    static E Sum<E>(E a, E b) where E : unmanaged
        => typeof(E) == typeof(float)
            ? Unsafe.BitCast<float, E>(Unsafe.BitCast<E, float>(a) + Unsafe.BitCast<E, float>(b))
            : Unsafe.BitCast<double, E>(Unsafe.BitCast<E, double>(a) + Unsafe.BitCast<E, double>(b));

    [MethodImpl(Inline.Root)]
    static void Micro<E, V, FV>(E* a, E* b, int depth, E* y, int stride, bool add)
        where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        var w = FV.Width;
        V c00 = V.Of(0), c01 = c00, c02 = c00, c10 = c00, c11 = c00, c12 = c00, c20 = c00, c21 = c00, c22 = c00, c30 = c00, c31 = c00, c32 = c00;
        for (var k = 0; k < depth; k++)
        {
            var (b0, b1, b2) = (FV.Load(b), FV.Load(b + w), FV.Load(b + 2 * w));
            var x = FV.Splat(a[0]);
            c00 = V.Fma(x, b0, c00);
            c01 = V.Fma(x, b1, c01);
            c02 = V.Fma(x, b2, c02);
            x = FV.Splat(a[1]);
            c10 = V.Fma(x, b0, c10);
            c11 = V.Fma(x, b1, c11);
            c12 = V.Fma(x, b2, c12);
            x = FV.Splat(a[2]);
            c20 = V.Fma(x, b0, c20);
            c21 = V.Fma(x, b1, c21);
            c22 = V.Fma(x, b2, c22);
            x = FV.Splat(a[3]);
            c30 = V.Fma(x, b0, c30);
            c31 = V.Fma(x, b1, c31);
            c32 = V.Fma(x, b2, c32);
            a += MicroRows;
            b += MicroVectors * w;
        }
        Put<E, V, FV>(y, w, c00, c01, c02, add);
        Put<E, V, FV>(y + stride, w, c10, c11, c12, add);
        Put<E, V, FV>(y + 2 * (nint)stride, w, c20, c21, c22, add);
        Put<E, V, FV>(y + 3 * (nint)stride, w, c30, c31, c32, add);
    }

    [MethodImpl(Inline.Always)]
    static void Put<E, V, FV>(E* y, int w, V c0, V c1, V c2, bool add) where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        if (add)
            (c0, c1, c2) = (FV.Load(y) + c0, FV.Load(y + w) + c1, FV.Load(y + 2 * w) + c2);
        FV.Store(y, c0);
        FV.Store(y + w, c1);
        FV.Store(y + 2 * w, c2);
    }
}
