using Ortho.Autograd;
using Ortho.Layers.Optimizers;
using Ortho.Layers.Training;
using Ortho.Tensors;

namespace Ortho.Bench.Systems;

/// <summary>System 05: an orthogonal dictionary is recovered from a stream of sparse data that is not stored.</summary>
sealed class OrthogonalDictionary : ISystem
{
    const int Stored = 64, Iterations = 60, SlopeFrom = 30;

    sealed record Setting(string Name, int Dimension, double Density, int Batch, int Steps, double Noise = 0)
    {
        public Tensor Truth(Generator generator) => Tensor.Haar([Dimension, Dimension], generator, dtype: DType.Float64);

        // Rows y = D x, x Bernoulli-Gaussian.
        public Tensor Samples(Tensor truth, int count, Generator generator)
        {
            var x = Tensor.Normal([count, Dimension], generator, dtype: DType.Float64) * Tensor.Bernoulli([count, Dimension], generator, Density, DType.Float64);
            var y = x.MatMul(truth.T);
            return Noise == 0 ? y : y + Tensor.Normal(y.Shape, generator, deviation: Noise, dtype: DType.Float64);
        }
    }

    static readonly Setting first = new("n = 16, batches of 16", 16, 0.2, 16, 1000), stream = new("n = 16, one by one", 16, 0.2, 1, 3000),
        large = new("n = 32, batches of 32", 32, 0.1, 32, 1000), noisy = new("n = 16, noise 0.1", 16, 0.2, 16, 1000, 0.1);

    /// <inheritdoc/>
    public string Key => "05";

    /// <inheritdoc/>
    public IReadOnlyList<Metric> Run(IReadOnlyList<ulong> seeds, Action<string> say, CancellationToken token)
    {
        var traces = new List<double[]>();
        var (online3, online4) = (Mean("p = 3, " + first.Name, seed => Online(first, 3, seed, traces)), Mean("p = 4, " + first.Name, seed => Online(first, 4, seed)));
        var (stream3, stream4) = (Mean("p = 3, " + stream.Name, seed => Online(stream, 3, seed)), Mean("p = 4, " + stream.Name, seed => Online(stream, 4, seed)));
        var (large3, large4) = (Mean("p = 3, " + large.Name, seed => Online(large, 3, seed)), Mean("p = 4, " + large.Name, seed => Online(large, 4, seed)));
        var noise = Mean("p = 3, " + noisy.Name, seed => Online(noisy, 3, seed));
        var stored = Mean($"batch method on the last {Stored} samples", seed => Batch(first, Stored, seed));
        var all = Mean("batch method on all samples", seed => Batch(first, first.Batch * first.Steps, seed));
        var descent = Mean("projected gradient ascent", seed => Projected(first, seed));
        double[] mean = [.. Enumerable.Range(0, first.Steps).Select(t => traces.Average(trace => trace[t]))];
        return
        [
            Metric.AtMost($"error, {first.Name}", 1e-3, online3),
            Metric.AtMost($"error, {stream.Name}", 5e-3, stream3),
            Metric.AtMost($"error, {noisy.Name}", 1e-3, noise),
            Metric.AtLeast($"error of the batch method on the last {Stored} samples over the stream's", 50, stored / online3),
            Metric.AtMost($"error over that of p = 4, {first.Name}", 1, online3 / online4),
            Metric.AtMost($"error over that of p = 4, {stream.Name}", 1, stream3 / stream4),
            Metric.AtMost($"log-log slope of the error over steps {SlopeFrom} to {first.Steps}", -0.25, Slope(mean)),
            Metric.Report($"error, {large.Name}", large3),
            Metric.Report($"error, p = 4, {large.Name}", large4),
            Metric.Report("error of the batch method on all samples", all),
            Metric.Report($"error of the batch method on the last {Stored} samples", stored),
            Metric.Report("error of projected gradient ascent", descent),
        ];

        double Mean(string name, Func<ulong, double> error)
        {
            token.ThrowIfCancellationRequested();
            var value = seeds.Average(error);
            say(FormattableString.Invariant($"{name}: error {value:0.00000}"));
            return value;
        }
    }

    static double Error(Tensor dictionary, Tensor truth) => OnlineOrthogonalDictionary.RecoveryError(dictionary, truth).Column;

    static double Online(Setting setting, double p, ulong seed, List<double[]>? traces = null)
    {
        var generator = new Generator(seed);
        var truth = setting.Truth(generator);
        var learner = new OnlineOrthogonalDictionary(setting.Dimension, generator.Split(1), p);
        var trace = new List<double>();
        for (var step = 0; step < setting.Steps; step++)
        {
            using var scope = new TensorScope();
            _ = learner.PartialFit(setting.Samples(truth, setting.Batch, generator));
            if (traces is not null)
                trace.Add(Error(learner.Dictionary, truth));
        }
        traces?.Add([.. trace]);
        return Error(learner.Dictionary, truth);
    }

    static double Batch(Setting setting, int count, ulong seed)
    {
        using var scope = new TensorScope();
        var generator = new Generator(seed);
        var truth = setting.Truth(generator);
        var start = Tensor.Haar([setting.Dimension, setting.Dimension], generator.Split(1), dtype: DType.Float64);
        return Error(OnlineOrthogonalDictionary.FitBatch(setting.Samples(truth, count, generator), start, 3, Iterations), truth);
    }

    // D <- polar(D + 0.3 / sqrt t gradient).
    static double Projected(Setting setting, ulong seed)
    {
        using var scope = new TensorScope();
        var (generator, ball) = (new Generator(seed), new SpectralBall());
        var truth = setting.Truth(generator);
        var d = Tensor.Haar([setting.Dimension, setting.Dimension], generator.Split(1), dtype: DType.Float64);
        for (var t = 1; t <= setting.Steps; t++)
            d = ball.Maximize(d + OnlineOrthogonalDictionary.Gradient(setting.Samples(truth, setting.Batch, generator), d, 3) * (0.3 / Math.Sqrt(t)));
        return Error(d, truth);
    }

    // Least squares of log error on log step.
    static double Slope(double[] errors)
    {
        (double X, double Y)[] points = [.. errors.Index().Where(point => point.Index + 1 >= SlopeFrom).Select(point => (Math.Log(point.Index + 1), Math.Log(point.Item)))];
        var (x, y) = (points.Average(point => point.X), points.Average(point => point.Y));
        return points.Sum(point => (point.X - x) * (point.Y - y)) / points.Sum(point => (point.X - x) * (point.X - x));
    }
}
