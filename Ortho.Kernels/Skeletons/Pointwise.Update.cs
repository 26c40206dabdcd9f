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

public static partial class Pointwise
{
    /// <summary>Changes a tensor, and what is remembered of it, in place, in one pass.</summary>
    /// <param name="operation">Name for error messages.</param>
    /// <param name="value">Dense, floating-point or complex.</param>
    /// <param name="gradient">Of the same shape, dtype and device.</param>
    /// <param name="numbers">The coefficients of the step.</param>
    /// <param name="states">As many as the step remembers; dense, of the same shape, dtype and device.</param>
    /// <exception cref="TensorArgumentException">A tensor does not fit.</exception>
    public static void Update<P>(string operation, Tensor value, Tensor gradient, Coefficients<double> numbers, params ReadOnlySpan<Tensor> states)
        where P : struct, IUpdate
    {
        if (states.Length != P.States)
            throw new ArgumentException($"{operation}: {states.Length} states for a step that remembers {P.States}.", nameof(states));
        CheckUpdate(operation, nameof(gradient), gradient, value);
        CheckUpdate(operation, nameof(value), value, value, dense: true);
        foreach (var state in states)
            CheckUpdate(operation, nameof(states), state, value, dense: true);
        if (value.ElementCount == 0)
            return;
        value.Storage.Version++;
        foreach (var state in states)
            state.Storage.Version++;
        var job = new UpdateJob(value, P.States > 0 ? states[0] : value, P.States > 1 ? states[1] : value, Copy.Contiguous(gradient), numbers);
        switch (value.DType)
        {
            case DType.Float32: UpdateTyped<P, F32, float, SingleCell>(job); break;
            case DType.Float64: UpdateTyped<P, F64, double, DoubleCell>(job); break;
            case DType.Complex64: UpdateTyped<P, Cx<F32>, Complex64, Complex64Cell>(job); break;
            case DType.Complex128: UpdateTyped<P, Cx<F64>, Complex, Complex128Cell>(job); break;
            case DType.BFloat16: UpdateTyped<P, F32, ushort, BFloat16Cell>(job); break;
            case DType.Half: UpdateTyped<P, F32, ushort, HalfCell>(job); break;
            default: throw new TensorArgumentException(operation, nameof(value), $"{value.DType}", "a floating-point or complex tensor");
        }
    }

    static void CheckUpdate(string operation, string name, Tensor tensor, Tensor value, bool dense = false)
    {
        if (tensor.Shape != value.Shape || tensor.DType != value.DType || tensor.Device != value.Device || (dense && !tensor.IsContiguous))
            throw new TensorArgumentException(operation, name, $"{tensor.DType} {tensor.Shape} on {tensor.Device}{(tensor.IsContiguous ? "" : ", strided")}",
                $"{(dense ? "dense " : "")}{value.DType} {value.Shape} on {value.Device}");
    }

    sealed record UpdateJob(Tensor Value, Tensor First, Tensor Second, Tensor Gradient, Coefficients<double> Numbers);

    [MethodImpl(Inline.Always)]
    static Coefficients<T> NumbersOf<T>(Coefficients<double> numbers) where T : struct, ILane<T>
        => new() { A = T.Of(numbers.A), B = T.Of(numbers.B), C = T.Of(numbers.C), D = T.Of(numbers.D), E = T.Of(numbers.E) };

    internal struct UpdateArguments<T, E> where T : struct where E : unmanaged
    {
        public ArrayView<E> Value, First, Second, Gradient;
        public Coefficients<T> Numbers;
    }

    static unsafe void UpdateTyped<P, T, E, F>(UpdateJob job)
        where P : struct, IUpdate where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        if (job.Value.Device is GpuDevice gpu)
        {
            gpu.Launch(UpdateKernel<P, T, E, F>, job.Value.ElementCount, new UpdateArguments<T, E>
            {
                Value = GpuDevice.View<E>(job.Value), First = GpuDevice.View<E>(job.First), Second = GpuDevice.View<E>(job.Second),
                Gradient = GpuDevice.View<E>(job.Gradient), Numbers = NumbersOf<T>(job.Numbers),
            });
            return;
        }
        var (value, first, second) = ((nint)HostMemory.Pointer<E>(job.Value), (nint)HostMemory.Pointer<E>(job.First), (nint)HostMemory.Pointer<E>(job.Second));
        var gradient = (nint)HostMemory.Pointer<E>(job.Gradient);
        HostThreads.Range(job.Value.ElementCount, HostThreads.Grain, (begin, end) =>
        {
            var (at, last) = ((nint)begin, (nint)end);
            if (Vector512.IsHardwareAccelerated && HasVectors<E>())
                at = UpdateLoop<P, Vec512<E>, E, Packed512<E>>((E*)value, (E*)first, (E*)second, (E*)gradient, at, last, job.Numbers);
            else if (Vector256.IsHardwareAccelerated && HasVectors<E>())
                at = UpdateLoop<P, Vec256<E>, E, Packed256<E>>((E*)value, (E*)first, (E*)second, (E*)gradient, at, last, job.Numbers);
            else if (Vector128.IsHardwareAccelerated && HasVectors<E>())
                at = UpdateLoop<P, Vec128<E>, E, Packed128<E>>((E*)value, (E*)first, (E*)second, (E*)gradient, at, last, job.Numbers);
            if (at < last)
                UpdateLoop<P, T, E, F>((E*)value, (E*)first, (E*)second, (E*)gradient, at, last, job.Numbers);
        });
        GC.KeepAlive(job);
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

    [Budget(24, 0, typeof(Kernels.Pointwise.AdamStep), typeof(F32), typeof(float), typeof(SingleCell))]
    internal static void UpdateKernel<P, T, E, F>(Index1D index, UpdateArguments<T, E> x)
        where P : struct, IUpdate where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        int i = index;
        var before = new Learned<T>(F.Splat(x.Value[i]), P.States > 0 ? F.Splat(x.First[i]) : T.Of(0), P.States > 1 ? F.Splat(x.Second[i]) : T.Of(0));
        var after = P.Apply(before, F.Splat(x.Gradient[i]), x.Numbers);
        x.Value[i] = F.Pack(after.Value);
        if (P.States > 0)
            x.First[i] = F.Pack(after.First);
        if (P.States > 1)
            x.Second[i] = F.Pack(after.Second);
    }
}
