namespace Ortho.Tests.Support;

/// <summary>Shared memory of an emulated block: what its 16-byte chunks hold, and who may see it.</summary>
/// <remarks>A copy has come for its thread when that has waited for it, for the other threads when all have met since, and for the tensor cores'
/// asynchronous instructions when its thread has made it visible to them (the proxy fence) before all met. What may still be read
/// must not be written: while an asynchronous product that reads it is under way, and before all have met again.</remarks>
sealed class EmulatedShared
{
    /// <summary>Bytes of a chunk, and where a block's memory begins: the first 1,024 bytes are the system's.</summary>
    public const int Chunk = 16, Start = 1024;

    enum State : byte
    {
        Unwritten,
        Coming,
        Arrived,
        Fenced,
        Met,
        Visible,
    }

    readonly byte[] bytes;
    readonly State[] states;
    readonly int[] readers, lastRead;
    int meetings;

    /// <summary>So many bytes, none of them written.</summary>
    public EmulatedShared(int count)
    {
        bytes = new byte[Start + count];
        Array.Fill(bytes, (byte)0xff);
        var chunks = bytes.Length / Chunk;
        (states, readers, lastRead) = (new State[chunks], new int[chunks], new int[chunks]);
        Array.Fill(lastRead, -1);
    }

    /// <summary>A copy to a chunk begins: from now on it holds nothing.</summary>
    public void Expect(int address)
    {
        var chunk = address / Chunk;
        if (address < Start || address + Chunk > bytes.Length)
            throw new InvalidOperationException($"a copy goes to {address}, outside of the block's shared memory");
        if (readers[chunk] > 0)
            throw new InvalidOperationException($"shared memory at {address} is written while a product that reads it is under way");
        if (lastRead[chunk] == meetings)
            throw new InvalidOperationException($"shared memory at {address} is written before all threads have met after reading it");
        bytes.AsSpan(address, Chunk).Fill(0xff);
        states[chunk] = State.Coming;
    }

    /// <summary>It has come, for the thread that began it.</summary>
    public void Arrive(int address, ReadOnlySpan<byte> data)
    {
        data.CopyTo(bytes.AsSpan(address));
        states[address / Chunk] = State.Arrived;
    }

    /// <summary><c>fence.proxy.async</c> by all threads.</summary>
    public void Fence()
    {
        foreach (ref var state in states.AsSpan())
            state = state is State.Arrived or State.Met ? State.Fenced : state;
    }

    /// <summary><c>bar.sync</c>.</summary>
    public void Meet()
    {
        meetings++;
        foreach (ref var state in states.AsSpan())
            state = state == State.Arrived ? State.Met : state == State.Fenced ? State.Visible : state;
    }

    /// <summary>A word that a thread reads.</summary>
    public uint Read(int address)
    {
        var chunk = address / Chunk;
        if (states[chunk] is not (State.Met or State.Visible))
            throw new InvalidOperationException($"shared memory at {address} is read, but is {states[chunk]}");
        lastRead[chunk] = meetings;
        return BitConverter.ToUInt32(bytes, address);
    }

    /// <summary>An asynchronous product that reads a chunk is under way.</summary>
    public void Lend(int address)
    {
        var chunk = address / Chunk;
        if (states[chunk] != State.Visible)
            throw new InvalidOperationException($"shared memory at {address} is given to the tensor cores, but is {states[chunk]}");
        readers[chunk]++;
    }

    /// <summary>It is done.</summary>
    public void Return(int address)
    {
        readers[address / Chunk]--;
        lastRead[address / Chunk] = meetings;
    }

    /// <summary>A word that an asynchronous product reads.</summary>
    public uint Peek(int address) => BitConverter.ToUInt32(bytes, address);
}
