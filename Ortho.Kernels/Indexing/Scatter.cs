using System.Numerics;
using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Indexing;

/// <summary>Writing elements to given positions of one dimension, joined with what is there; see <see cref="Positions"/> for negative
/// positions and those outside.</summary>
/// <remarks>
/// y[o, k, i] starts as x[o, k, i] and is joined with source[o, j, i] for the j with index[o, j, i] = k in ascending order: no atomic
/// additions, so every device and number of threads gives the same bits. The host walks the source in order. On a device the positions are
/// sorted first (<see cref="Ordering"/>), and each element of the result reads its own run of them.
/// </remarks>
public static class Scatter
{
    /// <summary>Sums, products and extremes: joined by the formula <typeparamref name="Op"/>.</summary>
    /// <param name="operation">Name for messages.</param>
    /// <param name="x">Numbers of a dtype with arithmetic.</param>
    /// <param name="axis">The dimension.</param>
    /// <param name="index">Int64, of the source's shape, or a vector for all lines.</param>
    /// <param name="source">Of x's dtype, and its shape but for the dimension.</param>
    /// <exception cref="TensorArgumentException">Dtypes, devices or shapes do not fit, or (CPU) a position is outside.</exception>
    public static Tensor Run<Op>(string operation, Tensor x, int axis, Tensor index, Tensor source) where Op : struct, IBinary
    {
        var (lines, positions) = Prepare(operation, x, axis, index, source);
        var y = Copy.Dense(x);
        Join<Op>(operation, y, lines, positions, source);
        return y;
    }

    /// <summary>Sums into zeros of the given shape; other arguments as for <see cref="Run"/>.</summary>
    /// <exception cref="TensorArgumentException">Dtypes, devices or shapes do not fit, or (CPU) a position is outside.</exception>
    public static Tensor Sum(string operation, Shape shape, int axis, Tensor index, Tensor source)
    {
        var y = Tensor.Empty(shape, source.DType, source.Device);
        var (lines, positions) = Prepare(operation, y, axis, index, source);
        Skeletons.Pointwise.Into<Unary<Identity>>(operation, y, 0);
        Join<Add>(operation, y, lines, positions, source);
        return y;
    }

    static void Join<Op>(string operation, Tensor y, Lines lines, Tensor positions, Tensor source) where Op : struct, IBinary
    {
        switch (y.DType)
        {
            case DType.Float32: Typed<float, Joined<Op, F32, float, SingleCell>>(y, lines, positions, source); break;
            case DType.Float64: Typed<double, Joined<Op, F64, double, DoubleCell>>(y, lines, positions, source); break;
            case DType.Complex64: Typed<Complex64, Joined<Op, Cx<F32>, Complex64, Complex64Cell>>(y, lines, positions, source); break;
            case DType.Complex128: Typed<Complex, Joined<Op, Cx<F64>, Complex, Complex128Cell>>(y, lines, positions, source); break;
            case DType.Int32: Typed<int, Joined<Op, I32, int, Int32Cell>>(y, lines, positions, source); break;
            case DType.Int64: Typed<long, Joined<Op, I64, long, Int64Cell>>(y, lines, positions, source); break;
            default: throw new TensorArgumentException(operation, nameof(source), $"{y.DType}", "numbers");
        }
    }

    /// <summary>The last one written replaces what is there. Any dtype; arguments as for <see cref="Run"/>.</summary>
    /// <exception cref="TensorArgumentException">Dtypes, devices or shapes do not fit, or (CPU) a position is outside.</exception>
    public static Tensor Replace(string operation, Tensor x, int axis, Tensor index, Tensor source)
    {
        var (lines, positions) = Prepare(operation, x, axis, index, source);
        var y = Copy.Dense(x);
        switch (x.DType.Size)
        {
            case 1: Typed<byte, Last<byte>>(y, lines, positions, source); break;
            case 2: Typed<short, Last<short>>(y, lines, positions, source); break;
            case 4: Typed<int, Last<int>>(y, lines, positions, source); break;
            case 8: Typed<long, Last<long>>(y, lines, positions, source); break;
            default: Typed<Copy.Pair, Last<Copy.Pair>>(y, lines, positions, source); break;
        }
        return y;
    }

    static (Lines Lines, Tensor Index) Prepare(string operation, Tensor x, int axis, Tensor index, Tensor source)
    {
        if (source.DType != x.DType || source.Device != x.Device)
            throw new TensorArgumentException(operation, nameof(source), $"{source.DType} on {source.Device}", $"{x.DType} on {x.Device}");
        index = Lines.Prepare(operation, x, axis, index);
        var lines = Lines.Of(x, axis, index);
        return source.Shape == x.Shape.With(axis, lines.Count)
            ? (lines, index)
            : throw new TensorArgumentException(operation, nameof(source), $"{source.Shape}", $"{x.Shape.With(axis, lines.Count)}");
    }

    internal interface IJoin<E> where E : unmanaged
    {
        static abstract E Join(E a, E b);

