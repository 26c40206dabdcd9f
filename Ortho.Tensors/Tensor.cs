using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Ortho.Tensors;

/// <summary>A dense, strided array of numbers on one device.</summary>
/// <remarks>
/// A tensor is a <see cref="Storage"/> seen through a <see cref="Layout"/>. What can be computed with it is added by
/// <c>using Ortho.Autograd;</c>. Tensors may be read from several threads at once.
/// </remarks>
public sealed partial class Tensor
{
    internal Tensor(Storage storage, Layout layout, DType dtype)
    {
        Storage = storage;
        Layout = layout;
        DType = dtype;
    }

    /// <summary>A new dense tensor whose elements are not set.</summary>
    public static Tensor Empty(Shape shape, DType dtype = DType.Float32, Device? device = null)
    {
        var storage = new Storage(device ?? Device.Cpu, checked(shape.ElementCount * dtype.Size));
        TensorScope.Register(storage);
        return new(storage, Layout.Dense(shape), dtype);
    }

    // A tensor on memory that is not the pool's; its owner is disposed of with the storage.
    internal static Tensor Over(ForeignBlock memory, Layout layout, DType dtype)
    {
        var storage = new Storage(memory);
        TensorScope.Register(storage);
        return new(storage, layout, dtype);
    }

    /// <summary>The memory, possibly shared with other views.</summary>
    public Storage Storage { get; }

    /// <summary>Where the elements lie in the storage.</summary>
    public Layout Layout { get; }

    /// <summary>Type of the elements.</summary>
    public DType DType { get; }

    /// <summary>Where the elements are.</summary>
    public Device Device => Storage.Device;

    /// <summary>The extents.</summary>
    public Shape Shape => Layout.Shape;

    /// <summary>Number of dimensions.</summary>
    public int Rank => Shape.Rank;

    /// <summary>Number of elements.</summary>
    public long ElementCount => Shape.ElementCount;

    /// <summary>Whether elements lie row-major without gaps.</summary>
    public bool IsContiguous => Layout.IsContiguous;

    /// <summary>What Ortho.Autograd knows about this tensor: its gradient, its place in the graph.</summary>
    internal object? GradientState;

    /// <summary>The same storage through another layout (and type); not recorded for differentiation.</summary>
    internal Tensor View(Layout layout, DType? dtype = null) => new(Storage, layout, dtype ?? DType);

    /// <summary>The elements of a dense CPU tensor, without a copy.</summary>
    /// <exception cref="TensorArgumentException">The tensor is not on the CPU, not contiguous, or of another type.</exception>
    public Span<E> AsSpan<E>() where E : unmanaged
    {
        CheckType<E>("AsSpan");
        if (Device.Kind != DeviceKind.Cpu)
            throw new TensorArgumentException("AsSpan", "tensor", $"on {Device}", "a tensor on the CPU; ToArray copies from any device");
        if (!IsContiguous)
            throw new TensorArgumentException("AsSpan", "tensor", $"a strided view of shape {Shape}", "a contiguous tensor; call Contiguous() first");
        unsafe
        {
            return new(((byte*)((CpuBlock)Storage.Block).Pointer) + Layout.Offset * DType.Size, checked((int)ElementCount));
        }
    }

    /// <summary>A copy of the elements in row-major order; waits for the device.</summary>
    /// <exception cref="TensorArgumentException">The elements are of another type.</exception>
    public E[] ToArray<E>() where E : unmanaged
    {
        CheckType<E>("ToArray");
        var result = new E[ElementCount];
        CopyTo(result.AsSpan());
        return result;
    }

    /// <summary>Copies the elements in row-major order; waits for the device.</summary>
    /// <exception cref="TensorArgumentException">The elements are of another type, or the span has another length.</exception>
    public void CopyTo<E>(Span<E> destination) where E : unmanaged
    {
        CheckType<E>("CopyTo");
        if (destination.Length != ElementCount)
            throw new TensorArgumentException("CopyTo", nameof(destination), $"{destination.Length} elements", $"{ElementCount} for shape {Shape}");
        if (destination.IsEmpty)
            return;
        if (IsContiguous)
        {
            Device.Download(Storage.Block, Layout.Offset * DType.Size, MemoryMarshal.AsBytes(destination));
            // A temporary may be collected while its memory is read; its block would go to another tensor.
            GC.KeepAlive(this);
            return;
        }

        // The smallest run of storage that holds the view is read, then gathered.
        var (first, last) = (Layout.Lowest, Layout.Highest);
        var window = new E[last - first + 1];
        Device.Download(Storage.Block, first * DType.Size, MemoryMarshal.AsBytes(window.AsSpan()));
        GC.KeepAlive(this);
        var position = 0;
        foreach (var offset in Offsets())
            destination[position++] = window[offset - first];
    }

    /// <summary>The only element of a one-element tensor as a double; waits for the device.</summary>
    /// <exception cref="TensorArgumentException">There is not exactly one element, or it is complex.</exception>
    public double Item()
    {
        if (ElementCount != 1)
            throw new TensorArgumentException("Item", "tensor", $"of shape {Shape}", "exactly one element");
        return DType switch
        {
            DType.Float32 => ToArray<float>()[0],
            DType.Float64 => ToArray<double>()[0],
            DType.Int32 => ToArray<int>()[0],
            DType.Int64 => ToArray<long>()[0],
            DType.Bool => ToArray<bool>()[0] ? 1 : 0,
            DType.BFloat16 => ToArray<BFloat16>()[0],
            DType.Half => (double)ToArray<Half>()[0],
            _ => throw new TensorArgumentException("Item", "tensor", $"{DType}", "a real type; use ToArray for complex numbers"),
        };
    }

    /// <summary>Frees the storage at once. Not needed for correctness; every view of the storage becomes unusable.</summary>
    public void Dispose() => Storage.Dispose();

    /// <summary>The elements as NumPy prints them, and below them dtype, shape and, when it is not the CPU, the device; waits for it.</summary>
    public override string ToString()
        => $"{(Storage.IsDisposed ? "disposed" : Printing.TensorText.Of(this))}\n{DType} {Shape}{(Device.Kind == DeviceKind.Cpu ? "" : $" on {Device}")}";

    void CheckType<E>(string operation) where E : unmanaged
    {
        if (DTypes.Of<E>() != DType)
            throw new TensorArgumentException(operation, "tensor", $"{DType}", $"{DTypes.Of<E>()} to read it as {typeof(E).Name}");
    }

    // Storage positions of the elements in row-major order.
    internal IEnumerable<long> Offsets()
    {
        var index = new int[Rank];
        var offset = Layout.Offset;
        for (long n = ElementCount; n > 0; n--)
        {
            yield return offset;
            for (var d = Rank - 1; d >= 0; d--)
            {
                offset += Layout.Strides[d];
                if (++index[d] < Shape.Span[d])
                    break;
                offset -= Shape.Span[d] * Layout.Strides[d];
                index[d] = 0;
            }
        }
    }
}
