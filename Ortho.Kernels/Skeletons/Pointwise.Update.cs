using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.Skeletons;

/// <summary>A number that is learnt, and up to two numbers that its optimizer remembers of it.</summary>
/// <param name="value">The number.</param>
/// <param name="first">What is remembered first.</param>
/// <param name="second">What is remembered second.</param>
public readonly struct Learned<T>(T value, T first, T second) where T : struct, ILane<T>
{
    /// <summary>The number.</summary>
    public readonly T Value = value;

    /// <summary>What is remembered first.</summary>
    public readonly T First = first;

    /// <summary>What is remembered second.</summary>
    public readonly T Second = second;
}

/// <summary>Up to five numbers that are the same for all elements.</summary>
public struct Coefficients<T> where T : struct
{
    /// <summary>The first number.</summary>
    public T A;

    /// <summary>The second number.</summary>
    public T B;

    /// <summary>The third number.</summary>
    public T C;

    /// <summary>The fourth number.</summary>
    public T D;

    /// <summary>The fifth number.</summary>
    public T E;
}

/// <summary>A step of an optimizer, written once: what it makes of a number, of what it remembers, and of the gradient.</summary>
public interface IUpdate
{
    /// <summary>Tensors that are remembered, 0 to 2. A compile-time constant.</summary>
    static abstract int States { get; }

    /// <summary>The number and what is remembered after the step.</summary>
    static abstract Learned<T> Apply<T>(Learned<T> before, T gradient, Coefficients<T> numbers) where T : struct, ILane<T>;
}

/// <summary>A tensor that a step changes, and what is remembered of it.</summary>
/// <param name="Value">Dense, floating-point or complex.</param>
/// <param name="Gradient">Of the same shape, dtype and device.</param>
/// <param name="First">What is remembered first, if the step remembers anything; dense, of the same shape, dtype and device.</param>
/// <param name="Second">What is remembered second, alike.</param>
public readonly record struct Updated(Tensor Value, Tensor Gradient, Tensor? First = null, Tensor? Second = null);

public static partial class Pointwise
{
    /// <summary>Changes tensors, and what is remembered of them, in place, in one pass: on devices in a launch for every <see cref="UpdateSlots"/> of one
    /// dtype, on the host by all threads at once.</summary>
    /// <param name="operation">Name for error messages.</param>
    /// <param name="all">The tensors; none twice.</param>
    /// <param name="numbers">The coefficients of the step, the same for all.</param>
    /// <exception cref="TensorArgumentException">A tensor does not fit.</exception>
    public static void Update<P>(string operation, IReadOnlyList<Updated> all, Coefficients<double> numbers) where P : struct, IUpdate
    {
        ArgumentNullException.ThrowIfNull(all);
        foreach (var one in all)
            Check<P>(operation, one);
        foreach (var alike in all.Where(one => one.Value.ElementCount > 0).GroupBy(one => (one.Value.DType, one.Value.Device)))
        {
            List<Updated> group = [.. alike.Select(one => one with { Gradient = Copy.Contiguous(one.Gradient) })];
            foreach (var one in group)
            {
                foreach (var changed in (Tensor?[])[one.Value, one.First, one.Second])
                {
                    if (changed is not null)
                        changed.Storage.Version++;
                }
            }
            switch (alike.Key.DType)
            {
                case DType.Float32: UpdateTyped<P, F32, float, SingleCell, Quad<float>>(group, numbers); break;
                case DType.Float64: UpdateTyped<P, F64, double, DoubleCell, Twin<double>>(group, numbers); break;
                case DType.Complex64: UpdateTyped<P, Cx<F32>, Complex64, Complex64Cell, Twin<Complex64>>(group, numbers); break;
                case DType.Complex128: UpdateTyped<P, Cx<F64>, Complex, Complex128Cell, Lone<Complex>>(group, numbers); break;
                case DType.BFloat16: UpdateTyped<P, F32, ushort, BFloat16Cell, Octet>(group, numbers); break;
                default: UpdateTyped<P, F32, ushort, HalfCell, Octet>(group, numbers); break;
            }
        }
    }

    /// <summary>Changes one tensor, and what is remembered of it; see <see cref="Update{P}(string, IReadOnlyList{Updated}, Coefficients{double})"/>.</summary>
    /// <exception cref="TensorArgumentException">A tensor does not fit.</exception>
    public static void Update<P>(string operation, Tensor value, Tensor gradient, Coefficients<double> numbers, Tensor? first = null, Tensor? second = null)
        where P : struct, IUpdate
        => Update<P>(operation, [new(value, gradient, first, second)], numbers);

