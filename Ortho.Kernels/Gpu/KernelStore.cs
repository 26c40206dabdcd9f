using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;
using Ortho.Tensors.IO;

namespace Ortho.Kernels.Gpu;

/// <summary>A compiled kernel as it is kept on disk.</summary>
/// <param name="Text">PTX or OpenCL C.</param>
/// <param name="SharedBytes">Its static shared memory.</param>
/// <param name="HasDynamicShared">Whether it uses dynamic shared memory.</param>
sealed record StoredKernel(string Text, int SharedBytes, bool HasDynamicShared);

/// <summary>The kernels that earlier runs compiled for one kind of device, a file for each.</summary>
/// <remarks>
/// In the folder that <c>ORTHO_KERNEL_CACHE</c> names (<c>off</c>: nowhere), else under the user's local application data. A file's name is a
/// hash of the kernel's name and of the identities of all modules whose code it is made of, so that a rebuilt library never finds an old
/// kernel; its content is checked against a hash before it is believed. Nothing depends on the store: what cannot be read is compiled again,
/// and what cannot be written is not kept.
/// </remarks>
sealed class KernelStore
{
    const string Variable = "ORTHO_KERNEL_CACHE", Extension = ".kernel", Head = "ortho kernel 1";

    // A folder of a device or library version that nobody has used for so long is deleted.
    static readonly TimeSpan kept = TimeSpan.FromDays(60);

    readonly string folder;

    /// <summary>A store in a folder.</summary>
    internal KernelStore(string folder) => this.folder = folder;

    /// <summary>The store for a device; none for the simulator, and none where there is no place for it.</summary>
    public static KernelStore? For(Accelerator accelerator)
    {
        var target = accelerator switch
        {
            CudaAccelerator cuda => $"{cuda.Architecture} {cuda.InstructionSet}",
            CLAccelerator cl => $"{cl.Name} {cl.PlatformName} {cl.PlatformVersion} {cl.CVersion}",
            _ => null,
        };
        var root = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named ? named
            : Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData) is { Length: > 0 } data ? Path.Combine(data, "ortho", "kernels") : "off";
        if (target is null || root == "off")
            return null;
        var ilgpu = typeof(Context).Module.ModuleVersionId;
        var ours = typeof(KernelStore).Module.ModuleVersionId;
        var store = new KernelStore(Path.Combine(root, $"{accelerator.AcceleratorType}-{Hash($"{target}\n{ilgpu}\n{ours}")[..16]}"));
        store.Touch(root);
        return store;
    }

    /// <summary>What was kept of a kernel; null when there is nothing, or nothing that can be believed.</summary>
    public StoredKernel? Read(LaunchedKernel kernel)
    {
        try
        {
            var file = FileOf(kernel);
            return File.Exists(file) && Parse(File.ReadAllText(file)) is (var line, var stored) && line == kernel.Line ? stored : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Keeps a kernel.</summary>
    public void Write(LaunchedKernel kernel, StoredKernel stored)
    {
        try
        {
            _ = Directory.CreateDirectory(folder);
            var content = string.Create(CultureInfo.InvariantCulture, $"{kernel.Line}\n{stored.SharedBytes} {(stored.HasDynamicShared ? 1 : 0)}\n{stored.Text}");
            AtomicFile.Write(FileOf(kernel), Encoding.UTF8.GetBytes($"{Head}\n{Hash(content)}\n{content}"));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A full or read-only disk: the kernel is compiled again next time.
        }
    }

    /// <summary>Forgets a kernel, which the driver refused.</summary>
    public void Delete(LaunchedKernel kernel)
    {
        try
        {
            File.Delete(FileOf(kernel));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It will be refused, and compiled, again.
        }
    }

    /// <summary>The kernels that are kept and whose code is loaded or can be.</summary>
    public IEnumerable<LaunchedKernel> Kernels
    {
        get
        {
            if (!Directory.Exists(folder))
                yield break;
            foreach (var file in Directory.EnumerateFiles(folder, $"*{Extension}").Order(StringComparer.Ordinal))
            {
                LaunchedKernel? kernel = null;
                try
                {
                    if (Parse(File.ReadAllText(file)) is (var line, _))
                        kernel = LaunchedKernel.Parse(line);
                }
                catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
                {
                    continue;
                }
                // A file of a module that has been rebuilt since has another name.
                if (kernel is not null && FileOf(kernel) == file)
                    yield return kernel;
            }
        }
    }

    string FileOf(LaunchedKernel kernel)
    {
        var modules = kernel.Assemblies.Select(assembly => assembly.ManifestModule.ModuleVersionId.ToString()).Order(StringComparer.Ordinal);
        return Path.Combine(folder, Hash($"{kernel.Line}\n{string.Join('\n', modules)}") + Extension);
    }

    static (string Line, StoredKernel Stored)? Parse(string file)
        => file.Split('\n', 3) is [Head, var hash, var content] && Hash(content) == hash
            && content.Split('\n', 3) is [var line, var shared, var text]
            && shared.Split(' ') is [var size, var isDynamic] && int.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)
            ? (line, new(text, bytes, isDynamic == "1")) : null;

    static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    // Marks this folder as used, and deletes those that are not any more.
    void Touch(string root)
    {
        try
        {
            _ = Directory.CreateDirectory(folder);
            Directory.SetLastWriteTimeUtc(folder, DateTime.UtcNow);
            foreach (var other in new DirectoryInfo(root).EnumerateDirectories())
            {
                if (DateTime.UtcNow - other.LastWriteTimeUtc > kept && other.EnumerateFileSystemInfos().All(file => file.Extension == Extension))
                    other.Delete(recursive: true);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Read-only, or another process deletes too.
        }
    }
}