        /// <summary>The same for a row on the host.</summary>
        static abstract unsafe void Row(E* to, E* from, int n);
    }

    internal readonly struct Last<E> : IJoin<E> where E : unmanaged
    {
        [MethodImpl(Inline.Always)] public static E Join(E a, E b) => b;

        public static unsafe void Row(E* to, E* from, int n) => new ReadOnlySpan<E>(from, n).CopyTo(new Span<E>(to, n));
    }

    internal readonly struct Joined<Op, T, E, F> : IJoin<E>
        where Op : struct, IBinary where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        [MethodImpl(Inline.Always)] public static E Join(E a, E b) => F.Pack(Op.Apply(F.Splat(a), F.Splat(b)));

        public static unsafe void Row(E* to, E* from, int n) => Skeletons.Pointwise.Accumulate<Binary<Op>, T, E, F>(to, from, n);
    }

    static void Typed<E, J>(Tensor y, Lines lines, Tensor index, Tensor source) where E : unmanaged where J : struct, IJoin<E>
    {
        if (y.ElementCount == 0 || lines.Count == 0)
            return;
        source = Copy.Contiguous(source);
        if (y.Device is GpuDevice gpu)
            OnDevice<E, J>(gpu, y, lines, index, source);
        else
            OnHost<E, J>(y, lines, index, source);
    }

    // Neighbouring elements of a line that one piece of work takes along.
    const int Strip = 256;

    static unsafe void OnHost<E, J>(Tensor y, Lines lines, Tensor index, Tensor source) where E : unmanaged where J : struct, IJoin<E>
    {
        var (from, to, at) = ((nint)HostMemory.Pointer<E>(source), (nint)HostMemory.Pointer<E>(y), (nint)HostMemory.Pointer<long>(index));
        var strips = (lines.Inner + Strip - 1) / Strip;
        var work = (long)lines.Count * Math.Min(Strip, lines.Inner);
        HostThreads.Range((long)lines.Outer * strips, Math.Max(1, HostThreads.Grain / work), (begin, end) =>
        {
            for (var piece = begin; piece < end; piece++)
            {
                var (outer, strip) = Math.DivRem(piece, strips);
                var (first, last) = ((int)strip * Strip, Math.Min(lines.Inner, ((int)strip + 1) * Strip));
                for (var j = 0; j < lines.Count; j++)
                {
                    var positions = (long*)at + outer * lines.IndexOuter + (long)j * lines.IndexStep;
                    var values = (E*)from + (outer * lines.Count + j) * lines.Inner;
                    if (lines.IndexInner == 0)
                    {
                        var row = (E*)to + (outer * lines.Extent + Positions.Wrap(*positions, lines.Extent)) * lines.Inner;
                        J.Row(row + first, values + first, last - first);
                        continue;
                    }
                    for (var i = first; i < last; i++)
                    {
                        var target = (E*)to + (outer * lines.Extent + Positions.Wrap(positions[i], lines.Extent)) * lines.Inner + i;
                        *target = J.Join(*target, values[i]);
                    }
                }
            }
        });
        GC.KeepAlive(y);
        GC.KeepAlive(index);
        GC.KeepAlive(source);
    }

    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<E> Y, Source;
        public ArrayView<long> Keys;
        public Lines Lines;
        public int Padded;
    }

    static void OnDevice<E, J>(GpuDevice gpu, Tensor y, Lines lines, Tensor index, Tensor source)
        where E : unmanaged where J : struct, IJoin<E>
    {
        var keys = Ordering.Of(gpu, lines, index);
        gpu.Launch(Kernel<E, J>, y.ElementCount, new Arguments<E>
        {
            Y = GpuDevice.View<E>(y), Source = GpuDevice.View<E>(source), Keys = GpuDevice.View<long>(keys),
            Lines = lines, Padded = keys.Shape[1],
        });
        keys.Dispose();
    }

    internal static void Kernel<E, J>(Index1D index, Arguments<E> x) where E : unmanaged where J : struct, IJoin<E>
    {
        int i = index;
        var (row, inner) = (i / x.Lines.Inner, i % x.Lines.Inner);
        var (outer, position) = (row / x.Lines.Extent, row % x.Lines.Extent);
        // Line 0 holds the order of all lines when they share one vector of positions.
        var line = x.Lines.IndexInner == 0 ? 0 : (outer * x.Lines.Inner + inner) * x.Padded;
        var first = (long)position * x.Padded;
        var (low, high) = (0, x.Padded);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (x.Keys[line + middle] < first)
                low = middle + 1;
            else
                high = middle;
        }
        var value = x.Y[i];
        while (low < x.Padded && x.Keys[line + low] - first < x.Padded)
        {
            var element = x.Source[(outer * x.Lines.Count + (int)(x.Keys[line + low] - first)) * x.Lines.Inner + inner];
            value = J.Join(value, element);
            low++;
        }
        x.Y[i] = value;
    }
}
