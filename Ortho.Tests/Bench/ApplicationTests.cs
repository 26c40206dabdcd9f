using System.Text.Json;
using NUnit.Framework;
using Ortho.Bench;
using Ortho.Layers.Data;
using Ortho.Tests.Data;

namespace Ortho.Tests.Bench;

public class ApplicationTests
{
    TemporaryFolder folder = null!;

    [SetUp] public void CreateFolder() => folder = new TemporaryFolder();

    [TearDown] public void DeleteFolder() => folder.Dispose();

    [Test]
    public void No_arguments_train_on_glyphs_and_write_the_report()
    {
        var experiment = new FixedExperiment();
        var run = BenchRun.Of(experiment, "--out", In("results"), "--images", "40", "--epochs", "2");
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
        var options = experiment.Options!;
        Assert.That((options.Train.Name, options.Train.Count, options.Test.Count), Is.EqualTo(("glyphs", 40, 10)));
        Assert.That((options.Device, options.Seed, options.Epochs), Is.EqualTo(("cpu", 1, 2)));
        Assert.That(run.Output, Does.Contain("orthogonal epoch 2/2 loss 0.5000 accuracy 75.0 % 1.25 ms/step"));
        Assert.That(run.Output, Does.Contain("orthogonal attacking"));
        Assert.That(run.Output, Does.Contain("certified, radius 36/255"));
        Assert.That(run.Output, Does.Contain($"report: {In("results", "report.html")}"));
        Assert.That(File.ReadAllText(In("results", "report.html")), Does.StartWith("<!DOCTYPE html>"));
        Assert.That(Directory.GetFiles(In("results")), Has.Length.EqualTo(1), "no temporary file stays");
        Assert.That(run.Output, Does.Not.Contain('\u001b'), "no terminal control codes in a log");
    }

    [Test]
    public void Train_reads_a_folder_of_mnist_files()
    {
        WriteMnist(50);
        var experiment = new FixedExperiment();
        var run = BenchRun.Of(experiment, "train", "--data", folder.Path, "--out", folder.Path, "--images", "20", "--device", "cuda:1", "--seed", "7");
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
        var options = experiment.Options!;
        Assert.That((options.Train.Count, options.Test.Count, options.Device, options.Seed), Is.EqualTo((20, 5, "cuda:1", 7)));
    }

    [Test]
    public void The_json_file_has_the_promised_names()
    {
        Assert.That(BenchRun.Of("--out", folder.Path, "--images", "40", "--seed", "18446744073709551615", "--json", In("new", "results.json")).ExitCode, Is.Zero);
        using var document = JsonDocument.Parse(File.ReadAllBytes(In("new", "results.json")));
        var root = document.RootElement;
        Assert.That(root.GetProperty("device").GetString(), Is.EqualTo("cpu"));
        Assert.That(root.GetProperty("seed").GetUInt64(), Is.EqualTo(ulong.MaxValue));
        Assert.That(root.GetProperty("seconds").GetDouble(), Is.EqualTo(12.5));
        var networks = root.GetProperty("networks").EnumerateArray().ToList();
        Assert.That(networks.Select(network => network.GetProperty("name").GetString()), Is.EqualTo(new[] { "orthogonal", "plain" }));
        foreach (var network in networks)
        {
            foreach (var name in new[] { "accuracy", "max_singular_value_error", "ms_per_step", "final_loss" })
                Assert.That(network.GetProperty(name).ValueKind, Is.EqualTo(JsonValueKind.Number), name);
            foreach (var name in new[] { "certified", "pgd" })
                Assert.That(network.GetProperty(name).EnumerateObject().Select(radius => radius.Name), Is.EqualTo(new[] { "36/255", "72/255", "108/255" }));
            Assert.That(network.GetProperty("history")[0].EnumerateObject().Select(property => property.Name),
                Is.EqualTo(new[] { "epoch", "loss", "accuracy", "ms_per_step" }));
        }
    }

