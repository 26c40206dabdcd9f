using System.Globalization;
using Spectre.Console;

namespace Ortho.Bench.Experiments;

/// <summary>Shows progress: bars where somebody watches, one line for each epoch in a log.</summary>
static class ProgressDisplay
{
    /// <summary>Runs the work under a display.</summary>
    public static T Show<T>(Terminal terminal, Func<IProgress<TrainingProgress>, T> work)
    {
        if (!terminal.IsInteractive) return work(new Lines(terminal.Output));
        return Terminals.Console(terminal).Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context => work(new Bars(context)));
    }

    // Not Progress<T>: it posts to the thread pool, and reports would arrive late and out of order.
    sealed class Bars(ProgressContext context) : IProgress<TrainingProgress>
    {
        readonly Dictionary<string, ProgressTask> tasks = [];

        public void Report(TrainingProgress value)
        {
            if (!tasks.TryGetValue(value.Network, out var task))
                tasks.Add(value.Network, task = context.AddTask(Markup.Escape(value.Network), maxValue: (double)value.Epochs * value.Steps));
            var doing = value.Stage ?? string.Create(CultureInfo.InvariantCulture, $"epoch {value.Epoch}/{value.Epochs} loss {value.Loss:0.0000}");
            task.Description = Markup.Escape($"{value.Network,-10} {doing,-24}");
            task.Value = (value.Epoch - 1.0) * value.Steps + value.Step;
        }
    }

    sealed class Lines(TextWriter output) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Finished is { } epoch)
                output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{value.Network,-10} epoch {epoch.Epoch}/{value.Epochs} loss {epoch.Loss:0.0000} accuracy {Summary.Percent(epoch.Accuracy)} {epoch.MsPerStep:0.00} ms/step"));
            else if (value.Stage is { } stage) output.WriteLine($"{value.Network,-10} {stage}");
        }
    }
}
