using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.Host;

/// <summary>Permutations within vectors: pairs to their parts and back, and tiles of as many rows as a vector has elements, transposed.</summary>
/// <remarks>The tests of types are folded by the JIT: each closed method holds the instructions of its width only.</remarks>
static unsafe class Weave
{
    /// <summary>The real and imaginary parts of as many neighbouring complex numbers as a vector has elements.</summary>
    [MethodImpl(Inline.Always)]
    public static Cx<V> Unzip<V, E, FV>(E* pairs) where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
    {
        var (a, b) = (FV.Load(pairs), FV.Load(pairs + FV.Width));
        if (typeof(V) == typeof(Vec512<float>))
        {
            var (x, y) = (As512<V, float>(a), As512<V, float>(b));
            return new(
                From512<V, float>(Avx512F.PermuteVar16x32x2(x, Vector512.Create(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30), y)),
                From512<V, float>(Avx512F.PermuteVar16x32x2(x, Vector512.Create(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31), y)));
        }
        if (typeof(V) == typeof(Vec512<double>))
        {
            var (x, y) = (As512<V, double>(a), As512<V, double>(b));
            return new(
                From512<V, double>(Avx512F.PermuteVar8x64x2(x, Vector512.Create(0L, 2, 4, 6, 8, 10, 12, 14), y)),
                From512<V, double>(Avx512F.PermuteVar8x64x2(x, Vector512.Create(1L, 3, 5, 7, 9, 11, 13, 15), y)));
        }
        if (typeof(V) == typeof(Vec256<float>))
        {
            var (x, y) = (As256<V, float>(a), As256<V, float>(b));
            return new(
                From256<V, double>(Avx2.Permute4x64(Avx.Shuffle(x, y, 0b10_00_10_00).AsDouble(), 0b11_01_10_00)),
                From256<V, double>(Avx2.Permute4x64(Avx.Shuffle(x, y, 0b11_01_11_01).AsDouble(), 0b11_01_10_00)));
        }
        if (typeof(V) == typeof(Vec256<double>))
        {
            var (x, y) = (As256<V, double>(a), As256<V, double>(b));
            return new(
                From256<V, double>(Avx2.Permute4x64(Avx.UnpackLow(x, y), 0b11_01_10_00)),
                From256<V, double>(Avx2.Permute4x64(Avx.UnpackHigh(x, y), 0b11_01_10_00)));
        }
        if (typeof(V) == typeof(Vec128<float>))
        {
            var (x, y) = (As128<V, float>(a), As128<V, float>(b));
            return Sse.IsSupported
                ? new(From128<V, float>(Sse.Shuffle(x, y, 0b10_00_10_00)), From128<V, float>(Sse.Shuffle(x, y, 0b11_01_11_01)))
                : new(From128<V, float>(Vector128.Create(x[0], x[2], y[0], y[2])), From128<V, float>(Vector128.Create(x[1], x[3], y[1], y[3])));
        }
        if (typeof(V) == typeof(Vec128<double>))
        {
            var (x, y) = (As128<V, double>(a), As128<V, double>(b));
            return new(From128<V, double>(Low(x, y)), From128<V, double>(High(x, y)));
        }
        return new(a, b);
    }