    [Test]
    public void Devices_are_listed()
    {
        var run = BenchRun.Of("devices");
        Assert.That(run.ExitCode, Is.Zero);
        Assert.That(run.Output, Does.Contain("Processor [x]").And.Contain("cuda:1").And.Contain("much memory"));
    }

    [Test]
    public void Help_names_every_command_and_option()
    {
        var run = BenchRun.Of("--help");
        Assert.That(run.ExitCode, Is.Zero);
        foreach (var name in new[] { "train", "devices", "--device", "--seed", "--epochs", "--out", "--json", "--images" })
            Assert.That(run.Output, Does.Contain(name));
        Assert.That(BenchRun.Of("train", "--help").Output, Does.Contain("--data"));
    }

    [TestCase("unknown device 'tpu'", "--device", "tpu")]
    [TestCase("unknown device 'cuda:x'", "train", "--device", "cuda:x")]
    [TestCase("device 'opencl' was not found", "--device", "opencl")]
    [TestCase("--epochs is 0", "--epochs", "0")]
    [TestCase("many", "--epochs", "many")]
    [TestCase("-1", "--seed", "-1")]
    [TestCase("nonsense", "nonsense")]
    [TestCase("--epochs", "--epochs", "3", "train")]
    [TestCase("no such folder", "train", "--data", "/nowhere/at/all")]
    public void Bad_arguments_get_one_line_and_exit_code_2(string expected, params string[] arguments) => Refused(expected, BenchRun.Of(arguments));

    [Test]
    public void A_folder_without_images_is_refused() => Refused("t10k-images-idx3-ubyte", Train());

    [Test]
    public void A_truncated_file_is_refused()
    {
        WriteMnist(50);
        var path = In("t10k-images-idx3-ubyte");
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..100]);
        Refused("truncated", Train());
    }

    [Test]
    public void A_wrong_magic_number_is_refused()
    {
        WriteMnist(50);
        _ = folder.Write("t10k-labels-idx1-ubyte", 9, 9, 9, 9);
        Refused("wrong magic number 0x09090909", Train());
    }

    [Test]
    public void An_output_folder_that_is_a_file_is_refused_before_the_training()
    {
        var experiment = new FixedExperiment();
        Refused("file", BenchRun.Of(experiment, "--out", folder.Write("file", 1)));
        Assert.That(experiment.Options, Is.Null);
    }

    [Test]
    public void An_unexpected_exception_stays_visible()
    {
        var run = BenchRun.Of(new FixedExperiment { During = _ => throw new InvalidOperationException("a bug") }, "--out", folder.Path, "--images", "40");
        Assert.That(run.ExitCode, Is.EqualTo(Application.Failure));
        Assert.That(run.Error, Does.Contain("a bug").And.Contain("   at "));
    }

    [Test]
    public void Cancelling_is_no_error_and_leaves_the_last_report_alone()
    {
        _ = folder.Write("report.html", 42);
        var run = BenchRun.Of(new FixedExperiment { During = _ => throw new OperationCanceledException() }, "--out", folder.Path, "--images", "40");
        Assert.That((run.ExitCode, run.Error.Trim()), Is.EqualTo((Application.Cancelled, "cancelled")));
        Assert.That(File.ReadAllBytes(In("report.html")), Is.EqualTo(new byte[] { 42 }));
    }

    BenchRun Train() => BenchRun.Of("train", "--data", folder.Path, "--out", folder.Path);

    static void Refused(string expected, BenchRun run)
    {
        Assert.That(run.ExitCode, Is.EqualTo(Application.BadInput), run.Error);
        Assert.That(run.Error, Does.StartWith("error: ").And.Contain(expected));
        Assert.That(run.Error.TrimEnd('\r', '\n'), Does.Not.Contain('\n'), "one line");
        Assert.That(run.Output, Is.Empty);
    }

    string In(params string[] names) => Path.Combine([folder.Path, .. names]);

    void WriteMnist(int count)
    {
        IdxFile.Write(In("t10k-images-idx3-ubyte"), new IdxArray([count, 4, 4], new byte[count * 16]));
        IdxFile.Write(In("t10k-labels-idx1-ubyte"), new IdxArray([count], new byte[count]));
    }
}