    static void Check<P>(string operation, Updated one) where P : struct, IUpdate
    {
        var value = one.Value;
        if (!value.DType.IsDifferentiable)
            throw new TensorArgumentException(operation, nameof(Updated.Value), $"{value.DType}", "a floating-point or complex tensor");
        if (P.States > 0 != one.First is not null || P.States > 1 != one.Second is not null)
            throw new ArgumentException($"{operation}: {(one.First is null ? 0 : one.Second is null ? 1 : 2)} states for a step that remembers {P.States}.");
        Check(nameof(Updated.Value), value, dense: true);
        Check(nameof(Updated.Gradient), one.Gradient);
        Check(nameof(Updated.First), one.First ?? value, dense: true);
        Check(nameof(Updated.Second), one.Second ?? value, dense: true);

        void Check(string name, Tensor tensor, bool dense = false)
        {
            if (tensor.Shape != value.Shape || tensor.DType != value.DType || tensor.Device != value.Device || (dense && !tensor.IsContiguous))
                throw new TensorArgumentException(operation, name, $"{tensor.DType} {tensor.Shape} on {tensor.Device}{(tensor.IsContiguous ? "" : ", strided")}",
                    $"{(dense ? "dense " : "")}{value.DType} {value.Shape} on {value.Device}");
        }
    }

    [MethodImpl(Inline.Always)]
    static Coefficients<T> NumbersOf<T>(Coefficients<double> numbers) where T : struct, ILane<T>
        => new() { A = T.Of(numbers.A), B = T.Of(numbers.B), C = T.Of(numbers.C), D = T.Of(numbers.D), E = T.Of(numbers.E) };

    static void UpdateTyped<P, T, E, F, W>(List<Updated> group, Coefficients<double> numbers)
        where P : struct, IUpdate where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where W : unmanaged, IWide<W, E>
    {
        if (group[0].Value.Device is GpuDevice gpu)
            UpdateOnDevice<P, T, E, F, W>(gpu, group, NumbersOf<T>(numbers));
        else
            UpdateOnHost<P, T, E, F>(group, numbers);
    }

    // ---- host: pieces of all tensors side by side

