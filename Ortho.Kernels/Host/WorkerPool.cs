using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace Ortho.Kernels.Host;

/// <summary>Threads that wait for work: for a moment in a loop, so that the next of many short kernels finds them awake, then asleep.</summary>
/// <remarks>
/// One job at a time. A caller that finds the pool taken - it is inside a piece, or another thread computes too - does its work alone: the
/// cores are busy then. A job is an object of its own that hands out numbers of pieces, so a worker that comes late finds nothing left
/// and cannot take pieces of another job.
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

    sealed class Job(int pieces, Action<int> piece, int seats)
    {
        readonly int caller = Processor.Current;
        int next, done, seats = seats;
        Exception? failure;

        public bool IsDone => Volatile.Read(ref done) == pieces;

        /// <summary>A worker's share, unless enough of them have come.</summary>
        public void Join()
        {
            if (Interlocked.Decrement(ref seats) < 0)
                return;
            // On the caller's processor nothing would be gained.
            if (caller >= 0 && Processor.Current == caller)
                Processor.Leave(caller);
            Work();
        }

        /// <summary>Takes pieces until none is left.</summary>
        public void Work()
        {
            for (int i; (i = Interlocked.Increment(ref next) - 1) < pieces;)
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
        }

        public void ThrowIfFailed()
        {
            if (failure is not null)
                ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>Runs all pieces on the calling thread and up to <paramref name="threads"/> - 1 workers; false, with nothing done, when the
    /// pool is taken.</summary>
    /// <exception cref="Exception">What a piece threw first.</exception>
    public static bool TryRun(int pieces, Action<int> piece, int threads)
    {
        if (Interlocked.CompareExchange(ref taken, 1, 0) != 0)
            return false;
        if (workers < threads - 1)
            Grow(threads - 1);
        var job = new Job(pieces, piece, threads - 1);
        Volatile.Write(ref current, job);
        Interlocked.Increment(ref jobs);
        // A worker counts itself among the sleepers before it looks at the number of jobs for the last time.
        if (Volatile.Read(ref sleepers) > 0)
        {
            lock (sleeping)
                Monitor.PulseAll(sleeping);
        }
        job.Work();
        // The others are in their last pieces.
        for (var wait = new SpinWait(); !job.IsDone;)
            wait.SpinOnce(sleep1Threshold: -1);
        Volatile.Write(ref current, null);
        Volatile.Write(ref taken, 0);
        job.ThrowIfFailed();
        return true;
    }

    static void Grow(int wanted)
    {
        lock (growing)
        {
            for (; workers < wanted; workers++)
                new Thread(Serve) { IsBackground = true, Name = $"Ortho worker {workers + 1}" }.Start(Volatile.Read(ref jobs));
        }
    }

    static void Serve(object? start)
    {
        for (var seen = (int)start!; ;)
        {
            WaitForJob(seen);
            seen = Volatile.Read(ref jobs);
            Volatile.Read(ref current)?.Join();
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
