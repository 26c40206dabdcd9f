using System.Diagnostics;
using System.Numerics;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tensors.IO;
using Ortho.Tests.Data;

namespace Ortho.Tests.IO;

/// <summary>Python reads what Ortho writes, and the reverse with the Python that is there now. Needs <c>ORTHO_PYTHON</c>, an interpreter with
/// numpy and safetensors; <c>.ci/run</c> provides one.</summary>
[TestFixture, Category("Interop")]
public class InteropTests
{
    TemporaryFolder folder = null!;

    [SetUp] public void CreateFolder() => folder = new TemporaryFolder();

    [TearDown] public void DeleteFolder() => folder.Dispose();

    string In(string name) => Path.Combine(folder.Path, name);

    // Runs a script of the reference folder on the test's own.
    void Python(string script)
    {
        if (Environment.GetEnvironmentVariable("ORTHO_PYTHON") is not { Length: > 0 } python)
        {
            Assert.Ignore("ORTHO_PYTHON names no Python with numpy and safetensors.");
            return;
        }
        // -B: no compiled copies beside the scripts.
        var start = new ProcessStartInfo(python, ["-B", ReferenceFiles.Path(script), folder.Path]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, $"{script}: {output.Result}{error.Result}");
    }

    static Tensor Counted(DType dtype)
    {
        Complex[] elements = [.. Enumerable.Range(0, 6).Select(k => ReferenceFiles.Element(k, dtype))];
        Shape shape = [2, 3];
        return dtype switch
        {
            DType.Bool => Tensor.From([.. elements.Select(x => x.Real != 0)], shape),
            DType.Half => Tensor.From([.. elements.Select(x => (Half)x.Real)], shape),
            DType.BFloat16 => Tensor.From([.. elements.Select(x => (BFloat16)(float)x.Real)], shape),
            _ when dtype.IsComplex => Tensor.From(elements, shape).To(dtype),
            _ => Tensor.From([.. elements.Select(x => x.Real)], shape).To(dtype),
        };
    }

    [Test]
    public void Python_reads_what_Ortho_writes()
    {
        var tensors = DTypes.All.Where(dtype => dtype != DType.BFloat16).ToDictionary(dtype => $"{dtype}", Counted);
        foreach (var (name, tensor) in tensors)
        {
            Npy.Save(In($"{name}.npy"), tensor);
            Npy.Save(In($"{name}-transposed.npy"), tensor.T);
        }
        Safetensors.Save(In("plain.safetensors"), tensors.Where(tensor => !tensor.Value.DType.IsComplex), new Dictionary<string, string> { ["written by"] = "Ortho ü" });
        Safetensors.Save(In("brain.safetensors"), [new("w", Counted(DType.BFloat16))]);
        tensors.Add("grün", Tensor.Ones([3]));
        Npz.Save(In("stored.npz"), tensors);
        Npz.Save(In("deflated.npz"), tensors, compress: true);
        Python("check.py");
    }

    [Test]
    public void Ortho_reads_what_this_Python_writes()
    {
        Python("make.py");
        foreach (var path in Directory.GetFiles(folder.Path).Where(path => Path.GetExtension(path) != ".json"))
        {
            var (here, stored) = (Load(path), Load(ReferenceFiles.Path(Path.GetFileName(path))));
            Assert.That(here.Keys, Is.EquivalentTo(stored.Keys), path);
            foreach (var (name, tensor) in here)
            {
                Assert.That((tensor.DType, tensor.Shape), Is.EqualTo((stored[name].DType, stored[name].Shape)), $"{path}: {name}");
                Assert.That(Samples.Bytes(tensor), Is.EqualTo(Samples.Bytes(stored[name])), $"{path}: {name}");
            }
        }
    }

    static IReadOnlyDictionary<string, Tensor> Load(string path) => Path.GetExtension(path) switch
    {
        ".npy" => new Dictionary<string, Tensor> { [""] = Npy.Load(path) },
        ".npz" => Npz.Load(path),
        _ => Safetensors.Load(path),
    };
}