    static unsafe void UpdateOnHost<P, T, E, F>(List<Updated> group, Coefficients<double> numbers)
        where P : struct, IUpdate where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        // Where the pieces of each tensor end.
        var (ends, pieces) = (new int[group.Count], 0);
        foreach (var (k, one) in group.Index())
            ends[k] = pieces += checked((int)((one.Value.ElementCount + HostThreads.Grain - 1) / HostThreads.Grain));
        HostThreads.For(pieces, piece =>
        {
            var k = Array.FindIndex(ends, end => piece < end);
            var one = group[k];
            var begin = (nint)(piece - (k == 0 ? 0 : ends[k - 1])) * HostThreads.Grain;
            var end = Math.Min((nint)one.Value.ElementCount, begin + HostThreads.Grain);
            var value = HostMemory.Pointer<E>(one.Value);
            var first = HostMemory.Pointer<E>(one.First ?? one.Value);
            var second = HostMemory.Pointer<E>(one.Second ?? one.Value);
            var gradient = HostMemory.Pointer<E>(one.Gradient);
            if (Vector512.IsHardwareAccelerated && HasVectors<E>())
                begin = UpdateLoop<P, Vec512<E>, E, Packed512<E>>(value, first, second, gradient, begin, end, numbers);
            else if (Vector256.IsHardwareAccelerated && HasVectors<E>())
                begin = UpdateLoop<P, Vec256<E>, E, Packed256<E>>(value, first, second, gradient, begin, end, numbers);
            else if (Vector128.IsHardwareAccelerated && HasVectors<E>())
                begin = UpdateLoop<P, Vec128<E>, E, Packed128<E>>(value, first, second, gradient, begin, end, numbers);
            if (begin < end)
                UpdateLoop<P, T, E, F>(value, first, second, gradient, begin, end, numbers);
        });
        GC.KeepAlive(group);
    }

    static bool HasVectors<E>() => typeof(E) == typeof(float) || typeof(E) == typeof(double);

    [MethodImpl(Inline.Root)]
    static unsafe nint UpdateLoop<P, V, E, F>(E* value, E* first, E* second, E* gradient, nint begin, nint end, Coefficients<double> coefficients)
        where P : struct, IUpdate where V : struct, ILane<V> where E : unmanaged where F : struct, IFormat<V, E>
    {
        var numbers = NumbersOf<V>(coefficients);
        var i = begin;
        for (; i + F.Width <= end; i += F.Width)
        {
            var before = new Learned<V>(F.Load(value + i), P.States > 0 ? F.Load(first + i) : V.Of(0), P.States > 1 ? F.Load(second + i) : V.Of(0));
            var after = P.Apply(before, F.Load(gradient + i), numbers);
            F.Store(value + i, after.Value);
            if (P.States > 0)
                F.Store(first + i, after.First);
            if (P.States > 1)
                F.Store(second + i, after.Second);
        }
        return i;
    }

    // ---- device: several tensors in one launch

    /// <summary>Tensors that one launch changes.</summary>
    internal const int UpdateSlots = 8;

    internal struct UpdateSlot<E> where E : unmanaged
    {
        public ArrayView<E> Value, First, Second, Gradient;

        /// <summary>Elements, and the piece behind the slot's last one.</summary>
        public int Count, End;

        /// <summary>1 when the pieces of all four are aligned.</summary>
        public int IsWhole;
    }

    internal struct UpdateArguments<T, E> where T : struct where E : unmanaged
    {
        public UpdateSlot<E> Slot0, Slot1, Slot2, Slot3, Slot4, Slot5, Slot6, Slot7;
        public Coefficients<T> Numbers;
    }

    static void UpdateOnDevice<P, T, E, F, W>(GpuDevice gpu, List<Updated> group, Coefficients<T> numbers)
        where P : struct, IUpdate where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where W : unmanaged, IWide<W, E>
    {
        for (var first = 0; first < group.Count;)
        {
            var (slots, total, count) = (new UpdateSlot<E>[UpdateSlots], 0L, 0);
            for (; count < UpdateSlots && first + count < group.Count && (count == 0 || total + Pieces(group[first + count]) <= int.MaxValue); count++)
            {
                var one = group[first + count];
                total += Pieces(one);
                slots[count] = new()
                {
                    Value = GpuDevice.View<E>(one.Value), Gradient = GpuDevice.View<E>(one.Gradient),
                    First = GpuDevice.View<E>(one.First ?? one.Value), Second = GpuDevice.View<E>(one.Second ?? one.Value),
                    Count = checked((int)one.Value.ElementCount), End = checked((int)total),
                    IsWhole = IsWhole(one.Value) && IsWhole(one.Gradient) && IsWhole(one.First ?? one.Value) && IsWhole(one.Second ?? one.Value) ? 1 : 0,
                };
            }
            // Slots that are not used repeat the last one, and no piece is theirs.
            Array.Fill(slots, slots[count - 1], count, UpdateSlots - count);
            gpu.Launch(UpdateKernel<P, T, E, F, W>, total, new UpdateArguments<T, E>
            {
                Slot0 = slots[0], Slot1 = slots[1], Slot2 = slots[2], Slot3 = slots[3], Slot4 = slots[4], Slot5 = slots[5], Slot6 = slots[6], Slot7 = slots[7],
                Numbers = numbers,
            });
            first += count;
        }

        static long Pieces(Updated one) => (one.Value.ElementCount + W.Count - 1) / W.Count;

        static bool IsWhole(Tensor tensor) => tensor.Layout.Offset % W.Count == 0;
    }

    [Budget(48, 0, typeof(Kernels.Pointwise.AdamStep), typeof(F32), typeof(float), typeof(SingleCell), typeof(Quad<float>),
        LoadsWide = true, StoresWide = true)]
    internal static void UpdateKernel<P, T, E, F, W>(Index1D index, UpdateArguments<T, E> x)
        where P : struct, IUpdate where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where W : unmanaged, IWide<W, E>
    {
        int at = index;
        var (slot, start) = (x.Slot0, 0);
        if (at >= x.Slot0.End)
            (slot, start) = (x.Slot1, x.Slot0.End);
        if (at >= x.Slot1.End)
            (slot, start) = (x.Slot2, x.Slot1.End);
        if (at >= x.Slot2.End)
            (slot, start) = (x.Slot3, x.Slot2.End);
        if (at >= x.Slot3.End)
            (slot, start) = (x.Slot4, x.Slot3.End);
        if (at >= x.Slot4.End)
            (slot, start) = (x.Slot5, x.Slot4.End);
        if (at >= x.Slot5.End)
            (slot, start) = (x.Slot6, x.Slot5.End);
        if (at >= x.Slot6.End)
            (slot, start) = (x.Slot7, x.Slot6.End);
        UpdatePiece<P, T, E, F, W>(slot, at - start, x.Numbers);
    }

    [MethodImpl(Inline.Always)]
    static void UpdatePiece<P, T, E, F, W>(UpdateSlot<E> x, int piece, Coefficients<T> numbers)
        where P : struct, IUpdate where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where W : unmanaged, IWide<W, E>
    {
        var step = 1;
        if (x.IsWhole != 0)
            step = Whole;
        var (value, gradient) = (Piece<E, W>(x.Value, step, piece, x.Count), Piece<E, W>(x.Gradient, step, piece, x.Count));
        var first = P.States > 0 ? Piece<E, W>(x.First, step, piece, x.Count) : value;
        var second = P.States > 1 ? Piece<E, W>(x.Second, step, piece, x.Count) : value;
        for (var k = 0; k < W.Count; k++)
        {
            var before = new Learned<T>(F.Splat(W.Get(value, k)),
                P.States > 0 ? F.Splat(W.Get(first, k)) : T.Of(0), P.States > 1 ? F.Splat(W.Get(second, k)) : T.Of(0));
            var after = P.Apply(before, F.Splat(W.Get(gradient, k)), numbers);
            value = W.With(value, k, F.Pack(after.Value));
            if (P.States > 0)
                first = W.With(first, k, F.Pack(after.First));
            if (P.States > 1)
                second = W.With(second, k, F.Pack(after.Second));
        }
        Write<E, W>(x.Value, step, piece, x.Count, value);
        if (P.States > 0)
            Write<E, W>(x.First, step, piece, x.Count, first);
        if (P.States > 1)
            Write<E, W>(x.Second, step, piece, x.Count, second);
    }
}