    /// <summary>The inverse of <see cref="Unzip"/>.</summary>
    [MethodImpl(Inline.Always)]
    public static void Zip<V, E, FV>(E* pairs, Cx<V> value) where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
    {
        V first, second;
        if (typeof(V) == typeof(Vec512<float>))
        {
            var (x, y) = (As512<V, float>(value.Re), As512<V, float>(value.Im));
            first = From512<V, float>(Avx512F.PermuteVar16x32x2(x, Vector512.Create(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23), y));
            second = From512<V, float>(Avx512F.PermuteVar16x32x2(x, Vector512.Create(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), y));
        }
        else if (typeof(V) == typeof(Vec512<double>))
        {
            var (x, y) = (As512<V, double>(value.Re), As512<V, double>(value.Im));
            first = From512<V, double>(Avx512F.PermuteVar8x64x2(x, Vector512.Create(0L, 8, 1, 9, 2, 10, 3, 11), y));
            second = From512<V, double>(Avx512F.PermuteVar8x64x2(x, Vector512.Create(4L, 12, 5, 13, 6, 14, 7, 15), y));
        }
        else if (typeof(V) == typeof(Vec256<float>))
        {
            var (x, y) = (As256<V, float>(value.Re), As256<V, float>(value.Im));
            var (low, high) = (Avx.UnpackLow(x, y), Avx.UnpackHigh(x, y));
            (first, second) = (From256<V, float>(Avx.Permute2x128(low, high, 0x20)), From256<V, float>(Avx.Permute2x128(low, high, 0x31)));
        }
        else if (typeof(V) == typeof(Vec256<double>))
        {
            var (x, y) = (As256<V, double>(value.Re), As256<V, double>(value.Im));
            var (low, high) = (Avx.UnpackLow(x, y), Avx.UnpackHigh(x, y));
            (first, second) = (From256<V, double>(Avx.Permute2x128(low, high, 0x20)), From256<V, double>(Avx.Permute2x128(low, high, 0x31)));
        }
        else if (typeof(V) == typeof(Vec128<float>))
        {
            var (x, y) = (As128<V, float>(value.Re), As128<V, float>(value.Im));
            (first, second) = (From128<V, float>(Low(x, y)), From128<V, float>(High(x, y)));
        }
        else if (typeof(V) == typeof(Vec128<double>))
        {
            var (x, y) = (As128<V, double>(value.Re), As128<V, double>(value.Im));
            (first, second) = (From128<V, double>(Low(x, y)), From128<V, double>(High(x, y)));
        }
        else
        {
            (first, second) = (value.Re, value.Im);
        }
        FV.Store(pairs, first);
        FV.Store(pairs + FV.Width, second);
    }

