using NUnit.Framework;
using Ortho.Kernels.Gpu;
using Ortho.Tensors;

namespace Ortho.Tests.Support;

/// <summary>The devices that tests run on.</summary>
/// <remarks>
/// Always the CPU and ILGPU's simulator, and every CUDA and OpenCL device that is found. With <c>ORTHO_TEST_DEVICES=opencl,cuda</c> it is
/// the CPU and the named kinds, and a kind that is not there is a failure, not a skip.
/// </remarks>
public static class Devices
{
    static readonly Lazy<IReadOnlyList<Device>> present = new(Find);

    /// <summary>All of them, the CPU first.</summary>
    public static IReadOnlyList<Device> Present => present.Value;

    /// <summary>All but the CPU.</summary>
    public static IEnumerable<GpuDevice> Gpus => Present.OfType<GpuDevice>();

    /// <summary>Names for test cases: devices are opened when a test runs, not when tests are listed.</summary>
    public static IEnumerable<string> Kinds => Requested ?? ["Cpu", "Simulator", .. GpuDevice.All.Select(device => $"{device.Kind}").Distinct()];

    static IReadOnlyList<string>? Requested
        => Environment.GetEnvironmentVariable("ORTHO_TEST_DEVICES") is { Length: > 0 } names
            ? ["Cpu", .. names.Split(',').Select(name => Enum.Parse<DeviceKind>(name.Trim(), ignoreCase: true)).Where(kind => kind != DeviceKind.Cpu).Select(kind => $"{kind}")]
            : null;

    /// <summary>The device of a kind.</summary>
    public static Device Of(string kind) => Enum.Parse<DeviceKind>(kind) switch
    {
        DeviceKind.Cpu => Device.Cpu,
        DeviceKind.Simulator => GpuDevice.Simulator,
        var wanted => GpuDevice.All.FirstOrDefault(device => device.Kind == wanted)
            ?? throw new AssertionException($"There is no {wanted} device here, and ORTHO_TEST_DEVICES asks for one."),
    };

    static List<Device> Find() => [.. Kinds.Select(Of)];
}
