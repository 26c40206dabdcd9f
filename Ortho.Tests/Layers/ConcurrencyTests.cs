using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Layers;

/// <summary>Tensors are read by many threads, and one model serves many.</summary>
[TestFixture, Category("Devices")]
public class ConcurrencyTests
{
    const int Threads = 8;

    static IEnumerable<string> Kinds => Devices.Kinds;

    // All threads start together; the first exception of any of them is the test's.
    static T[] Together<T>(Func<int, T> work)
    {
        using var start = new Barrier(Threads);
        var tasks = Enumerable.Range(0, Threads).Select(thread => Task.Factory.StartNew(() =>
        {
            start.SignalAndWait();
            return work(thread);
        }, TaskCreationOptions.LongRunning)).ToArray();
        return Task.WhenAll(tasks).GetAwaiter().GetResult();
    }

    static Sequential Model(Device device)
    {
        var generator = new Generator(3);
        var model = new Sequential(new OrthogonalConv2d(1, 4, 3, generator, stride: 2), new MaxMin(), new Flatten(), new OrthogonalLinear(4 * 4 * 4, 10, generator));
        model.To(device).Eval();
        return model;
    }

    [TestCaseSource(nameof(Kinds))]
    public void A_model_serves_many_threads_with_the_answers_of_one(string kind)
    {
        var device = Devices.Of(kind);
        var rounds = device.Kind == DeviceKind.Simulator ? 2 : 40;
        var inputs = Enumerable.Range(0, Threads).Select(k => Tensor.Normal([3, 1, 8, 8], new Generator((ulong)k), device: device)).ToArray();
        float[][] expected;
        using (Graph.NoGrad())
        {
            var model = Model(device);
            expected = [.. inputs.Select(x => model.Forward(x).ToArray<float>())];
        }

        // A fresh model: the weights that layers derive from their parameters are first computed by all threads at once.
        var served = Model(device);
        var answers = Together(thread =>
        {
            using var pause = Graph.NoGrad();
            var mine = new List<float[]>();
            for (var round = 0; round < rounds; round++)
            {
                using var scope = new TensorScope();
                mine.Add(served.Forward(inputs[(thread + round) % Threads]).ToArray<float>());
            }
            return mine;
        });
        for (var thread = 0; thread < Threads; thread++)
        {
            for (var round = 0; round < rounds; round++)
                Assert.That(answers[thread][round], Is.EqualTo(expected[(thread + round) % Threads]), $"thread {thread}, round {round}");
        }
    }

    [Test]
    public void Tensors_and_their_views_are_read_by_many_threads_while_garbage_is_collected()
    {
        var x = Tensor.Normal([200, 300], new Generator(1));
        var (sum, product, transposed) = (x.Sum().Item(), x.MatMul(x.T).ToArray<float>(), x.T.Contiguous().ToArray<float>());
        Together(thread =>
        {
            for (var round = 0; round < 20; round++)
            {
                if (thread == 0)
                    GC.Collect();
                Assert.That(x.Sum().Item(), Is.EqualTo(sum));
                Assert.That(x.T.Contiguous().ToArray<float>().AsSpan().SequenceEqual(transposed), "transpose");
                Assert.That(x.MatMul(x.T).ToArray<float>().AsSpan().SequenceEqual(product), "product");
            }
            return true;
        });
    }

    [Test]
    public void Every_thread_differentiates_with_respect_to_leaves_of_its_own()
    {
        var shared = Tensor.Normal([50, 50], new Generator(1)).RequiresGrad();
        var expected = Derivatives.Gradient(x => x.MatMul(shared).Tanh().Sum(), Tensor.Ones([20, 50])).ToArray<float>();
        var gradients = Together(_ => Enumerable.Range(0, 20)
            .Select(_ => Derivatives.Gradient(x => x.MatMul(shared).Tanh().Sum(), Tensor.Ones([20, 50])).ToArray<float>()).ToArray());
        Assert.That(gradients.SelectMany(mine => mine), Is.All.EqualTo(expected));
        Assert.That(shared.Grad, Is.Null, "functional derivatives leave Grad alone");
    }
}
