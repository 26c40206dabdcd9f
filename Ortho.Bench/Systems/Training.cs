using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;

namespace Ortho.Bench.Systems;

/// <summary>What the experiments' training loops have in common.</summary>
static class Training
{
    /// <summary>Some steps of Adam.</summary>
    /// <param name="parameters">What is trained.</param>
    /// <param name="steps">How many steps.</param>
    /// <param name="rate">The learning rate, before the schedule.</param>
    /// <param name="schedule">One of <see cref="Schedules"/>; constant when null.</param>
    /// <param name="loss">The loss of the next step's batch.</param>
    /// <param name="token">Looked at before each step.</param>
    public static void Run(IEnumerable<Parameter> parameters, int steps, double rate, Func<int, double>? schedule, Func<Tensor> loss,
        CancellationToken token)
    {
        var optimizer = new Adam(parameters, rate);
        if (schedule is not null)
            optimizer.Follow(schedule);
        Run(optimizer, steps, loss, token);
    }

    /// <summary>Some steps of any optimizer.</summary>
    /// <param name="optimizer">The optimizer, with its schedule.</param>
    /// <param name="steps">How many steps.</param>
    /// <param name="loss">The loss of the next step's batch.</param>
    /// <param name="token">Looked at before each step.</param>
    public static void Run(Optimizer optimizer, int steps, Func<Tensor> loss, CancellationToken token)
    {
        for (var step = 0; step < steps; step++)
        {
            token.ThrowIfCancellationRequested();
            using var scope = new TensorScope();
            optimizer.ZeroGrad();
            loss().Backward();
            optimizer.Step();
        }
    }

    /// <summary>Some of the numbers below <paramref name="count"/>, with repetitions: a batch.</summary>
    public static Tensor Batch(int size, int count, Generator generator) => Tensor.RandInt([size], 0, count, generator);
}
