namespace Ortho.Tensors;

/// <summary>What kind of machine a device is.</summary>
public enum DeviceKind
{
    /// <summary>The SIMD units of this machine's processor.</summary>
    Cpu,

    /// <summary>An OpenCL device.</summary>
    OpenCL,

    /// <summary>An NVIDIA GPU.</summary>
    Cuda,

    /// <summary>ILGPU's simulator: runs GPU kernels on the CPU, thousands of times slower; for tests.</summary>
    Simulator,
}

/// <summary>A machine that owns memory and computes: the CPU (<see cref="Cpu"/>) or a GPU.</summary>
public abstract class Device
{
    /// <summary>The SIMD machine: this computer's processor.</summary>
    public static Device Cpu { get; } = new CpuDevice();

    private protected Device() => Pool = new MemoryPool(this);

    /// <summary>What kind of machine it is.</summary>
    public abstract DeviceKind Kind { get; }

    /// <summary>The maker's name for it.</summary>
    public abstract string Name { get; }

    /// <summary>Live, cached and peak bytes on this device.</summary>
    public MemoryPool Pool { get; }

    /// <summary>Times that values were copied from the device to the host so far; on the CPU they are there already, and it stays 0.</summary>
    public virtual long HostCopies => 0;

    /// <summary>Waits until all work given to the device is done.</summary>
    public abstract void Synchronize();

    /// <summary>New memory of exactly this many bytes, not zeroed.</summary>
    /// <exception cref="DeviceException">There is not enough.</exception>
    internal abstract MemoryBlock AllocateBlock(long bytes);

    /// <summary>Copies host bytes to the device, in stream order.</summary>
    internal abstract void Upload(ReadOnlySpan<byte> source, MemoryBlock destination, long offset);

    /// <summary>Copies device bytes to the host after all work given before.</summary>
    internal abstract void Download(MemoryBlock source, long offset, Span<byte> destination);

    /// <inheritdoc/>
    public override string ToString() => $"{Kind}: {Name}";
}

/// <summary>A piece of a device's memory.</summary>
/// <param name="bytes">Its size.</param>
abstract class MemoryBlock(long bytes)
{
    public long Bytes { get; } = bytes;

    /// <summary>Whether the device's pool keeps it for the next tensor when its own is gone.</summary>
    public virtual bool IsPooled => true;

    /// <summary>Gives the memory back to the operating system, driver or owner.</summary>
    public abstract void Free();
}

/// <summary>Memory that the processor addresses.</summary>
abstract unsafe class CpuBlock(void* pointer, long bytes) : MemoryBlock(bytes)
{
    public readonly void* Pointer = pointer;
}

// Cache lines and the widest vectors are 64 bytes.
sealed unsafe class NativeBlock(long bytes)
    : CpuBlock(System.Runtime.InteropServices.NativeMemory.AlignedAlloc((nuint)Math.Max(64, bytes), 64), bytes)
{
    public override void Free() => System.Runtime.InteropServices.NativeMemory.AlignedFree(Pointer);
}

/// <summary>Memory that belongs to somebody else, a pinned array or a mapped file: aligned to its elements only, and let go by disposing
/// of its owner.</summary>
sealed unsafe class ForeignBlock(void* pointer, long bytes, IDisposable owner) : CpuBlock(pointer, bytes)
{
    public override bool IsPooled => false;

    public override void Free() => owner.Dispose();
}

sealed class CpuDevice : Device
{
    public override DeviceKind Kind => DeviceKind.Cpu;

    public override string Name => System.Runtime.Intrinsics.Vector512.IsHardwareAccelerated ? "SIMD, 512 bit"
        : System.Runtime.Intrinsics.Vector256.IsHardwareAccelerated ? "SIMD, 256 bit"
        : System.Runtime.Intrinsics.Vector128.IsHardwareAccelerated ? "SIMD, 128 bit"
        : "scalar";

    public override void Synchronize()
    {
        // Work on the CPU is done when the call returns.
    }

    internal override MemoryBlock AllocateBlock(long bytes)
    {
        try
        {
            return new NativeBlock(bytes);
        }
        catch (OutOfMemoryException error)
        {
            throw new DeviceException("the operating system has no more", error);
        }
    }

    internal override unsafe void Upload(ReadOnlySpan<byte> source, MemoryBlock destination, long offset)
        => source.CopyTo(new Span<byte>((byte*)((CpuBlock)destination).Pointer + offset, source.Length));

    internal override unsafe void Download(MemoryBlock source, long offset, Span<byte> destination)
        => new ReadOnlySpan<byte>((byte*)((CpuBlock)source).Pointer + offset, destination.Length).CopyTo(destination);
}
