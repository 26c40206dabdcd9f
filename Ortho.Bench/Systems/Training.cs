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
    /// <param name="rate">The learning rate at the begin.</param>
    /// <param name="schedule">What it is multiplied by at a share of the steps that are done; 1 when null.</param>
    /// <param name="loss">The loss of the next step's batch.</param>
    /// <param name="token">Looked at before each step.</param>
    public static void Run(IEnumerable<Parameter> parameters, int steps, double rate, Func<double, double>? schedule, Func<Tensor> loss, CancellationToken token)
    {
        var optimizer = new Adam(parameters, rate);
        if (schedule is not null)
            optimizer.Follow(step => schedule((double)step / steps));
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

    /// <summary>Down to 0 along half a cosine.</summary>
    public static double Cosine(double done) => 0.5 * (1 + Math.Cos(Math.PI * done));

    /// <summary>Some of the numbers below <paramref name="count"/>, with repetitions: a batch.</summary>
    public static Tensor Batch(int size, int count, Generator generator) => Tensor.RandInt([size], 0, count, generator);
}
