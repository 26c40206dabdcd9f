using System.Globalization;
using System.Runtime.InteropServices;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;
using Ortho.Kernels.Gpu;

namespace Ortho.Bench.Gpu;

/// <summary>What a device tells of itself.</summary>
/// <param name="Name">The maker's name.</param>
/// <param name="Kind">CUDA, OpenCL or the simulator.</param>
/// <param name="MemoryMib">Its memory.</param>
/// <param name="Multiprocessors">Compute units.</param>
/// <param name="Architecture">Compute capability, or the version of OpenCL C.</param>
/// <param name="Driver">The driver's version, or the OpenCL platform's.</param>
/// <param name="System">The operating system.</param>
/// <param name="Runtime">The .NET runtime.</param>
/// <param name="Ilgpu">ILGPU's version.</param>
sealed record DeviceFacts(
    string Name, string Kind, long MemoryMib, int Multiprocessors, string Architecture, string Driver, string System, string Runtime, string Ilgpu)
{
    /// <summary>Of a device.</summary>
    public static DeviceFacts Of(GpuDevice gpu)
    {
        var accelerator = gpu.Accelerator;
        var (architecture, driver) = accelerator switch
        {
            CudaAccelerator cuda => ($"sm_{cuda.Architecture.Major}{cuda.Architecture.Minor}, PTX {cuda.InstructionSet}", $"CUDA {cuda.DriverVersion}"),
            CLAccelerator cl => ($"OpenCL C {cl.CVersion}", $"{cl.PlatformName} {cl.PlatformVersion}"),
            _ => ("", ""),
        };
        return new(gpu.Name, $"{gpu.Kind}".ToLowerInvariant(), gpu.MemoryBytes >> 20, accelerator.NumMultiprocessors, architecture, driver,
            RuntimeInformation.OSDescription, RuntimeInformation.FrameworkDescription, typeof(ILGPU.Context).Assembly.GetName().Version?.ToString() ?? "");
    }

    /// <summary>One line.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name} ({Kind}), {Multiprocessors} multiprocessors, {MemoryMib:N0} MiB, {Architecture}; {Driver}; {System}; {Runtime}");
}
