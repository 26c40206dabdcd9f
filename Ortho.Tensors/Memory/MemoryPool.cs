using System.Globalization;

namespace Ortho.Tensors;

/// <summary>A device's memory, cached: blocks of freed tensors are kept by size class and given out again.</summary>
/// <remarks>
/// Nothing need be disposed for memory to stay flat: the finalizer of a storage returns its block, and before the pool grows past its
/// mark it asks the garbage collector to run - once for each quarter of the mark given out, lest a full pool pay a collection for every
/// few small tensors. A <see cref="TensorScope"/> returns blocks at once. When a device has no more memory, or its <see cref="Limit"/> is
/// reached, dead tensors are collected and cached blocks given up first; what then fails is the one allocation.
/// </remarks>
public sealed class MemoryPool
{
    const long FirstMark = 256L << 20;

    readonly Device device;
    readonly Lock gate = new();
    readonly Dictionary<long, BlockClass> classes = [];
    long mark = FirstMark, givenSinceCollection;

    readonly AllocationSites sites = new();

    internal MemoryPool(Device device) => this.device = device;

    /// <summary>The most bytes that tensors and cache may hold together; no bound when null. A tensor that would exceed it is a
    /// <see cref="DeviceException"/> that says what is live.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public long? Limit
    {
        get;
        set
        {
            if (value is { } bytes)
                ArgumentOutOfRangeException.ThrowIfNegative(bytes);
            field = value;
            MakeRoom(0);
        }
    }

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
            Collect();
            if (TryRent(size) is { } found)
                return found;
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

        if (!HasRoom(size))
        {
            Collect();
            if (TryRent(size) is { } returned)
                return returned;
            MakeRoom(size);
            if (!HasRoom(size))
                throw new DeviceException(Shortage(size, $"the pool's limit is {Limit:N0}"));
        }

        MemoryBlock block;
        try
        {
            block = device.AllocateBlock(size);
        }
        catch (DeviceException)
        {
            // Fragmented or nearly full: give back what is cached, collect what is dead, and try once more.
            Collect();
            Trim();
            try
            {
                block = device.AllocateBlock(size);
            }
            catch (DeviceException error)
            {
                throw new DeviceException(Shortage(size, error.Message), error);
            }
        }
        lock (gate)
        {
            DeviceAllocations++;
            if (!classes.TryGetValue(size, out var blocks))
                classes[size] = blocks = new();
            Count(size, blocks);
        }
        return block;
    }

    static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    bool HasRoom(long bytes)
    {
        lock (gate)
            return !(LiveBytes + CachedBytes + bytes > Limit);
    }

    // Gives up cached blocks, the largest first, until so many bytes more are within the limit.
    void MakeRoom(long bytes)
    {
        List<MemoryBlock> released = [];
        lock (gate)
        {
            foreach (var (size, blocks) in classes.OrderByDescending(entry => entry.Key))
            {
                while (LiveBytes + CachedBytes + bytes > Limit && blocks.Free.TryPop(out var block))
                {
                    CachedBytes -= size;
                    released.Add(block);
                }
            }
        }
        foreach (var block in released)
            block.Free();
    }

    // What is live, largest first: the reader has to find out what to let go.
    string Shortage(long bytes, string why)
    {
        const int shown = 5;
        lock (gate)
        {
            var text = new System.Text.StringBuilder();
            text.Append(CultureInfo.InvariantCulture, $"{device}: no memory for {bytes:N0} bytes ({why}); {LiveBytes:N0} bytes are live in tensors");
            var largest = classes.Where(entry => entry.Value.Live > 0).OrderByDescending(entry => entry.Key).Take(shown).ToList();
            if (largest.Count > 0)
                text.Append(CultureInfo.InvariantCulture, $", the largest of {string.Join(", ", largest.Select(entry => string.Create(CultureInfo.InvariantCulture, $"{entry.Value.Live:N0} x {entry.Key:N0}")))}");
            text.Append('.');
            foreach (var site in sites.Largest(shown))
                text.AppendLine().Append(CultureInfo.InvariantCulture, $"  {site.Bytes,15:N0} bytes in {site.Count,6:N0}  {site.Where}");
            if (!TracksSites)
                text.Append(" Pool.TracksSites = true tells who made them.");
            return text.ToString();
        }
    }

    MemoryBlock? TryRent(long size)
    {
        lock (gate)
        {
            if (!classes.TryGetValue(size, out var blocks) || !blocks.Free.TryPop(out var block))
                return null;
            CachedBytes -= size;
            Count(size, blocks);
            return block;
        }
    }

    void Count(long size, BlockClass blocks)
    {
        blocks.Live++;
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
            // The first of a class is counted before it can come back.
            var blocks = classes[block.Bytes];
            blocks.Live--;
            blocks.Free.Push(block);
        }
    }

    /// <summary>Gives all cached blocks back to the device.</summary>
    public void Trim()
    {
        List<MemoryBlock> released;
        lock (gate)
        {
            released = [.. classes.Values.SelectMany(blocks => blocks.Free)];
            foreach (var blocks in classes.Values)
                blocks.Free.Clear();
            CachedBytes = 0;
        }
        foreach (var block in released)
            block.Free();
    }

    // The blocks of one size: those that are free, and how many tensors hold.
    sealed class BlockClass
    {
        public Stack<MemoryBlock> Free { get; } = new();

        public int Live { get; set; }
    }
}
