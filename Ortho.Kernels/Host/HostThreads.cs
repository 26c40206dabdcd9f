using System.Runtime.CompilerServices;

namespace Ortho.Kernels.Host;

/// <summary>The processor cores that host kernels use.</summary>
/// <remarks>Work is cut into pieces of a size that does not depend on the number of threads, so results do not either.</remarks>
public static class HostThreads
{
    static int count = Environment.ProcessorCount;

    /// <summary>Threads used at once; the number of processors unless set.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than one.</exception>
    public static int Count
    {
        get => count;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            count = value;
        }
    }

    /// <summary>Elements of cheap work (an addition) that are worth a piece of their own.</summary>
    internal const int Grain = 1 << 15;

    /// <summary>Runs <paramref name="piece"/> for 0 .. <paramref name="pieces"/> - 1, on several threads when there are several.</summary>
    /// <remarks>The first exception of a piece is thrown here; pieces that have not begun by then are left out.</remarks>
    internal static void For(int pieces, Action<int> piece)
    {
        var threads = Math.Min(count, pieces);
        if (threads <= 1 || !WorkerPool.TryRun(pieces, piece, threads))
        {
            for (var i = 0; i < pieces; i++)
                piece(i);
        }
    }

    /// <summary>Runs <paramref name="range"/> over [0, <paramref name="length"/>) in pieces of <paramref name="grain"/>.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static void Range(long length, long grain, Action<long, long> range)
    {
        var pieces = checked((int)((length + grain - 1) / grain));
        if (pieces <= 1)
        {
            if (length > 0)
                range(0, length);
            return;
        }
        For(pieces, i => range(i * grain, Math.Min(length, (i + 1) * grain)));
    }
}
