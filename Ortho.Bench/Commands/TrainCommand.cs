using System.CommandLine;
using Ortho.Bench.Experiments;
using Ortho.Bench.Reports;
using Ortho.Layers.Data;
using Ortho.Tensors.IO;
using Spectre.Console;

namespace Ortho.Bench.Commands;

/// <summary>
/// The main job, as the root command (generated images) and as <c>train</c> (a folder of MNIST files): trains the orthogonal network and its
/// unconstrained twin, compares them in a table and writes the report.
/// </summary>
sealed class TrainCommand(Services services, Terminal terminal)
{
    const int TestImagesPerTrainImages = 4;

    readonly Option<DirectoryInfo?> data = new("--data")
    {
        Description = "Folder with MNIST's IDX files, plain or .gz; without it, images are generated.",
        HelpName = "DIR",
    };

    readonly Option<string?> device = new("--device") { Description = "cpu, opencl, cuda or simulator; see 'devices'. Default: the first one listed.", HelpName = "ID" };
    readonly Option<ulong> seed = new("--seed") { Description = "Decides generated images, weights and order.", HelpName = "N", DefaultValueFactory = _ => 1 };
    readonly Option<int> epochs = new("--epochs") { Description = "Passes over the training images.", HelpName = "N", DefaultValueFactory = _ => 10 };
    readonly Option<int?> images = new("--images") { Description = "Use at most N training images and N/4 test images. Generated: 4000.", HelpName = "N" };
    readonly Option<string> output = new("--out") { Description = "Folder for report.html; made if it is missing.", HelpName = "DIR", DefaultValueFactory = _ => "." };
    readonly Option<string?> json = new("--json") { Description = "Also write the results to this file.", HelpName = "FILE" };

    /// <summary>The root command.</summary>
    public RootCommand Root()
    {
        var root = new RootCommand("Trains a 1-Lipschitz orthogonal network and its unconstrained twin and compares them.");
        Fill(root);
        return root;
    }

    /// <summary>The same on the user's images.</summary>
    public Command Train()
    {
        var command = new Command("train", "The same comparison on images from a folder.");
        command.Add(data);
        Fill(command);
        return command;
    }

    void Fill(Command command)
    {
        device.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } id && !DeviceDescription.IsId(id))
                result.AddError($"unknown device '{id}'; expected {string.Join(", ", DeviceDescription.Kinds)}");
        });
        epochs.RequireAtLeast(1);
        images.RequireAtLeast(TestImagesPerTrainImages);
        foreach (var option in new Option[] { device, seed, epochs, images, output, json }) command.Add(option);
        // On a thread of its own, so that Ctrl-C can ask it to stop while it computes
        command.SetAction((parsed, token) => Task.Run(() => Run(parsed, token), CancellationToken.None));
    }

    int Run(ParseResult parsed, CancellationToken token)
    {
        var (train, test) = LoadImages(parsed);
        var options = new ExperimentOptions(train, test, ChooseDevice(parsed.GetValue(device)), parsed.GetValue(seed), parsed.GetValue(epochs));
        var reportPath = ResultFile.Prepare(Path.Combine(parsed.GetValue(output)!, "report.html"))!;
        var jsonPath = ResultFile.Prepare(parsed.GetValue(json));

        terminal.Output.WriteLine(
            $"{train.Name}: {train.Count} images to train, {test.Count} to test, {train.Height} x {train.Width}; device {options.Device}, seed {options.Seed}");
        var result = ProgressDisplay.Show(terminal, progress => services.Experiment().Run(options, progress, token));

        PrintTable(result);
        AtomicFile.Write(reportPath, Report.Render(result, test));
        terminal.Output.WriteLine($"report: {reportPath}");
        if (jsonPath is not null) AtomicFile.Write(jsonPath, result.ToJson());
        return Application.Success;
    }

    (ImageDataset Train, ImageDataset Test) LoadImages(ParseResult parsed)
    {
        const int generated = 4000;
        var limit = parsed.GetValue(images);
        if (parsed.CommandResult.Command.Options.Contains(data) && parsed.GetValue(data) is { } folder)
        {
            var (train, test) = ImageDataset.Mnist(folder.FullName);
            return limit is null ? (train, test) : (First(train, limit.Value), First(test, limit.Value / TestImagesPerTrainImages));
        }
        var count = limit ?? generated;
        var all = Glyphs.Generate(count + count / TestImagesPerTrainImages, parsed.GetValue(seed));
        return (all.Subset(..count), all.Subset(count..));

        static ImageDataset First(ImageDataset images, int count) => images.Subset(..Math.Min(count, images.Count));
    }

    string ChooseDevice(string? wanted)
    {
        var present = services.Devices().Select(found => found.Id).ToList();
        if (wanted is null) return present[0];
        return present.Contains(wanted) ? wanted
            : throw new UsageException($"device '{wanted}' was not found on this machine; there is {string.Join(", ", present)}");
    }

    void PrintTable(RunResult result)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumn("");
        foreach (var network in result.Networks) _ = table.AddColumn(new TableColumn(Markup.Escape(network.Name)).RightAligned());
        foreach (var row in Summary.Of(result)) _ = table.AddRow([Markup.Escape(row.Label), .. row.Values.Select(Markup.Escape)]);
        Terminals.Console(terminal).Write(table);
    }
}
