using System.Numerics.Tensors;
using System.Runtime.CompilerServices;

namespace Ortho.Tensors;

public sealed unsafe partial class Tensor
{
    /// <summary>A CPU tensor over memory of somebody else, without a copy: what is written to one is read from the other. The memory is
    /// pinned until the tensor and all its views are gone.</summary>
    /// <param name="memory">The elements in row-major order.</param>
    /// <param name="shape">The shape.</param>
    /// <exception cref="TensorArgumentException">The number of elements is not that of the shape.</exception>
    public static Tensor FromMemory<E>(Memory<E> memory, Shape shape) where E : unmanaged
    {
        var dtype = DTypes.Of<E>();
        if (memory.Length != shape.ElementCount)
            throw new TensorArgumentException("FromMemory", nameof(memory),
                $"{memory.Length} elements", $"{shape.ElementCount} for shape {shape}");
        var pinned = memory.Pin();
        return Over((E*)pinned.Pointer, memory.Length, pinned, Layout.Dense(shape), dtype);
    }

    /// <summary>A CPU tensor over an array, without a copy; see <see cref="FromMemory{E}(Memory{E}, Shape)"/>.</summary>
    /// <exception cref="TensorArgumentException">The number of elements is not that of the shape.</exception>
    public static Tensor FromMemory<E>(E[] array, Shape shape) where E : unmanaged => FromMemory(array.AsMemory(), shape);

    /// <summary>A CPU tensor over a tensor of System.Numerics, with its shape and strides, without a copy; see
    /// <see cref="FromMemory{E}(Memory{E}, Shape)"/>.</summary>
    /// <exception cref="TensorArgumentException">It is too large for a <see cref="Ortho.Tensors.Shape"/>.</exception>
    public static Tensor FromMemory<E>(System.Numerics.Tensors.Tensor<E> tensor) where E : unmanaged
    {
        ArgumentNullException.ThrowIfNull(tensor);
        var dtype = DTypes.Of<E>();
        var (extents, strides, last) = (new int[tensor.Rank], new long[tensor.Rank], 0L);
        for (var d = 0; d < extents.Length; d++)
        {
            if (tensor.Lengths[d] > int.MaxValue)
                throw new TensorArgumentException("FromMemory", nameof(tensor), $"of extent {tensor.Lengths[d]}", $"extents to {int.MaxValue}");
            (extents[d], strides[d]) = ((int)tensor.Lengths[d], tensor.Strides[d]);
            last += (extents[d] - 1) * strides[d];
        }
        // The handle points to the beginning of the array, though a slice begins further on; the span knows where.
        var pinned = tensor.GetPinnedHandle();
        var start = (E*)Unsafe.AsPointer(ref tensor.AsTensorSpan().GetPinnableReference());
        return Over(start, tensor.IsEmpty ? 0 : last + 1, pinned, Layout.Strided(extents, strides, 0), dtype);
    }

    static Tensor Over<E>(E* start, long count, IDisposable owner, Layout layout, DType dtype) where E : unmanaged
        => Over(new(start, count * sizeof(E), owner), layout, dtype);

    /// <summary>The elements of a CPU tensor for System.Numerics.Tensors, without a copy; any layout but reversed dimensions. The tensor
    /// must stay referenced while the span is used.</summary>
    /// <exception cref="TensorArgumentException">The tensor is not on the CPU, of another type, or repeats elements (a broadcast view,
    /// which can be read only).</exception>
    public TensorSpan<E> AsTensorSpan<E>() where E : unmanaged
    {
        for (var d = 0; d < Rank; d++)
        {
            if (Layout.Strides[d] == 0 && Shape.Span[d] > 1)
                throw new TensorArgumentException("AsTensorSpan", "tensor", $"a broadcast view of shape {Shape}",
                    "elements of their own; read through AsReadOnlyTensorSpan, or call Contiguous() first");
        }
        var (start, reach, lengths, strides) = SpanParts<E>("AsTensorSpan");
        return new((E*)start, reach, lengths, strides);
    }

    /// <summary>The elements of a CPU tensor for System.Numerics.Tensors, to be read, without a copy; any layout but reversed dimensions.
    /// The tensor must stay referenced while the span is used.</summary>
    /// <exception cref="TensorArgumentException">The tensor is not on the CPU, or of another type.</exception>
    public ReadOnlyTensorSpan<E> AsReadOnlyTensorSpan<E>() where E : unmanaged
    {
        var (start, reach, lengths, strides) = SpanParts<E>("AsReadOnlyTensorSpan");
        return new((E*)start, reach, lengths, strides);
    }

    // First element, elements from there to the last one, extents and strides. Their strides of extents 1 must be 0.
    (nint Start, nint Reach, nint[] Lengths, nint[] Strides) SpanParts<E>(string operation) where E : unmanaged
    {
        CheckType<E>(operation);
        if (Device.Kind != DeviceKind.Cpu)
            throw new TensorArgumentException(operation, "tensor", $"on {Device}", "a tensor on the CPU");
        var (lengths, strides) = (new nint[Rank], new nint[Rank]);
        for (var d = 0; d < Rank; d++)
        {
            if (Layout.Strides[d] < 0)
                throw new TensorArgumentException(operation, "tensor", $"a reversed view of shape {Shape}",
                    "strides that are not negative; call Contiguous() first");
            (lengths[d], strides[d]) = (Shape.Span[d], Shape.Span[d] > 1 ? (nint)Layout.Strides[d] : 0);
        }
        var start = (nint)((E*)((CpuBlock)Storage.Block).Pointer + Layout.Offset);
        return (start, ElementCount == 0 ? 0 : (nint)(Layout.Highest - Layout.Offset + 1), lengths, strides);
    }
}