    /// <summary>Transposes a tile: element e of row w, at <c>from[w] + at</c>, goes to place w of row e, at <c>to[e] + place</c>.</summary>
    /// <remarks>First the 128-bit lanes of rows that lie a lane's elements apart change places, then the elements within the lanes.</remarks>
    [MethodImpl(Inline.Root)]
    [SkipLocalsInit]
    public static void Transpose<V, E, FV>(nint* from, nint at, nint* to, nint place) where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
    {
        if (typeof(V) == typeof(Vec512<float>))
        {
            var tile = stackalloc Vector512<float>[16];
            for (var j = 0; j < 4; j++)
            {
                var (a, b) = (Vector512.Load((float*)from[j] + at), Vector512.Load((float*)from[j + 4] + at));
                var (c, d) = (Vector512.Load((float*)from[j + 8] + at), Vector512.Load((float*)from[j + 12] + at));
                var (ab, cd) = (Avx512F.Shuffle4x128(a, b, 0b10_00_10_00), Avx512F.Shuffle4x128(c, d, 0b10_00_10_00));
                (tile[j], tile[8 + j]) = (Avx512F.Shuffle4x128(ab, cd, 0b10_00_10_00), Avx512F.Shuffle4x128(ab, cd, 0b11_01_11_01));
                (ab, cd) = (Avx512F.Shuffle4x128(a, b, 0b11_01_11_01), Avx512F.Shuffle4x128(c, d, 0b11_01_11_01));
                (tile[4 + j], tile[12 + j]) = (Avx512F.Shuffle4x128(ab, cd, 0b10_00_10_00), Avx512F.Shuffle4x128(ab, cd, 0b11_01_11_01));
            }
            for (var c = 0; c < 16; c += 4)
            {
                var (ab, abHigh) = (Avx512F.UnpackLow(tile[c], tile[c + 1]).AsDouble(), Avx512F.UnpackHigh(tile[c], tile[c + 1]).AsDouble());
                var (cd, cdHigh) = (Avx512F.UnpackLow(tile[c + 2], tile[c + 3]).AsDouble(), Avx512F.UnpackHigh(tile[c + 2], tile[c + 3]).AsDouble());
                Avx512F.UnpackLow(ab, cd).AsSingle().Store((float*)to[c] + place);
                Avx512F.UnpackHigh(ab, cd).AsSingle().Store((float*)to[c + 1] + place);
                Avx512F.UnpackLow(abHigh, cdHigh).AsSingle().Store((float*)to[c + 2] + place);
                Avx512F.UnpackHigh(abHigh, cdHigh).AsSingle().Store((float*)to[c + 3] + place);
            }
        }
        else if (typeof(V) == typeof(Vec512<double>))
        {
            var tile = stackalloc Vector512<double>[8];
            for (var j = 0; j < 2; j++)
            {
                var (a, b) = (Vector512.Load((double*)from[j] + at), Vector512.Load((double*)from[j + 2] + at));
                var (c, d) = (Vector512.Load((double*)from[j + 4] + at), Vector512.Load((double*)from[j + 6] + at));
                var (ab, cd) = (Avx512F.Shuffle4x128(a, b, 0b10_00_10_00), Avx512F.Shuffle4x128(c, d, 0b10_00_10_00));
                (tile[j], tile[4 + j]) = (Avx512F.Shuffle4x128(ab, cd, 0b10_00_10_00), Avx512F.Shuffle4x128(ab, cd, 0b11_01_11_01));
                (ab, cd) = (Avx512F.Shuffle4x128(a, b, 0b11_01_11_01), Avx512F.Shuffle4x128(c, d, 0b11_01_11_01));
                (tile[2 + j], tile[6 + j]) = (Avx512F.Shuffle4x128(ab, cd, 0b10_00_10_00), Avx512F.Shuffle4x128(ab, cd, 0b11_01_11_01));
            }
            for (var c = 0; c < 8; c += 2)
            {
                Avx512F.UnpackLow(tile[c], tile[c + 1]).Store((double*)to[c] + place);
                Avx512F.UnpackHigh(tile[c], tile[c + 1]).Store((double*)to[c + 1] + place);
            }
        }
        else if (typeof(V) == typeof(Vec256<float>))
        {
            var tile = stackalloc Vector256<float>[8];
            for (var j = 0; j < 4; j++)
            {
                var (a, b) = (Vector256.Load((float*)from[j] + at), Vector256.Load((float*)from[j + 4] + at));
                (tile[j], tile[4 + j]) = (Avx.Permute2x128(a, b, 0x20), Avx.Permute2x128(a, b, 0x31));
            }
            for (var c = 0; c < 8; c += 4)
            {
                var (ab, abHigh) = (Avx.UnpackLow(tile[c], tile[c + 1]).AsDouble(), Avx.UnpackHigh(tile[c], tile[c + 1]).AsDouble());
                var (cd, cdHigh) = (Avx.UnpackLow(tile[c + 2], tile[c + 3]).AsDouble(), Avx.UnpackHigh(tile[c + 2], tile[c + 3]).AsDouble());
                Avx.UnpackLow(ab, cd).AsSingle().Store((float*)to[c] + place);
                Avx.UnpackHigh(ab, cd).AsSingle().Store((float*)to[c + 1] + place);
                Avx.UnpackLow(abHigh, cdHigh).AsSingle().Store((float*)to[c + 2] + place);
                Avx.UnpackHigh(abHigh, cdHigh).AsSingle().Store((float*)to[c + 3] + place);
            }
        }
        else if (typeof(V) == typeof(Vec256<double>))
        {
            for (var j = 0; j < 2; j++)
            {
                // Lane j of all rows: elements 2 j and 2 j + 1.
                var (a, b) = (Vector256.Load((double*)from[0] + at), Vector256.Load((double*)from[1] + at));
                var (c, d) = (Vector256.Load((double*)from[2] + at), Vector256.Load((double*)from[3] + at));
                var (ac, bd) = j == 0 ? (Avx.Permute2x128(a, c, 0x20), Avx.Permute2x128(b, d, 0x20)) : (Avx.Permute2x128(a, c, 0x31), Avx.Permute2x128(b, d, 0x31));
                Avx.UnpackLow(ac, bd).Store((double*)to[2 * j] + place);
                Avx.UnpackHigh(ac, bd).Store((double*)to[2 * j + 1] + place);
            }
        }
        else if (typeof(V) == typeof(Vec128<float>))
        {
            var (a, b) = (Vector128.Load((float*)from[0] + at), Vector128.Load((float*)from[1] + at));
            var (c, d) = (Vector128.Load((float*)from[2] + at), Vector128.Load((float*)from[3] + at));
            var (ab, abHigh, cd, cdHigh) = (Low(a, b).AsDouble(), High(a, b).AsDouble(), Low(c, d).AsDouble(), High(c, d).AsDouble());
            Low(ab, cd).AsSingle().Store((float*)to[0] + place);
            High(ab, cd).AsSingle().Store((float*)to[1] + place);
            Low(abHigh, cdHigh).AsSingle().Store((float*)to[2] + place);
            High(abHigh, cdHigh).AsSingle().Store((float*)to[3] + place);
        }
        else if (typeof(V) == typeof(Vec128<double>))
        {
            var (a, b) = (Vector128.Load((double*)from[0] + at), Vector128.Load((double*)from[1] + at));
            Low(a, b).Store((double*)to[0] + place);
            High(a, b).Store((double*)to[1] + place);
        }
        else
        {
            ((E*)to[0])[place] = ((E*)from[0])[at];
        }
    }

