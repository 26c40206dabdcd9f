using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Gpu;

/// <summary>Which devices the tests ran on: a kind that is not there is skipped, and the reason names those that are.</summary>
[TestFixture, Category("Devices")]
public class DeviceTests
{
    [Test]
    public void Computes_here([Values] DeviceKind kind)
    {
        if (Devices.Present.All(present => present.Kind != kind))
            Assert.Ignore($"No {kind} device takes part. Devices: {string.Join("; ", Devices.Present)}.");
        foreach (var device in Devices.Present.Where(present => present.Kind == kind))
        {
            var x = Tensor.From([1f, 2, 3], [3], device);
            Assert.That((x.Device, x.Device.Kind), Is.EqualTo((device, kind)));
            Assert.That((x * x + x).ToArray<float>(), Is.EqualTo(new[] { 2f, 6, 12 }));
            Assert.That($"{device}", Does.StartWith($"{kind}: "));
        }
    }

    [Test]
    public void Products_keep_the_sign_of_zero([Values(DType.Float32, DType.Float64)] DType dtype)
    {
        foreach (var device in Devices.Present)
        {
            var (x, y) = (Tensor.From([-1.0, 0, 3, -2], [4]).To(dtype).To(device), Tensor.From([0.0, -1, -0.0, 0], [4]).To(dtype).To(device));
            Assert.That((x * y).To(DType.Float64).ToArray<double>().Select(double.IsNegative), Has.All.True, $"{device}");
        }
    }
}
