using System.Diagnostics;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Analysis;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;
using static System.FormattableString;
using Projector = Ortho.Layers.HouseholderProjector;

namespace Ortho.Bench.Systems;

/// <summary>System 24: the middle matrix of a trained autoencoder is replaced by a projector of rank 4, as many as the data have factors,
/// and fine-tuned.</summary>
sealed class HouseholderProjector : ISystem
{
    const int Inputs = 48, Hidden = 64, Latent = 16, Features = 32, Factors = 4;

    /// <inheritdoc/>
    public string Key => "24";

    /// <inheritdoc/>
    public IReadOnlyList<Metric> Run(IReadOnlyList<ulong> seeds, Action<string> say, CancellationToken token)
    {
        var outcomes = new List<Outcome>();
        foreach (var seed in seeds)
        {
            token.ThrowIfCancellationRequested();
            var outcome = One(seed);
            outcomes.Add(outcome);
            var (ratio, top, all) = (outcome.Ratio, outcome.TopRatio, outcome.AllRatio);
            say(Invariant($"seed {seed}: path lengths max/min {ratio:0.00}; trained matrix's top four {top:0.00}, all {all:0.0}"));
            say(Invariant($"  error {outcome.Trained:0.0000} trained, {outcome.Replaced:0.0000} replaced, {outcome.Tuned:0.0000} fine-tuned"));
        }
        token.ThrowIfCancellationRequested();
        // Margins are asked of every seed: the worst is judged.
        return
        [
            Metric.AtMost("path lengths of the 4 directions, max/min, worst seed", 2, outcomes.Max(outcome => outcome.Ratio)),
            Metric.AtMost("that ratio over the trained matrix's top four's, worst seed", 1,
                outcomes.Max(outcome => outcome.Ratio / outcome.TopRatio)),
            Metric.AtMost("largest path length of the 12 other directions, in units of 1e-8, worst seed", 1,
                outcomes.Max(outcome => outcome.Null) * 1e8),
            Metric.AtMost("error fine-tuned over error as replaced, worst seed", 0.05,
                outcomes.Max(outcome => outcome.Tuned / outcome.Replaced)),
            Metric.Report("trained matrix: max/min of its top four, mean", outcomes.Average(outcome => outcome.TopRatio)),
            Metric.Report("trained matrix: max/min of all 16, mean", outcomes.Average(outcome => outcome.AllRatio)),
            Metric.Report("error of the trained network, mean", outcomes.Average(outcome => outcome.Trained)),
            Metric.Report("error as replaced, mean", outcomes.Average(outcome => outcome.Replaced)),
            Metric.Report("error fine-tuned, mean", outcomes.Average(outcome => outcome.Tuned)),
            Metric.Report("applying 256 reflections to 32 vectors of 256: one after the other / compact", Speedup()),
        ];
    }

    readonly record struct Outcome(double Ratio, double TopRatio, double AllRatio, double Null, double Trained, double Replaced,
        double Tuned);

    static Outcome One(ulong seed)
    {
        var generator = new Generator(seed);
        var (first, second) = (Tensor.Normal([Factors, 24], generator, deviation: 0.8),
            Tensor.Normal([24, Inputs], generator, deviation: 1.5 / Math.Sqrt(24)));
        Tensor Data(int count) => Tensor.Uniform([count, Factors], generator, -1, 1).MatMul(first).Tanh().MatMul(second);

        var relu = new Activation(x => x.Relu());
        var (encoder, decoder) = (new Sequential(new Linear(Inputs, Hidden, generator), relu, new Linear(Hidden, Latent, generator)),
            new Sequential(relu, new Linear(Features, Hidden, generator), relu, new Linear(Hidden, Inputs, generator)));
        var middle = new Linear(Latent, Features, generator);
        var test = Data(1000);

        void Train(Module between, int steps, double rate)
        {
            var optimizer = new Adam([.. encoder.Parameters(), .. between.Parameters(), .. decoder.Parameters()], rate);
            for (var step = 0; step < steps; step++)
            {
                using var scope = new TensorScope();
                var x = Data(64);
                optimizer.ZeroGrad();
                (decoder.Forward(between.Forward(encoder.Forward(x))) - x).Square().Mean().Backward();
                optimizer.Step();
            }
        }

        double Error(Module between)
        {
            using var pause = Graph.NoGrad();
            return (decoder.Forward(between.Forward(encoder.Forward(test))) - test).Square().Mean().Item();
        }

        double[] Lengths(Module between, Tensor directions)
        {
            using var pause = Graph.NoGrad();
            return LatentDirections.PathLength(w => decoder.Forward(between.Forward(w)), encoder.Forward(test), directions);
        }

        Train(middle, 600, 3e-3);
        var (trained, all) = (Error(middle), Lengths(middle, LatentDirections.FromWeight(middle.Weight.Value, Latent)));
        var projector = Projector.FromWeight(middle.Weight.Value, middle.Bias!.Value, Factors);
        var replaced = Error(projector);
        Train(projector, 150, 2e-3);
        // The directions that V leaves out: the last singular vectors of W.
        var others = LatentDirections.FromWeight(projector.Weight.Detach(), Latent).Narrow(1, Factors, Latent - Factors);
        return new(Spread(Lengths(projector, projector.Directions.Detach())), Spread(all[..Factors]), Spread(all),
            Lengths(projector, others).Max(),
            trained, replaced, Error(projector));
    }

    static double Spread(double[] lengths) => lengths.Max() / lengths.Min();

    static double Speedup()
    {
        using var pause = Graph.NoGrad();
        var generator = new Generator(1);
        var (v, x) = (Tensor.Normal([256, 256], generator), Tensor.Normal([256, 32], generator));
        return Milliseconds(() => OneByOne(v, x)) / Milliseconds(() => v.HouseholderApply(x));
    }

    // H(v_1) (H(v_2) (... x)).
    static Tensor OneByOne(Tensor v, Tensor x)
    {
        for (var k = v.Shape[1] - 1; k >= 0; k--)
        {
            var column = v.Narrow(1, k, 1);
            x -= column.MatMul(column.T.MatMul(x)) * (2.0 / column.Square().Sum());
        }
        return x;
    }

    // The best of some runs, after one that compiles.
    static double Milliseconds(Func<Tensor> run)
    {
        var best = double.PositiveInfinity;
        for (var k = 0; k < 8; k++)
        {
            using var scope = new TensorScope();
            var started = Stopwatch.GetTimestamp();
            _ = run();
            best = Math.Min(best, Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }
        return best;
    }
}
