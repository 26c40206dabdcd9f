using System.Reflection;
using ILGPU;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.IR.Types;
using ILGPU.Runtime;

namespace Ortho.Kernels.Gpu;

/// <summary>Makes kernels runnable on one accelerator: from the text that an earlier run compiled, or by compiling them.</summary>
/// <remarks>
/// ILGPU loads what its compilers made and has no way to hand it the same text again, so what such a kernel is made of is set by reflection
/// here and nowhere else. It belongs to one version of ILGPU; a test loads a stored kernel and compares results.
/// </remarks>
/// <param name="accelerator">The accelerator.</param>
/// <param name="store">Where compiled kernels are kept, if anywhere.</param>
sealed class KernelLoader(Accelerator accelerator, KernelStore? store)
{
    const BindingFlags Hidden = BindingFlags.Instance | BindingFlags.NonPublic;

    static readonly PropertyInfo backendOf = typeof(Accelerator).GetProperty("Backend", Hidden)!;
    static readonly PropertyInfo typesOf = typeof(Context).GetProperty("TypeContext", Hidden)!;
    static readonly PropertyInfo entryPointOf = typeof(CompiledKernel).GetProperty("EntryPoint", Hidden)!;
    static readonly ConstructorInfo ptxKernel = typeof(PTXCompiledKernel).GetConstructor(Hidden,
        [typeof(Context), typeof(EntryPoint), typeof(CompiledKernel.KernelInfo), typeof(string)])!;

    // Fields that a view takes in OpenCL: pointer and length.
    const int FieldsPerView = 2;

    /// <summary>Kernels taken from the store, and kernels compiled, so far.</summary>
    public (int Restored, int Compiled) Counts { get; private set; }

    /// <summary>A kernel, ready to be launched.</summary>
    /// <exception cref="AcceleratorException">The driver refused it.</exception>
    /// <exception cref="InternalCompilerException">It cannot be compiled.</exception>
    public Kernel Load(LaunchedKernel kernel)
    {
        var entry = kernel.IsGrouped ? EntryPointDescription.FromExplicitlyGroupedKernel(kernel.Method) : EntryPointDescription.FromImplicitlyGroupedKernel(kernel.Method);
        if (store?.Read(kernel) is { } stored)
        {
            try
            {
                var restored = Load(Restore(entry, stored), kernel.IsGrouped);
                Counts = (Counts.Restored + 1, Counts.Compiled);
                return restored;
            }
            catch (AcceleratorException)
            {
                // Another driver than the one it was compiled for.
                store.Delete(kernel);
            }
        }
        var backend = (Backend)backendOf.GetValue(accelerator)!;
        // Only CUDA knows them; elsewhere ILGPU would hold a device's limits against them.
        var compiled = backend.Compile(entry, backend is PTXBackend ? kernel.Specialization : KernelSpecialization.Empty);
        Counts = (Counts.Restored, Counts.Compiled + 1);
        if (TextOf(compiled) is not { } text)
            return Load(compiled, kernel.IsGrouped);
        var shared = ((EntryPoint)entryPointOf.GetValue(compiled)!).SharedMemory;
        stored = new(text, shared.StaticSize, shared.HasDynamicMemory);
        store?.Write(kernel, stored);
        // The text of a CUDA kernel is not what ILGPU has made.
        return Load(compiled is PTXCompiledKernel ? Restore(entry, stored) : compiled, kernel.IsGrouped);
    }

    Kernel Load(CompiledKernel compiled, bool isGrouped) => isGrouped ? accelerator.LoadKernel(compiled) : accelerator.LoadAutoGroupedKernel(compiled);

    static string? TextOf(CompiledKernel compiled) => compiled switch
    {
        PTXCompiledKernel ptx => PtxText.Of(ptx),
        CLCompiledKernel cl => cl.Source,
        _ => null,
    };

    CompiledKernel Restore(EntryPointDescription entry, StoredKernel stored)
    {
        if (accelerator.AcceleratorType == AcceleratorType.Cuda)
            return RestorePtx(accelerator.Context, entry, stored);
        var views = new SeparateViewEntryPoint(entry, SharedOf(stored), KernelSpecialization.Empty,
            (TypeInformationManager)typesOf.GetValue(accelerator.Context)!, FieldsPerView);
        return new CLCompiledKernel(accelerator.Context, views, null, stored.Text, ((CLBackend)backendOf.GetValue(accelerator)!).CLStdVersion);
    }

    /// <summary>A CUDA kernel from its text.</summary>
    internal static PTXCompiledKernel RestorePtx(Context context, EntryPointDescription entry, StoredKernel stored)
        => (PTXCompiledKernel)ptxKernel.Invoke([context, new EntryPoint(entry, SharedOf(stored), KernelSpecialization.Empty), null, stored.Text]);

    static SharedMemorySpecification SharedOf(StoredKernel stored) => new(stored.SharedBytes, stored.HasDynamicShared);
}
