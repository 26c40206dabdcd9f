using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Ortho.Kernels.Lanes;

namespace Ortho.Bench.Microbenchmarks;

/// <summary>What this machine can do, measured: bytes copied and fused multiply-adds, a second. Williams, Waterman and Patterson 2009.</summary>
/// <param name="Threads">Threads that took part.</param>
/// <param name="Levels">Copy bandwidth by the size of what is copied, smallest first.</param>
/// <param name="SingleGflops">Billions of float32 operations a second; a fused multiply-add is two.</param>
/// <param name="DoubleGflops">The same in float64.</param>
sealed record Roofline(int Threads, IReadOnlyList<Roofline.Level> Levels, double SingleGflops, double DoubleGflops)
{
    /// <summary>One size of memory traffic.</summary>
    /// <param name="Bytes">Bytes read and written by one copy.</param>
    /// <param name="GigabytesPerSecond">Bytes read and written, in billions a second.</param>
    internal sealed record Level(long Bytes, double GigabytesPerSecond);

    // In the first and second cache level of one core, in the last level, and far beyond every cache.
    static readonly long[] sizes = [16 << 10, 256 << 10, 4 << 20, 256 << 20];

    /// <summary>Measures, in about a second.</summary>
    /// <param name="threads">Threads to use.</param>
    public static Roofline Measure(int threads)
        => new(threads, [.. sizes.Select(bytes => new Level(bytes, Copies(bytes, threads)))],
            Multiplications<float>(threads), Multiplications<double>(threads));

    /// <summary>The least time in which work could be done, in seconds: as long as its traffic or its arithmetic takes, whichever is longer.</summary>
    /// <param name="bytes">Bytes read and written at least.</param>
    /// <param name="flops">Floating-point operations.</param>
    /// <param name="arithmetic">What they are; the CPU has no peak of its own for bfloat16.</param>
    public double Bound(long bytes, double flops, Arithmetic arithmetic)
    {
        // Traffic of a size that lies between two levels goes at the slower one's speed.
        var level = Levels.FirstOrDefault(level => bytes <= level.Bytes) ?? Levels[^1];
        return Math.Max(bytes / (level.GigabytesPerSecond * 1e9), flops / ((arithmetic == Arithmetic.Double ? DoubleGflops : SingleGflops) * 1e9));
    }

    static double Copies(long bytes, int threads)
    {
        // Half is read and half is written.
        var share = (int)(bytes / 2 / threads);
        var (from, to) = (new byte[threads][], new byte[threads][]);
        for (var t = 0; t < threads; t++)
            (from[t], to[t]) = (GC.AllocateArray<byte>(share, pinned: true), GC.AllocateArray<byte>(share, pinned: true));
        var rounds = (int)Math.Max(1, (64 << 20) / bytes);
        var seconds = Fastest(threads, t =>
        {
            for (var round = 0; round < rounds; round++)
                from[t].CopyTo(to[t], 0);
        });
        return 2.0 * share * threads * rounds / seconds / 1e9;
    }

    static double Multiplications<E>(int threads) where E : unmanaged
    {
        const int rounds = 200_000;
        var (width, chains) = Vector512.IsHardwareAccelerated ? (Vector512<E>.Count, (Action<int>)Chains<Vec512<E>>)
            : Vector256.IsHardwareAccelerated ? (Vector256<E>.Count, Chains<Vec256<E>>)
            : (Vector128<E>.Count, Chains<Vec128<E>>);
        return 2.0 * Accumulators * width * rounds * threads / Fastest(threads, _ => chains(rounds)) / 1e9;
    }

    const int Accumulators = 12;

    // More independent chains than the latency of a multiply-add times its units.
    [MethodImpl(Inline.Root)]
    static void Chains<V>(int rounds) where V : struct, ILane<V>
    {
        var (x, y) = (V.Of(0.5), V.Of(0.25));
        V a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
        for (var round = 0; round < rounds; round++)
        {
            a = V.Fma(a, x, y);
            b = V.Fma(b, x, y);
            c = V.Fma(c, x, y);
            d = V.Fma(d, x, y);
            e = V.Fma(e, x, y);
            f = V.Fma(f, x, y);
            g = V.Fma(g, x, y);
            h = V.Fma(h, x, y);
            i = V.Fma(i, x, y);
            j = V.Fma(j, x, y);
            k = V.Fma(k, x, y);
            l = V.Fma(l, x, y);
        }
        Keep(a + b + c + d + e + f + g + h + i + j + k + l);
    }

    // Without a reader the chains could be left out.
    [MethodImpl(MethodImplOptions.NoInlining)]
    static void Keep<V>(V sum) where V : struct, ILane<V> => _ = sum;

    // A limit is what was reached at best; a round takes as long as its slowest thread.
    static double Fastest(int threads, Action<int> work)
    {
        const int repetitions = 12;
        var seconds = new double[threads, repetitions];
        using var start = new Barrier(threads);
        var others = Enumerable.Range(1, threads - 1).Select(t => new Thread(() => Repeat(t))).ToList();
        others.ForEach(thread => thread.Start());
        Repeat(0);
        others.ForEach(thread => thread.Join());
        return Enumerable.Range(0, repetitions).Min(r => Enumerable.Range(0, threads).Max(t => seconds[t, r]));

        void Repeat(int thread)
        {
            for (var repetition = 0; repetition < repetitions; repetition++)
            {
                start.SignalAndWait();
                var begin = Stopwatch.GetTimestamp();
                work(thread);
                seconds[thread, repetition] = Stopwatch.GetElapsedTime(begin).TotalSeconds;
            }
        }
    }
}