    [MethodImpl(Inline.Always)]
    static Vector128<float> Low(Vector128<float> a, Vector128<float> b) => Sse.IsSupported ? Sse.UnpackLow(a, b) : Vector128.Create(a[0], b[0], a[1], b[1]);

    [MethodImpl(Inline.Always)]
    static Vector128<float> High(Vector128<float> a, Vector128<float> b) => Sse.IsSupported ? Sse.UnpackHigh(a, b) : Vector128.Create(a[2], b[2], a[3], b[3]);

    [MethodImpl(Inline.Always)]
    static Vector128<double> Low(Vector128<double> a, Vector128<double> b) => Sse2.IsSupported ? Sse2.UnpackLow(a, b) : Vector128.Create(a[0], b[0]);

    [MethodImpl(Inline.Always)]
    static Vector128<double> High(Vector128<double> a, Vector128<double> b) => Sse2.IsSupported ? Sse2.UnpackHigh(a, b) : Vector128.Create(a[1], b[1]);

    [MethodImpl(Inline.Always)] static Vector512<N> As512<V, N>(V x) where V : struct where N : unmanaged => Unsafe.BitCast<V, Vec512<N>>(x).Value;

    [MethodImpl(Inline.Always)] static Vector256<N> As256<V, N>(V x) where V : struct where N : unmanaged => Unsafe.BitCast<V, Vec256<N>>(x).Value;

    [MethodImpl(Inline.Always)] static Vector128<N> As128<V, N>(V x) where V : struct where N : unmanaged => Unsafe.BitCast<V, Vec128<N>>(x).Value;

    [MethodImpl(Inline.Always)] static V From512<V, N>(Vector512<N> x) where V : struct where N : unmanaged => Unsafe.BitCast<Vec512<N>, V>(new(x));

    [MethodImpl(Inline.Always)] static V From256<V, N>(Vector256<N> x) where V : struct where N : unmanaged => Unsafe.BitCast<Vec256<N>, V>(new(x));

    [MethodImpl(Inline.Always)] static V From128<V, N>(Vector128<N> x) where V : struct where N : unmanaged => Unsafe.BitCast<Vec128<N>, V>(new(x));
}
