using Ortho.Bench;
using Ortho.Bench.Experiments;
using Ortho.Tensors;

namespace Ortho.Tests.Bench;

/// <summary>The command line called in-process, on devices and an experiment of the test's own.</summary>
sealed record BenchRun(int ExitCode, string Output, string Error)
{
    public static BenchRun Of(IExperiment experiment, params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var services = new Services(() => [new("cpu", "Processor [x]", "many threads"), new("cuda:1", "Card", "much memory")], _ => Device.Cpu, () => experiment);
        var exitCode = new Application(services, new Terminal(output, error, IsInteractive: false)).Run(arguments);
        return new BenchRun(exitCode, output.ToString(), error.ToString());
    }

    public static BenchRun Of(params string[] arguments) => Of(new FixedExperiment(), arguments);
}

/// <summary>Trains nothing: reports made-up progress and results that depend on the options only.</summary>
sealed class FixedExperiment : IExperiment
{
    public ExperimentOptions? Options { get; private set; }

    public Action<CancellationToken> During { get; init; } = _ => { };

    public RunResult Run(ExperimentOptions options, IProgress<TrainingProgress> progress, CancellationToken token)
    {
        Options = options;
        During(token);
        foreach (var name in new[] { "orthogonal", "plain" })
        {
            for (var epoch = 1; epoch <= options.Epochs; epoch++)
            {
                progress.Report(new TrainingProgress(name, epoch, options.Epochs, 5, 10, 1.0 / epoch));
                progress.Report(new TrainingProgress(name, epoch, options.Epochs, 10, 10, 1.0 / epoch) { Finished = Epoch(epoch) });
            }
            progress.Report(new TrainingProgress(name, options.Epochs, options.Epochs, 10, 10, 0.1) { Stage = "attacking" });
        }
        return Result(options.Epochs) with { Device = options.Device, Seed = options.Seed, Dataset = options.Train.Name };
    }

    public static RunResult Result(int epochs) => new("cpu", 1, 12.5,
    [
        Network("orthogonal", 0.9, 3e-7, [new("conv1", 0.9999997, 1.0000003), new("dense", 1, 1)], epochs),
        Network("plain", 0.95, 4.2, [new("conv1", 0, 5.2), new("dense", 0.01, 2)], epochs),
    ]) { Dataset = "glyphs" };

    static NetworkResult Network(string name, double accuracy, double error, LayerSpectrum[] layers, int epochs)
        => new(name, accuracy, Shares(accuracy - 0.2), Shares(accuracy - 0.1), error, 1.25, 0.125) { History = [.. Enumerable.Range(1, epochs).Select(Epoch)], Layers = layers };

    static EpochResult Epoch(int epoch) => new(epoch, 1.0 / epoch, 1 - 0.5 / epoch, 1.25);

    static Dictionary<string, double> Shares(double first) => Radius.Standard.ToDictionary(radius => radius.Name, radius => first - 0.1 * radius.Value);
}
