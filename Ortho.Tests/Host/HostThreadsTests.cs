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
            var threads = new HashSet<int>();
            HostThreads.For(2, _ =>
            {
                lock (threads) threads.Add(Environment.CurrentManagedThreadId);
                // Neither piece ends before both have begun: one thread alone would take both.
                for (var wait = new SpinWait(); ; wait.SpinOnce())
                {
                    lock (threads)
                    {
                        if (threads.Count == 2) return;
                    }
                }
            });
            Assert.That(threads, Has.Count.EqualTo(2));
        }
    }
}
