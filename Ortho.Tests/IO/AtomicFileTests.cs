using System.Diagnostics;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tensors.IO;
using Ortho.Tests.Data;

namespace Ortho.Tests.IO;

[TestFixture]
public class AtomicFileTests
{
    TemporaryFolder folder = null!;

    [SetUp] public void CreateFolder() => folder = new TemporaryFolder();

    [TearDown] public void DeleteFolder() => folder.Dispose();

    string In(string name) => Path.Combine(folder.Path, name);

    IEnumerable<string?> Names => Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName).Order();

    [Test]
    public void A_failure_leaves_the_file_as_it_was()
    {
        AtomicFile.Write(In("x"), "old"u8);
        Assert.That(() => AtomicFile.Write(In("x"), file =>
        {
            file.Write("new"u8);
            throw new InvalidOperationException("half way");
        }), Throws.InvalidOperationException);
        Assert.That(File.ReadAllText(In("x")), Is.EqualTo("old"));
        Assert.That(Names, Is.EqualTo(new[] { "x" }), "no temporary file stays");
        AtomicFile.Write(In("x"), "new"u8);
        Assert.That(File.ReadAllText(In("x")), Is.EqualTo("new"));
    }

    [Test]
    public void A_folder_that_is_not_there_is_an_IO_error()
        => Assert.That(() => AtomicFile.Write(In("none/x"), "new"u8), Throws.InstanceOf<IOException>());

    [Test]
    public void Abandoned_temporary_files_of_the_target_are_removed_and_nothing_else()
    {
        var id = new string('a', 32);
        string[] others = ["x.tmp", $"x.{id}", $"y.{id}.tmp", $"x.{id[1..]}g.tmp", $"x.{id[1..]}.tmp", $"a.x.{id}.tmp"];
        foreach (var name in others.Append($"x.{id}.tmp"))
            folder.Write(name, 1);
        AtomicFile.Write(In("x"), "new"u8);
        Assert.That(Names, Is.EquivalentTo(others.Append("x")));
    }

    [Test]
    public void Writers_of_one_target_do_not_disturb_each_other()
    {
        AtomicFile.Write(In("x"), outer =>
        {
            AtomicFile.Write(In("x"), "inner"u8);
            Assert.That(File.ReadAllText(In("x")), Is.EqualTo("inner"));
            outer.Write("outer"u8);
        });
        Assert.That(File.ReadAllText(In("x")), Is.EqualTo("outer"), "the last to finish");
        Parallel.For(0, 60, i => AtomicFile.Write(In("x"), new byte[1000 + i]));
        Assert.That(new FileInfo(In("x")).Length, Is.InRange(1000, 1059));
        Assert.That(Names, Is.EqualTo(new[] { "x" }));
    }

    // The child's part of the test below, and the file that it writes.
    const string ChildVariable = "ORTHO_TESTS_CHECKPOINT";

    [Test, CancelAfter(240_000)]
    public void A_killed_writer_leaves_one_of_its_complete_files(CancellationToken cancellation)
    {
        if (Environment.GetEnvironmentVariable(ChildVariable) is { } checkpoint)
            WriteUntilKilled(checkpoint);
        const int kills = 4;
        var (path, random) = (In("model.safetensors"), new PhiloxStream(1));
        var versions = new List<float>();
        for (var i = 0; i < kills; i++)
        {
            File.Delete(path);
            using (var child = StartWriter(path))
            {
                while (!File.Exists(path) && !child.HasExited)
                    cancellation.WaitHandle.WaitOne(5);
                cancellation.WaitHandle.WaitOne(random.NextInt(200));
                child.Kill();
                child.WaitForExit();
            }
            cancellation.ThrowIfCancellationRequested();
            var file = Safetensors.Load(path);
            versions.Add(file["first"].ToArray<float>()[0]);
            Assert.That(file["first"].ToArray<float>().Concat(file["last"].ToArray<float>()), Is.All.EqualTo(versions[^1]), "all of one version");
            Assert.That(Names.Count(), Is.LessThanOrEqualTo(2), "at most one temporary file is left");
        }
        TestContext.Out.WriteLine($"versions that were whole: {string.Join(", ", versions)}");
        Safetensors.Save(path, Version(0));
        Assert.That(Names, Is.EqualTo(new[] { Path.GetFileName(path) }), "the next writer cleans up");
    }

    static KeyValuePair<string, Tensor>[] Version(int version)
        => [new("first", Tensor.Full([200_000], version)), new("last", Tensor.Full([3, 1000], version))];

    static void WriteUntilKilled(string path)
    {
        for (var version = 1; ; version++)
            Safetensors.Save(path, Version(version));
    }

    static Process StartWriter(string path)
    {
        var test = $"{typeof(AtomicFileTests).FullName}.{nameof(A_killed_writer_leaves_one_of_its_complete_files)}";
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "Ortho.Tests.exe" : "Ortho.Tests"))
        {
            ArgumentList = { "--progress", "off", "--filter", $"FullyQualifiedName~{test}" },
            Environment = { [ChildVariable] = path, ["ORTHO_TEST_DEVICES"] = "cpu" },
            RedirectStandardOutput = true,
        };
        return Process.Start(start)!;
    }
}
