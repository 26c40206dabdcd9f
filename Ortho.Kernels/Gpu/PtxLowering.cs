using System.Reflection;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace Ortho.Kernels.Gpu;

/// <summary>Lowers kernels to PTX text for one CUDA architecture. Needs neither a GPU nor a driver.</summary>
/// <remarks>
/// A kernel that fails to compile leaves its ILGPU context unusable: every later compilation in it throws something unrelated. So a
/// failure is thrown once, and the next kernel is lowered in a new context.
/// </remarks>
/// <param name="architecture">Compute capability, such as <c>new(9, 0)</c> for sm_90.</param>
sealed class PtxLowering(CudaArchitecture architecture) : IDisposable
{
    // PTX ISA 8.4 is CUDA 12.4: the newest that the assembler of Debian stable reads. A newer one changes nothing in our kernels.
    static readonly CudaInstructionSet instructionSet = new(8, 4);

    Context? context;
    PTXBackend? backend;

    /// <summary>The architecture's name as the assembler spells it, such as <c>sm_90</c>.</summary>
    public string Target => $"sm_{architecture.Major}{architecture.Minor}";

    /// <summary>The PTX of a kernel, as a device would be given it; see <see cref="PtxText"/>.</summary>
    /// <param name="kernel">The kernel method, closed: every type argument given.</param>
    /// <param name="isGrouped">Whether it addresses groups explicitly; otherwise its first argument is an <see cref="Index1D"/>.</param>
    /// <exception cref="NotSupportedException">The kernel cannot be compiled; the message names it and the first reason.</exception>
    public string Lower(MethodInfo kernel, bool isGrouped)
    {
        if (kernel.ContainsGenericParameters)
            throw new ArgumentException($"{kernel.DeclaringType?.Name}.{kernel.Name} has open type parameters; a kernel is lowered for given types.", nameof(kernel));
        var entry = isGrouped
            ? EntryPointDescription.FromExplicitlyGroupedKernel(kernel)
            : EntryPointDescription.FromImplicitlyGroupedKernel(kernel);
        try
        {
            return PtxText.Of((PTXCompiledKernel)Backend.Compile(entry, new LaunchedKernel(kernel, isGrouped).Specialization));
        }
        catch (Exception error)
        {
            Dispose();
            throw new NotSupportedException($"{kernel.DeclaringType?.Name}.{kernel.Name} cannot be compiled to PTX: {FirstReason(error)}", error);
        }
    }

    PTXBackend Backend
    {
        get
        {
            if (backend is not null)
                return backend;
            context = Context.Create(builder => builder.Optimize(OptimizationLevel.O1));
            Intrinsics.Register(context);
            return backend = new(context, new CudaCapabilityContext(architecture), architecture, instructionSet, null);
        }
    }

    // ILGPU wraps what went wrong in "internal compiler error": the innermost message is the one that says something.
    static string FirstReason(Exception error)
    {
        while (error.InnerException is { } inner)
            error = inner;
        return error.Message;
    }

    /// <summary>Gives the compiler's memory back. A later <see cref="Lower"/> starts afresh.</summary>
    public void Dispose()
    {
        backend?.Dispose();
        context?.Dispose();
        (backend, context) = (null, null);
    }
}
