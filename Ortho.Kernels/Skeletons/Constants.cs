using System.Collections.Concurrent;
using System.Numerics;
using System.Runtime.InteropServices;
using Ortho.Tensors;

namespace Ortho.Kernels.Skeletons;

/// <summary>Numbers that kernels read: brought to a device once, and kept there.</summary>
/// <param name="numbers">The numbers.</param>
/// <param name="shape">Their shape.</param>
sealed class Constants(double[] numbers, Shape shape)
{
    // A failure (no memory) is not remembered; of values made at the same time, the first counts.
    readonly ConcurrentDictionary<(Device, DType), Lazy<Tensor>> tensors = [];

    /// <summary>The numbers on a device.</summary>
    /// <param name="device">The device.</param>
    /// <param name="dtype">Floating-point or complex, not of half precision.</param>
    public Tensor On(Device device, DType dtype) => tensors.GetOrAdd((device, dtype), _ => new(() => dtype switch
    {
        DType.Float32 => Uploaded<float>(device, dtype, [.. numbers.Select(number => (float)number)], shape),
        DType.Complex64 => Uploaded<Complex64>(device, dtype, [.. numbers.Select(number => new Complex64((float)number, 0))], shape),
        DType.Complex128 => Uploaded<Complex>(device, dtype, [.. numbers.Select(number => new Complex(number, 0))], shape),
        _ => Uploaded<double>(device, dtype, numbers, shape),
    }, LazyThreadSafetyMode.PublicationOnly)).Value;

    /// <summary>A tensor that no <see cref="TensorScope"/> frees, whichever happens to be open.</summary>
    public static Tensor Uploaded<E>(Device device, DType dtype, ReadOnlySpan<E> elements, Shape shape) where E : unmanaged
    {
        var tensor = new Tensor(new Storage(device, shape.ElementCount * dtype.Size), Layout.Dense(shape), dtype);
        if (!elements.IsEmpty)
            device.Upload(MemoryMarshal.AsBytes(elements), tensor.Storage.Block, 0);
        return tensor;
    }
}
