using NUnit.Framework;
using Ortho.Kernels.Host;

namespace Ortho.Tests.Host;

/// <summary>Pieces of work on several threads.</summary>
[TestFixture, NonParallelizable]
sealed class HostThreadsTests
{
    int before;

    [SetUp] public void Remember() => before = HostThreads.Count;

    [TearDown] public void Restore() => HostThreads.Count = before;

    [Test]
    public void Every_piece_runs_once([Values(1, 2, 3, 8)] int threads, [Values(0, 1, 2, 7, 1000)] int pieces)
    {
        HostThreads.Count = threads;
        for (var round = 0; round < 50; round++)
        {
            var runs = new int[pieces];
            HostThreads.For(pieces, i => Interlocked.Increment(ref runs[i]));
            Assert.That(runs, Is.All.EqualTo(1));
        }
    }

    [Test]
    public void No_more_threads_work_than_are_counted([Values(2, 3)] int threads)
    {
        HostThreads.Count = 8;
        HostThreads.For(64, _ => Thread.Sleep(1)); // there are more workers than may work
        HostThreads.Count = threads;
        var (working, most) = (0, 0);
        HostThreads.For(64, _ =>
        {
            var now = Interlocked.Increment(ref working);
            for (var seen = most; now > seen;)
                seen = Math.Max(seen, Interlocked.CompareExchange(ref most, now, seen) == seen ? now : most);
            Thread.Sleep(1);
            Interlocked.Decrement(ref working);
        });
        Assert.That(most, Is.InRange(2, threads));
    }

    [Test]
    public void A_failure_reaches_the_caller_and_the_next_job_runs()
    {
        HostThreads.Count = 3;
        for (var round = 0; round < 20; round++)
        {
            Assert.That(() => HostThreads.For(50, i =>
            {
                if (i == 17)
                    throw new InvalidDataException("piece 17");
            }), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo("piece 17"));
            var sum = 0;
            HostThreads.For(50, i => Interlocked.Add(ref sum, i));
            Assert.That(sum, Is.EqualTo(1225));
        }
    }

    [Test]
    public void Pieces_may_have_pieces()
    {
        HostThreads.Count = 4;
        var sum = 0;
        HostThreads.For(20, i => HostThreads.For(30, j => Interlocked.Add(ref sum, i * j)));
        Assert.That(sum, Is.EqualTo(190 * 435));
    }

    [Test]
    public void Several_callers_at_once_get_their_own_results()
    {
        HostThreads.Count = 3;
        var sums = new int[6];
        var callers = Enumerable.Range(0, sums.Length).Select(caller => new Thread(() =>
        {
            for (var round = 0; round < 200; round++)
                HostThreads.For(40, i => Interlocked.Add(ref sums[caller], i + caller));
        })).ToList();
        callers.ForEach(caller => caller.Start());
        callers.ForEach(caller => caller.Join());
        Assert.That(sums, Is.EqualTo(Enumerable.Range(0, sums.Length).Select(caller => 200 * (780 + 40 * caller))));
    }

    [Test]
    public void Workers_that_fell_asleep_wake_for_the_next_job()
    {
        HostThreads.Count = 2;
        for (var round = 0; round < 20; round++)
        {
            Thread.Sleep(2);
            Assert.That(ThreadsOfEach(2).Distinct().Count(), Is.EqualTo(2));
        }
    }

    [Test]
    public void Each_thread_has_the_same_pieces_in_every_job([Values(2, 3)] int threads)
    {
        HostThreads.Count = threads;
        var first = ThreadsOfEach(threads);
        Assert.That(first[0], Is.EqualTo(Environment.CurrentManagedThreadId));
        for (var round = 0; round < 50; round++)
            Assert.That(ThreadsOfEach(threads), Is.EqualTo(first));
    }

    // The threads that run as many pieces as there are threads, each in one piece: none ends before all have begun.
    static int[] ThreadsOfEach(int pieces)
    {
        var (threads, begun) = (new int[pieces], 0);
        HostThreads.For(pieces, i =>
        {
            threads[i] = Environment.CurrentManagedThreadId;
            Interlocked.Increment(ref begun);
            for (var wait = new SpinWait(); Volatile.Read(ref begun) < pieces;)
                wait.SpinOnce();
        });
        return threads;
    }
}
