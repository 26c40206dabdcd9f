using System.Diagnostics;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Certification;
using Ortho.Layers.Data;
using Ortho.Layers.Losses;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;

namespace Ortho.Bench.Experiments;

/// <summary>The main job: both networks trained alike, then certified and attacked.</summary>
/// <param name="open">Opens a device by its id.</param>
sealed class RobustTraining(Func<string, Device> open) : IExperiment
{
    const int BatchSize = 64;
    const int AttackSteps = 10;

    const double LearningRate = 4e-3;

    // Losses stay on the device and are read together: a step that reads its own would wait for the device each time.
    const int StepsPerReading = 8;

    // The orthogonal network's logits cannot grow: the temperature makes its softmax decided, the margin asks for a distance to the
    // decision boundary beyond the largest radius that is judged.
    const double Temperature = 8;
    const double Margin = 0.7;

    /// <inheritdoc/>
    public RunResult Run(ExperimentOptions options, IProgress<TrainingProgress> progress, CancellationToken token)
    {
        var clock = Stopwatch.StartNew();
        var device = open(options.Device);
        var generator = new Generator(options.Seed);
        var orthogonal = Judge("orthogonal", Networks.Orthogonal(options.Train, generator.Split(0)), (logits, labels) => logits.MarginCrossEntropy(labels, Margin, Temperature));
        var plain = Judge("plain", Networks.Plain(options.Train, generator.Split(1)), (logits, labels) => logits.CrossEntropy(labels));
        return new RunResult(options.Device, options.Seed, clock.Elapsed.TotalSeconds, [orthogonal, plain]) { Dataset = options.Train.Name };

        NetworkResult Judge(string name, Module network, Func<Tensor, Tensor, Tensor> loss)
        {
            network.To(device);
            var (history, hostCopies) = Train(name, network, loss, options, device, progress, token);
            var last = history[^1];
            progress.Report(new(name, options.Epochs, options.Epochs, 1, 1, last.Loss) { Stage = "certifying" });
            var layers = Networks.Spectra(network);
            var lipschitz = layers.Aggregate(1.0, (product, layer) => product * layer.Largest);
            var (accuracy, certified) = Certify(network, options, device, lipschitz);
            progress.Report(new(name, options.Epochs, options.Epochs, 1, 1, last.Loss) { Stage = "attacking" });
            var attacked = Attack(network, options, device, token);
            var error = layers.Max(layer => Math.Max(Math.Abs(layer.Largest - 1), Math.Abs(layer.Smallest - 1)));
            return new NetworkResult(name, accuracy, certified, attacked, error, last.MsPerStep, last.Loss) { History = history, Layers = layers, HostCopies = hostCopies };
        }
    }

    static (List<EpochResult> History, long HostCopies) Train(string name, Module network, Func<Tensor, Tensor, Tensor> loss, ExperimentOptions options, Device device,
        IProgress<TrainingProgress> progress, CancellationToken token)
    {
        var loader = new DataLoader(options.Train, Math.Min(BatchSize, options.Train.Count), device, new PhiloxStream(options.Seed), dropLast: true);
        var optimizer = new Adam(network.Parameters(), LearningRate);
        optimizer.Follow(Schedules.Cosine(options.Epochs * loader.BatchCount, end: 0.05));
        var history = new List<EpochResult>();
        var hostCopies = 0L;
        for (var epoch = 1; epoch <= options.Epochs; epoch++)
        {
            network.Train();
            var (sum, done, times, losses) = (0.0, 0, new List<double>(), new List<Tensor>());
            var start = Stopwatch.GetTimestamp();
            foreach (var (images, labels) in loader.Batches())
            {
                token.ThrowIfCancellationRequested();
                var copiesBefore = device.HostCopies;
                using (var scope = new TensorScope())
                {
                    var value = loss(network.Forward(images), labels);
                    value.Backward();
                    optimizer.Step();
                    optimizer.ZeroGrad();
                    losses.Add(scope.Keep(value.Detach()));
                }
                images.Dispose();
                labels.Dispose();
                hostCopies += device.HostCopies - copiesBefore;
                done++;
                if (losses.Count < StepsPerReading && done < loader.BatchCount)
                    continue;
                sum += Read(losses);
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds / losses.Count);
                losses.Clear();
                start = Stopwatch.GetTimestamp();
                if (done < loader.BatchCount)
                    progress.Report(new(name, epoch, options.Epochs, done, loader.BatchCount, sum / done));
            }
            times.Sort();
            network.Eval();
            var finished = new EpochResult(epoch, sum / done, Accuracy(network, options.Test, device), times[times.Count / 2]);
            history.Add(finished);
            progress.Report(new(name, epoch, options.Epochs, done, loader.BatchCount, finished.Loss) { Finished = finished });
        }
        return (history, hostCopies);
    }

    // Waits for the device: its work is done when the numbers are here.
    static double Read(List<Tensor> losses)
    {
        using var scope = new TensorScope();
        var sum = Tensor.Stack(losses).ToArray<float>().Sum(value => (double)value);
        losses.ForEach(loss => loss.Dispose());
        return sum;
    }

    static double Accuracy(Module network, ImageDataset images, Device device)
    {
        var right = 0.0;
        ForEachBatch(network, images, device, (logits, labels) => right += logits.ArgMax().EqualTo(labels).To(DType.Float32).Sum().Item());
        return right / images.Count;
    }

    static (double Accuracy, IReadOnlyDictionary<string, double> Certified) Certify(Module network, ExperimentOptions options, Device device, double lipschitz)
    {
        var (right, robust) = (0.0, new double[options.Radii.Count]);
        ForEachBatch(network, options.Test, device, (logits, labels) =>
        {
            right += logits.ArgMax().EqualTo(labels).To(DType.Float32).Sum().Item();
            var radii = Robustness.CertifiedRadius(logits, labels, lipschitz).ToArray<float>();
            for (var k = 0; k < robust.Length; k++)
                robust[k] += radii.Count(radius => radius > options.Radii[k].Value);
        });
        return (right / options.Test.Count, options.Radii.Index().ToDictionary(radius => radius.Item.Name, radius => robust[radius.Index] / options.Test.Count));
    }

    static Dictionary<string, double> Attack(Module network, ExperimentOptions options, Device device, CancellationToken token)
    {
        return options.Radii.ToDictionary(radius => radius.Name, radius =>
        {
            var right = 0.0;
            foreach (var (batch, labels) in new DataLoader(options.Test, 250, device).Batches())
            {
                token.ThrowIfCancellationRequested();
                using var scope = new TensorScope();
                var attacked = Robustness.AttackL2(network, batch, labels, radius.Value, AttackSteps);
                using (Graph.NoGrad())
                    right += network.Forward(attacked).ArgMax().EqualTo(labels).To(DType.Float32).Sum().Item();
            }
            return right / options.Test.Count;
        });
    }

    static void ForEachBatch(Module network, ImageDataset images, Device device, Action<Tensor, Tensor> judge)
    {
        foreach (var (batch, labels) in new DataLoader(images, 250, device).Batches())
        {
            using (Graph.NoGrad())
            {
                using var scope = new TensorScope();
                judge(network.Forward(batch), labels);
            }
            batch.Dispose();
            labels.Dispose();
        }
    }
}
