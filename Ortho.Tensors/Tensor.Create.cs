using System.Runtime.InteropServices;

namespace Ortho.Tensors;

public sealed partial class Tensor
{
    /// <summary>A tensor with these elements in row-major order.</summary>
    /// <exception cref="TensorArgumentException">Their number is not that of the shape.</exception>
    public static Tensor From<E>(ReadOnlySpan<E> elements, Shape shape, Device? device = null) where E : unmanaged
    {
        if (elements.Length != shape.ElementCount)
            throw new TensorArgumentException("From", nameof(elements), $"{elements.Length} elements", $"{shape.ElementCount} for shape {shape}");
        var tensor = Empty(shape, DTypes.Of<E>(), device);
        if (!elements.IsEmpty)
            tensor.Device.Upload(MemoryMarshal.AsBytes(elements), tensor.Storage.Block, 0);
        return tensor;
    }

    /// <summary>A tensor with these elements in row-major order.</summary>
    /// <exception cref="TensorArgumentException">Their number is not that of the shape.</exception>
    public static Tensor From<E>(E[] elements, Shape shape, Device? device = null) where E : unmanaged
        => From<E>(elements.AsSpan(), shape, device);

    /// <summary>A vector, matrix or higher array with the shape of the array given.</summary>
    /// <exception cref="ArgumentException">The element type is none of float, double, int, long, bool, Complex64, Complex, BFloat16 and Half.</exception>
    public static Tensor From(Array elements, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(elements);
        Shape shape = [.. Enumerable.Range(0, elements.Rank).Select(elements.GetLength)];
        return elements.GetType().GetElementType() switch
        {
            var t when t == typeof(float) => From(Flat<float>(elements), shape, device),
            var t when t == typeof(double) => From(Flat<double>(elements), shape, device),
            var t when t == typeof(int) => From(Flat<int>(elements), shape, device),
            var t when t == typeof(long) => From(Flat<long>(elements), shape, device),
            var t when t == typeof(bool) => From(Flat<bool>(elements), shape, device),
            var t when t == typeof(Complex64) => From(Flat<Complex64>(elements), shape, device),
            var t when t == typeof(System.Numerics.Complex) => From(Flat<System.Numerics.Complex>(elements), shape, device),
            var t when t == typeof(BFloat16) => From(Flat<BFloat16>(elements), shape, device),
            var t when t == typeof(Half) => From(Flat<Half>(elements), shape, device),
            var t => throw new TensorArgumentException("From", nameof(elements), $"an array of {t}", "float, double, int, long, bool, Complex64, Complex, BFloat16 or Half"),
        };
    }

    static ReadOnlySpan<E> Flat<E>(Array elements) where E : unmanaged
        => elements.Length == 0 ? [] : MemoryMarshal.CreateReadOnlySpan(ref System.Runtime.CompilerServices.Unsafe.As<byte, E>(ref MemoryMarshal.GetArrayDataReference(elements)), elements.Length);

    /// <summary>A scalar (rank 0).</summary>
    public static Tensor Scalar<E>(E value, Device? device = null) where E : unmanaged => From<E>([value], [], device);
}
