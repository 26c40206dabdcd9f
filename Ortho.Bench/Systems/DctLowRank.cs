using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;

namespace Ortho.Bench.Systems;

/// <summary>System 51: a perceptron learns to tell smooth signals apart; its first two matrices by an optimizer of low rank, the rest by
/// Adam.</summary>
/// <remarks>The signals as they are specified are learnt almost perfectly by all. Where templates are scaled to norm 1.5, so that the
/// best reach an accuracy of 0.88, the optimizers differ: there singular vectors at every step (with moments that turn with them) have a
/// training loss 0.02 below that of cosines.</remarks>
sealed class DctLowRank : ISystem
{
    const int Steps = 250, Batch = 64, Train = 2000, Test = 500, Length = 64, Classes = 8, Rank = 8;
    const double Rate = 3e-3, WeakNorm = 1.5;

    static readonly (string Name, Func<IReadOnlyList<Parameter>, Generator, Optimizer> Make)[] optimizers =
    [
        ("AdamW", (matrices, _) => new Adam(matrices, Rate)),
        ("DCT with error feedback", (matrices, _) => new DctAdamW(matrices, Rate, Rank)),
        ("DCT without", (matrices, _) => new DctAdamW(matrices, Rate, Rank, errorFeedback: false)),
        ("DCT, 2-norm", (matrices, _) => new DctAdamW(matrices, Rate, Rank, norm: 2)),
        ("fixed random basis", (matrices, generator) => new ProjectedAdam(matrices, Rate, ProjectedAdam.Fixed(Rank, generator))),
        ("SVD at every step", (matrices, _) => new ProjectedAdam(matrices, Rate, ProjectedAdam.Leading(Rank))),
        ("Trion", (matrices, _) => new Trion(matrices, 0.03, Rank)),
    ];

    /// <inheritdoc/>
    public string Key => "51";

    /// <inheritdoc/>
    public IReadOnlyList<Metric> Run(IReadOnlyList<ulong> seeds, Action<string> say, CancellationToken token)
    {
        var (easy, hard) = (Compare("", null), Compare("weak signals, ", WeakNorm));
        var (dct, adam) = (easy["DCT with error feedback"], easy["AdamW"]);
        return
        [
            Metric.AtMost("DCT: training loss above that of SVD at every step", 0.01, dct.Loss - easy["SVD at every step"].Loss),
            Metric.AtMost("DCT: training loss over that of a fixed random basis", 1, dct.Loss / easy["fixed random basis"].Loss),
            Metric.AtMost("DCT: distance of its test accuracy from AdamW's", 0.02, Math.Abs(dct.Accuracy - adam.Accuracy)),
            Metric.AtMost("DCT: moments over AdamW's", 1.0 / 8, dct.Moments / adam.Moments),
            .. easy.Concat(hard.Select(row => KeyValuePair.Create("weak signals, " + row.Key, row.Value))).SelectMany(row => new[]
            {
                Metric.Report($"{row.Key}: training loss", row.Value.Loss), Metric.Report($"{row.Key}: test accuracy", row.Value.Accuracy),
            }),
        ];

        Dictionary<string, (double Loss, double Accuracy, double Moments)> Compare(string prefix, double? norm)
            => optimizers.ToDictionary(row => row.Name, row =>
            {
                (double Loss, double Accuracy, double Moments)[] results = [.. seeds.Select(seed => Learn(row.Make, norm, seed, token))];
                var mean = (results.Average(result => result.Loss), results.Average(result => result.Accuracy), results.Average(result => result.Moments));
                say(FormattableString.Invariant($"{prefix}{row.Name}: training loss {mean.Item1:0.000}, test accuracy {mean.Item2:0.000}"));
                return mean;
            });
    }

    static (double, double, double) Learn(Func<IReadOnlyList<Parameter>, Generator, Optimizer> make, double? norm, ulong seed,
        CancellationToken token)
    {
        var (data, generator) = (Data(new(seed), norm), new Generator(seed).Split(1));
        var network = new Perceptron([Length, 128, 64, Classes], generator);
        var (matrices, others) = ParameterGroups.SplitForMuon(network);
        var optimizer = make(matrices, generator);
        data.Fit(network, new CombinedOptimizer(optimizer, new Adam(others, Rate)), Steps, Batch, generator, token);
        var moments = optimizer.StateDict().Where(entry => entry.Key.EndsWith(".mean") || entry.Key.EndsWith(".square")).Sum(entry => entry.Value.ElementCount);
        var (loss, accuracy) = data.Judge(network);
        return (loss, accuracy, moments);
    }

    // amplitude (template of the class) + smooth nuisance + noise.
    static Classification Data(Generator generator, double? norm)
    {
        const int count = Train + Test, terms = 8, nuisances = 12;
        var labels = Tensor.RandInt([count], 0, Classes, generator);
        var templates = Waves(Tensor.Uniform([Classes, terms], generator, 0, 2 * Math.PI), Tensor.Ones([Classes, terms]));
        if (norm is { } length)
            templates *= length / templates.Norm([-1], keepDimensions: true);
        var nuisance = Waves(Tensor.Uniform([count, nuisances], generator, 0, 2 * Math.PI), Tensor.Normal([count, nuisances], generator));
        var x = templates.IndexSelect(0, labels) * Tensor.Uniform([count, 1], generator, 0.6, 1.4) + nuisance * 0.25 + Tensor.Normal([count, Length], generator) * 0.15;
        return new(x.Narrow(0, 0, Train), labels.Narrow(0, 0, Train), x.Narrow(0, Train, Test), labels.Narrow(0, Train, Test));
    }

    // sum over k = 1, 2, ... of weight cos(2 pi k t / length + phase) / (1 + k/2).
    static Tensor Waves(Tensor phases, Tensor weights)
    {
        var k = (Tensor.Arange(phases.Shape[1]) + 1).Reshape(1, -1, 1);
        var t = Tensor.Arange(Length).Reshape(1, 1, -1) * (2 * Math.PI / Length);
        return ((k * t + phases.Unsqueeze(-1)).Cos() * (weights.Unsqueeze(-1) / (k * 0.5 + 1))).Sum([1]);
    }
}
