namespace Ortho.Tensors;

/// <summary>A device's memory, cached: blocks of freed tensors are kept by size class and given out again.</summary>
/// <remarks>
/// Nothing need be disposed for memory to stay flat: the finalizer of a storage returns its block, and before the pool grows past its
/// mark it asks the garbage collector to run - once for each quarter of the mark given out, lest a full pool pay a collection for every
/// few small tensors. A <see cref="TensorScope"/> returns blocks at once.
/// </remarks>
public sealed class MemoryPool
{
    const long FirstMark = 256L << 20;

    readonly Device device;
    readonly Lock gate = new();
    readonly Dictionary<long, Stack<MemoryBlock>> free = [];
    long mark = FirstMark, givenSinceCollection;

    readonly AllocationSites sites = new();

    internal MemoryPool(Device device) => this.device = device;

    /// <summary>Whether, for tensors made from now on, the place is remembered for <see cref="Report"/>. For debugging: each allocation then
    /// walks the stack. False unless set.</summary>
    public bool TracksSites { get; set; }

    /// <summary>What the memory is used for now.</summary>
    /// <param name="sites">At most this many allocation sites.</param>
    public MemoryReport Report(int sites = 10)
    {
        var largest = this.sites.Largest(sites);
        lock (gate)
            return new($"{device}", LiveBytes, PeakBytes, CachedBytes, DeviceAllocations, largest);
    }

    internal string? Track(long bytes)
    {
        if (!TracksSites)
            return null;
        var site = AllocationSites.Here();
        sites.Add(site, bytes);
        return site;
    }

    internal void Untrack(string? site, long bytes)
    {
        if (site is not null)
            sites.Remove(site, bytes);
    }

    /// <summary>Bytes held by tensors.</summary>
    public long LiveBytes { get; private set; }

    /// <summary>The most <see cref="LiveBytes"/> has been.</summary>
    public long PeakBytes { get; private set; }

    /// <summary>Bytes held for reuse.</summary>
    public long CachedBytes { get; private set; }

    /// <summary>Blocks asked of the device so far; it stands still in a training loop's steady state.</summary>
    public long DeviceAllocations { get; private set; }

    // Four classes per power of two: at most a quarter is wasted, and similar sizes share blocks.
    internal static long SizeClass(long bytes)
    {
        if (bytes <= 256)
            return 256;
        var step = 1L << (62 - (int)long.LeadingZeroCount(bytes - 1) - 1);
        return (bytes + step - 1) / step * step;
    }

    internal MemoryBlock Rent(long bytes)
    {
        var size = SizeClass(bytes);
        if (TryRent(size) is { } cached)
            return cached;

        bool collect;
        lock (gate)
        {
            collect = LiveBytes + CachedBytes + size > mark && givenSinceCollection + size > mark / 4;
            if (collect)
                givenSinceCollection = 0;
        }
        if (collect)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            if (TryRent(size) is { } returned)
                return returned;
            bool isFull;
            lock (gate)
            {
                mark = Math.Max(FirstMark, 2 * (LiveBytes + size));
                isFull = LiveBytes + CachedBytes + size > mark;
            }
            // What is cached then is of other sizes; kept, the cache would grow with every new size.
            if (isFull)
                Trim();
        }

        MemoryBlock block;
        try
        {
            block = device.AllocateBlock(size);
        }
        catch (DeviceException)
        {
            // Fragmented or nearly full: give back what is cached, collect what is dead, and try once more.
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Trim();
            block = device.AllocateBlock(size);
        }
        lock (gate)
        {
            DeviceAllocations++;
            Count(size);
        }
        return block;
    }

    MemoryBlock? TryRent(long size)
    {
        lock (gate)
        {
            if (!free.TryGetValue(size, out var blocks) || !blocks.TryPop(out var block))
                return null;
            CachedBytes -= size;
            Count(size);
            return block;
        }
    }

    void Count(long size)
    {
        givenSinceCollection += size;
        LiveBytes += size;
        PeakBytes = Math.Max(PeakBytes, LiveBytes);
    }

    internal void Return(MemoryBlock block)
    {
        lock (gate)
        {
            LiveBytes -= block.Bytes;
            CachedBytes += block.Bytes;
            if (!free.TryGetValue(block.Bytes, out var blocks))
                free[block.Bytes] = blocks = new();
            blocks.Push(block);
        }
    }

    /// <summary>Gives all cached blocks back to the device.</summary>
    public void Trim()
    {
        List<MemoryBlock> released;
        lock (gate)
        {
            released = [.. free.Values.SelectMany(blocks => blocks)];
            free.Clear();
            CachedBytes = 0;
        }
        foreach (var block in released)
            block.Free();
    }
}
