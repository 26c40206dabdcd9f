using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Ortho.Bench;

/// <summary>One device as <c>devices</c> lists it.</summary>
/// <param name="Id">What <c>--device</c> takes: a kind, with a number when there are several: <c>cuda</c>, <c>cuda:1</c>.</param>
/// <param name="Name">The maker's name.</param>
/// <param name="Details">Vector width, memory, driver.</param>
sealed record DeviceDescription(string Id, string Name, string Details)
{
    /// <summary>The kinds of device there are, in the order in which messages list them.</summary>
    public static IReadOnlyList<string> Kinds { get; } = ["cpu", "opencl", "cuda", "simulator"];

    /// <summary>The SIMD machine.</summary>
    public static DeviceDescription Cpu { get; } = new("cpu", $"{RuntimeInformation.ProcessArchitecture} processor",
        $"{VectorBits}-bit vectors, {Environment.ProcessorCount} threads");

    static int VectorBits => Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : Vector128.IsHardwareAccelerated ? 128 : 64;

    /// <summary>Whether this is how a device can be called at all, present or not.</summary>
    public static bool IsId(string text)
    {
        var (kind, number) = text.Split(':', 2) is [var before, var after] ? (before, after) : (text, null);
        return Kinds.Contains(kind) && (number is null || int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out _));
    }
}
