namespace Ortho.Tensors;

/// <summary>Memory on one device, shared by a tensor and its views; returned to the device's pool (or to its owner, when it is a pinned
/// array or a mapped file) when the last of them is gone, or at once by <see cref="Dispose"/>.</summary>
public sealed class Storage : IDisposable
{
    readonly string? site;
    MemoryBlock? block;

    internal Storage(Device device, long bytes)
    {
        Device = device;
        Bytes = bytes;
        block = device.Pool.Rent(bytes);
        site = device.Pool.Track(bytes);
    }

    internal Storage(ForeignBlock foreign)
    {
        Device = Device.Cpu;
        Bytes = foreign.Bytes;
        block = foreign;
    }

    /// <summary>Returns the memory to the pool.</summary>
    ~Storage() => Release();

    /// <summary>Where the memory is.</summary>
    public Device Device { get; }

    /// <summary>Size asked for.</summary>
    public long Bytes { get; }

    /// <summary>Counts changes of the contents in place: what was saved for a gradient must not have changed since.</summary>
    public int Version { get; internal set; }

    /// <summary>Whether the memory has been given back.</summary>
    public bool IsDisposed => block is null;

    internal MemoryBlock Block => block ?? throw new ObjectDisposedException(nameof(Tensor), "The tensor's storage was disposed (by Dispose or at the end of a TensorScope).");

    /// <summary>Returns the memory to the pool at once; every tensor on this storage becomes unusable.</summary>
    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    void Release()
    {
        if (Interlocked.Exchange(ref block, null) is not { } returned)
            return;
        if (!returned.IsPooled)
        {
            returned.Free();
            return;
        }
        Device.Pool.Untrack(site, Bytes);
        Device.Pool.Return(returned);
    }
}
