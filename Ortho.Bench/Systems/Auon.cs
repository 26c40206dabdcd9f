using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;

namespace Ortho.Bench.Systems;

/// <summary>System 14: a perceptron learns a random teacher from ill-conditioned inputs; its hidden matrices by the optimizer under test,
/// the rest by Adam.</summary>
/// <remarks>Learning rates are those of the lowest mean training loss of three seeds on the grid 0.01, 0.03, 0.1, ... 10 (for Adam a
/// tenth of it).</remarks>
sealed class Auon : ISystem
{
    const int Steps = 400, Batch = 128, Train = 4000, Test = 2000, Inputs = 32;
    const double Condition = 100, Rest = 2e-3;

    static readonly (string Name, Func<IReadOnlyList<Parameter>, Optimizer> Make)[] optimizers =
    [
        ("SGD with momentum", matrices => new Sgd(matrices, 0.3, 0.95)),
        ("AdamW", matrices => new Adam(matrices, 0.03)),
        ("AuON", matrices => new Layers.Optimizers.Auon(matrices, 0.3)),
        ("Hybrid AuON", matrices => new HybridAuon(matrices, 0.1)),
        ("Muon", matrices => new Muon(matrices, 0.1)),
        ("NorMuon", matrices => new NorMuon(matrices, 0.1)),
    ];

    /// <inheritdoc/>
    public string Key => "14";

    /// <inheritdoc/>
    public IReadOnlyList<Metric> Run(IReadOnlyList<ulong> seeds, Action<string> say, CancellationToken token)
    {
        var means = new Dictionary<string, (double Loss, double Accuracy)>();
        foreach (var (name, make) in optimizers)
        {
            List<(double Loss, double Accuracy)> results = [];
            foreach (var seed in seeds)
            {
                results.Add(Learn(Data(new(seed)), make, new Generator(seed).Split(1), token));
            }
            means[name] = (results.Average(result => result.Loss), results.Average(result => result.Accuracy));
            say(FormattableString.Invariant($"{name}: training loss {means[name].Loss:0.000}, test accuracy {means[name].Accuracy:0.000}"));
        }
        return
        [
            Metric.AtMost("AuON: distance of its test accuracy from AdamW's", 0.02,
                Math.Abs(means["AuON"].Accuracy - means["AdamW"].Accuracy)),
            Metric.AtMost("Hybrid AuON: training loss over AuON's", 1, means["Hybrid AuON"].Loss / means["AuON"].Loss),
            Metric.AtMost("Muon: training loss over AuON's", 0.5, means["Muon"].Loss / means["AuON"].Loss),
            .. means.SelectMany(mean => new[]
            {
                Metric.Report($"{mean.Key}: training loss", mean.Value.Loss), Metric.Report($"{mean.Key}: test accuracy", mean.Value.Accuracy),
            }),
        ];
    }

    static (double, double) Learn(Classification data, Func<IReadOnlyList<Parameter>, Optimizer> make, Generator generator,
        CancellationToken token)
    {
        var network = new Perceptron([Inputs, 128, 128, 10], generator);
        var (matrices, others) = ParameterGroups.SplitForMuon(network);
        var optimizer = new CombinedOptimizer(make(matrices), new Adam(others, Rest));
        optimizer.Follow(Schedules.Linear(Steps));
        data.Fit(network, optimizer, Steps, Batch, generator, token);
        return data.Judge(network);
    }

    // z normal, labels from a random network of z, inputs 4 R diag(1 .. 1/condition) z.
    static Classification Data(Generator generator)
    {
        var z = Tensor.Normal([Train + Test, Inputs], generator);
        var hidden = z.MatMul(Tensor.Normal([Inputs, 64], generator, deviation: 3 / Math.Sqrt(Inputs))).Tanh();
        var labels = hidden.MatMul(Tensor.Normal([64, 10], generator, deviation: 1 / 8.0)).ArgMax();
        var x = (z * Tensor.Logspace(0, -Math.Log10(Condition), Inputs)).MatMul(Tensor.Haar([Inputs, Inputs], generator)) * 4;
        return new(x.Narrow(0, 0, Train), labels.Narrow(0, 0, Train), x.Narrow(0, Train, Test), labels.Narrow(0, Train, Test));
    }
}
