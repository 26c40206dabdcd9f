using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace Ortho.Kernels.Host;

/// <summary>Threads that wait for work: for a moment in a loop, so that the next of many short kernels finds them awake, then asleep.</summary>
/// <remarks>
/// One job at a time. A caller that finds the pool taken - it is inside a piece, or another thread computes too - does its work alone: the
/// cores are busy then. A job is an object of its own that hands out numbers of pieces, so a worker that comes late finds nothing left
/// and cannot take pieces of another job.
/// <para>
/// Each thread begins with the same part of the pieces in every job, and helps others when its own are done: what one kernel wrote is
/// read by the next from the cache of the same core. (Pieces handed out one by one went to the other core every time in some runs and
/// never in others: a real FFT of 1,024 rows on two threads took 0.53 ms or 0.31.)
/// </para>
/// </remarks>
static class WorkerPool
{
    // How long a worker looks for the next job before it sleeps: 50 microseconds. Waking a sleeper takes about as long, so at most half the
    // time is lost.
    static readonly long patience = 50 * Stopwatch.Frequency / 1_000_000;

    static readonly Lock growing = new();
    static readonly object sleeping = new();
    static int workers, taken, jobs, sleepers;
    static Job? current;

    // The workers' threads as far as they have begun, and which of them are kept off which processor.
    static ImmutableArray<int> threads = [];
    static (ImmutableArray<int> Threads, int Processor) kept = ([], -1);

    sealed class Job
    {
        // What is left of each thread's pieces, a cache line apart: the first in the low half, the end in the high half.
        const int Line = 128 / sizeof(long);

        readonly Action<int> piece;
        readonly int pieces, threads;
        readonly long[] left;
        int done;
        Exception? failure;

        public Job(int pieces, Action<int> piece, int threads)
        {
            (this.pieces, this.piece, this.threads) = (pieces, piece, threads);
            left = new long[(threads + 1) * Line];
            for (var k = 0; k < threads; k++)
                Left(k) = (uint)((long)pieces * k / threads) | (long)pieces * (k + 1) / threads << 32;
        }

        public bool IsDone => Volatile.Read(ref done) == pieces;

        ref long Left(int thread) => ref left[(thread + 1) * Line];

        /// <summary>Does the pieces of a thread, the caller's being the first, and then those that others have not begun.</summary>
        public void Work(int thread)
        {
            for (var k = 0; k < threads && thread < threads; k++)
            {
                while (Take(ref Left((thread + k) % threads), isOwn: k == 0) is var i and >= 0)
                    Do(i);
            }
        }

        // The first piece of one's own, the last one of another's; -1 when none is left.
        static int Take(ref long left, bool isOwn)
        {
            for (var seen = Volatile.Read(ref left); (int)seen < (int)(seen >> 32);)
            {
                var rest = isOwn ? seen + 1 : seen - (1L << 32);
                var found = Interlocked.CompareExchange(ref left, rest, seen);
                if (found == seen)
                    return (int)(isOwn ? seen : rest >> 32);
                seen = found;
            }
            return -1;
        }

        void Do(int i)
        {
            try
            {
                if (Volatile.Read(ref failure) is null)
                    piece(i);
            }
            catch (Exception exception) // rethrown by the caller
            {
                Interlocked.CompareExchange(ref failure, exception, null);
            }
            Interlocked.Increment(ref done);
        }

        public void ThrowIfFailed()
        {
            if (failure is not null)
                ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>Runs all pieces on the calling thread and up to <paramref name="count"/> - 1 workers; false, with nothing done, when the
    /// pool is taken.</summary>
    /// <exception cref="Exception">What a piece threw first.</exception>
    public static bool TryRun(int pieces, Action<int> piece, int count)
    {
        if (Interlocked.CompareExchange(ref taken, 1, 0) != 0)
            return false;
        if (workers < count - 1)
            Grow(count - 1);
        LeaveAlone(Processor.Current);
        var job = new Job(pieces, piece, count);
        Volatile.Write(ref current, job);
        Interlocked.Increment(ref jobs);
        // A worker counts itself among the sleepers before it looks at the number of jobs for the last time.
        if (Volatile.Read(ref sleepers) > 0)
        {
            lock (sleeping)
                Monitor.PulseAll(sleeping);
        }
        job.Work(0);
        // The others are in their last pieces.
        for (var wait = new SpinWait(); !job.IsDone;)
            wait.SpinOnce(sleep1Threshold: -1);
        Volatile.Write(ref current, null);
        Volatile.Write(ref taken, 0);
        job.ThrowIfFailed();
        return true;
    }

    // Keeps the workers off the caller's processor. By one caller at a time.
    static void LeaveAlone(int processor)
    {
        var begun = threads;
        if (processor == kept.Processor && begun == kept.Threads)
            return;
        Processor.Keep(begun.AsSpan(), processor);
        kept = (begun, processor);
    }

    static void Grow(int wanted)
    {
        lock (growing)
        {
            for (; workers < wanted; workers++)
                new Thread(Serve) { IsBackground = true, Name = $"Ortho worker {workers + 1}" }.Start((workers + 1, Volatile.Read(ref jobs)));
        }
    }

    static void Serve(object? start)
    {
        if (Processor.Thread is var thread and >= 0)
            ImmutableInterlocked.Update(ref threads, static (all, one) => all.Add(one), thread);
        for (var (number, seen) = ((int, int))start!; ;)
        {
            WaitForJob(seen);
            seen = Volatile.Read(ref jobs);
            Volatile.Read(ref current)?.Work(number);
        }
    }

    static void WaitForJob(int seen)
    {
        var start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetTimestamp() - start < patience)
        {
            for (var i = 0; i < 16; i++)
            {
                if (Volatile.Read(ref jobs) != seen)
                    return;
                Thread.SpinWait(4);
            }
        }
        lock (sleeping)
        {
            Interlocked.Increment(ref sleepers);
            while (Volatile.Read(ref jobs) == seen)
                Monitor.Wait(sleeping);
            Interlocked.Decrement(ref sleepers);
        }
    }
}
