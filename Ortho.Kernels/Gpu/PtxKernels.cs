using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime.Cuda;
using Ortho.Tensors;

namespace Ortho.Kernels.Gpu;

/// <summary>Kernels of generated PTX on one CUDA device, loaded through the driver: ILGPU launches only what its compiler made.</summary>
sealed unsafe class PtxKernels(CudaAccelerator accelerator)
{
    // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES: blocks get more than 48 KB only when it is asked for.
    const int MaxDynamicSharedBytes = 8;

    // CU_LAUNCH_PARAM_BUFFER_POINTER, CU_LAUNCH_PARAM_BUFFER_SIZE, CU_LAUNCH_PARAM_END.
    const nint BufferPointer = 1, BufferSize = 2, End = 0;

    readonly Dictionary<object, nint> functions = [];

    /// <summary>Launches in the device's stream; see <see cref="GpuDevice.LaunchPtx"/>.</summary>
    /// <exception cref="DeviceException">The driver refused the kernel or its launch.</exception>
    public void Launch<A>(object key, string entry, Func<string, string> ptx, (int X, int Y, int Z) grid, int threads, int sharedBytes, A arguments) where A : unmanaged
    {
        var binding = accelerator.BindScoped();
        try
        {
            if (!functions.TryGetValue(key, out var function))
                functions[key] = function = Load(entry, ptx($"sm_{accelerator.Architecture.Major}{accelerator.Architecture.Minor}"), sharedBytes);
            nint size = sizeof(A);
            var parameters = stackalloc nint[] { BufferPointer, (nint)(&arguments), BufferSize, (nint)(&size), End };
            Check(CudaAPI.CurrentAPI.LaunchKernel(function, grid.X, grid.Y, grid.Z, threads, 1, 1, sharedBytes, ((CudaStream)accelerator.DefaultStream).StreamPtr, 0, (nint)parameters),
                $"{entry} in {grid} blocks of {threads} threads");
        }
        finally
        {
            binding.Recover();
        }
    }

    nint Load(string entry, string text, int sharedBytes)
    {
        var error = CudaAPI.CurrentAPI.LoadModule(out var module, text, out string? log);
        Check(error, $"{entry} could not be loaded: {log?.TrimEnd('\0')}");
        Check(CudaAPI.CurrentAPI.GetModuleFunction(out var function, module, entry), entry);
        Check(SetAttribute(function, MaxDynamicSharedBytes, sharedBytes), $"{entry} with {sharedBytes:N0} bytes of shared memory");
        return function;
    }

    static CudaError SetAttribute(nint function, int attribute, int value)
    {
        var library = NativeLibrary.Load(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1");
        return (CudaError)((delegate* unmanaged<nint, int, int, int>)NativeLibrary.GetExport(library, "cuFuncSetAttribute"))(function, attribute, value);
    }

    void Check(CudaError error, string what)
    {
        if (error != CudaError.CUDA_SUCCESS)
            throw new DeviceException($"{accelerator.Name}: kernel {what} ({error})");
    }
}
