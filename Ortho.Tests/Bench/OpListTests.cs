using System.Text.Json;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Bench;
using Ortho.Tensors;
using Ortho.Tests.Data;
using Ortho.Tests.Support;

namespace Ortho.Tests.Bench;

public class OpListTests
{
    [Test]
    public void The_list_in_the_readme_is_the_catalog()
    {
        var readme = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));
        Assert.That(OpList.Update(readme), Is.EqualTo(readme), "bring it up to date: dotnet run -c Release --project Ortho.Bench -- ops --readme README.md");
    }

    [Test]
    public void The_json_file_has_the_promised_names_and_every_op()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "ops.json");
        var run = BenchRun.Of("ops", "--json", path);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        var ops = document.RootElement.EnumerateArray().ToDictionary(op => op.GetProperty("name").GetString()!);
        Assert.That(ops.Keys, Is.EquivalentTo(OpCatalog.All.Select(op => op.Name)));
        Assert.That(ops["MatMul"].EnumerateObject().Select(property => property.Name), Is.EqualTo(new[] { "name", "family", "dtypes", "devices", "derivative", "second_order", "waits" }));
        Assert.That(ops["Exp"].GetProperty("dtypes").EnumerateArray().Select(dtype => dtype.GetString()), Is.SupersetOf(new[] { "Float32", "Complex128", "BFloat16" }));
        Assert.That(ops["Exp"].GetProperty("devices").EnumerateArray().Select(device => device.GetString()), Is.SupersetOf(new[] { "cpu", "opencl", "cuda" }));
        Assert.That((ops["Exp"].GetProperty("derivative").GetBoolean(), ops["Exp"].GetProperty("second_order").GetBoolean()), Is.EqualTo((true, true)));
        Assert.That((ops["ArgMax"].GetProperty("derivative").GetBoolean(), ops["ArgMax"].GetProperty("second_order").GetBoolean()), Is.EqualTo((false, false)));
    }

    [Test]
    public void The_table_has_a_line_for_every_op()
    {
        var run = BenchRun.Of("ops");
        Assert.That(run.ExitCode, Is.Zero);
        foreach (var op in OpCatalog.All)
            Assert.That(run.Output, Does.Contain($" {op.Name} "));
        Assert.That(run.Output, Does.Contain($"{OpCatalog.All.Count} ops"));
    }

    [Test]
    public void A_readme_without_a_place_for_the_list_is_refused_and_kept()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "README.md");
        File.WriteAllText(path, "# Nothing");
        var run = BenchRun.Of("ops", "--readme", path);
        Assert.That(run.ExitCode, Is.EqualTo(2));
        Assert.That(run.Error, Does.StartWith("error: no list of ops"));
        Assert.That(File.ReadAllText(path), Is.EqualTo("# Nothing"));
    }

    [Test]
    public void Dtypes_of_the_catalog_follow_from_the_kinds_of_numbers()
    {
        var op = new OpDescription("f", "g", Numbers.Integer | Numbers.Bool, Derivative.None, false);
        Assert.That(op.DTypes, Is.EquivalentTo(new[] { DType.Int32, DType.Int64, DType.Bool }));
        Assert.That((op with { Takes = Numbers.All }).DTypes, Is.EquivalentTo(DTypes.All));
        Assert.That(() => OpCatalog.Find("Nothing"), Throws.TypeOf<KeyNotFoundException>().With.Message.Contains("Nothing"));
    }
}
