using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Gpu;
using Ortho.Tensors;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Linalg;

/// <summary>Exponentials of matrices and their derivatives.</summary>
[TestFixture, Category("Kernels"), Category("Devices")]
public class MatrixExponentialTests
{
    [Test]
    public void Hermitian_matrices_have_the_exponentials_of_their_eigenvalues([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype,
        [Values(1, 3, 16, 40, 100)] int n, [Values(1e-6, 1, 20)] double norm)
    {
        var q = Wide(Random([n, n], dtype, n)).Qr().Q;
        var values = Tensor.Linspace(-norm, norm / 4, n, dtype: DType.Float64);
        Tensor Of(Tensor eigenvalues) => (q * eigenvalues.To(q.DType)).MatMul(q.H);
        var y = Of(values).To(dtype).MatrixExp();
        // Rounding in a alone changes e^a by norm times a unit; e^(norm / 4) is its size.
        Assert.That(Difference(y, Of(values.Exp())), Is.LessThan(8 * (4 + norm) * Math.Sqrt(n) * Math.Exp(norm / 4) * Unit(dtype)));
    }

    // As a batch: nothing, little, much, very much, too much, not a number, and a negative one with a result of 0.
    static Tensor Mixed(int n, DType dtype)
    {
        var x = Random([7, n, n], dtype, n);
        var scales = Tensor.From([0, 1e-3, 3.0 / n, 40.0 / n, 1e20, double.NaN, 1.0], [7, 1, 1]);
        var y = (Wide(x - x.H) * scales).To(dtype);
        y.Select(0, 6).CopyFrom(Tensor.Eye(n, dtype: dtype) * -1e8);
        return y;
    }

    [Test]
    public void Every_matrix_of_a_batch_goes_its_own_way([Values(DType.Float32, DType.Complex64)] DType dtype, [Values(1, 5, 17, 60)] int n)
    {
        var x = Mixed(n, dtype);
        var y = x.MatrixExp();
        for (var k = 0; k < 7; k++)
        {
            var alone = x.Select(0, k).MatrixExp();
            Assert.That(Numbers(y.Select(0, k)), Is.EqualTo(Numbers(alone)), $"matrix {k}");
            if (k == 5 || (k == 4 && Largest(x.Select(0, k)) > 0))
                Assert.That(Numbers(alone).Select(number => number.Real), Is.All.NaN, $"matrix {k}");
            else if (k == 6)
                Assert.That(Largest(alone), Is.Zero);
            else
                Assert.That(Skewness(Wide(alone)), Is.LessThan(1e-4), $"matrix {k}");
        }
    }

    [TestCase(5, 2)]
    [TestCase(9, 30)]
    public void Derivatives_of_both_orders_match_central_differences(int n, double norm)
    {
        var a = Random([n, n], seed: n);
        a = (a - a.T) * (norm / n) + Random([n, n], seed: n + 1) * (1.0 / n);
        foreach (var order in (int[])[1, 2])
        {
            var found = GradientCheck.Run(x => x[0].MatrixExp(), [a], step: 1e-4, order: order, samples: 12);
            Assert.That(found.Error, Is.LessThan(1e-6), found.Where);
        }
    }

    static IEnumerable<TestCaseData> OnDevices
        => from kind in Devices.Kinds
           where kind != "Cpu"
           from dtype in (DType[])(kind == nameof(DeviceKind.OpenCL) ? [DType.Float32, DType.Complex64] : Types)
           from n in (int[])(kind == nameof(DeviceKind.Simulator) ? [1, 5] : [1, 5, 20, 30, 60, 90])
           select new TestCaseData(kind, dtype, n);

    // With one launch for all squarings and with one for each, of values alone and of values and derivatives.
    [TestCaseSource(nameof(OnDevices))]
    public void Devices_have_the_bits_of_the_cpu_and_read_nothing(string kind, DType dtype, int n)
    {
        var device = Devices.Of(kind);
        var x = Mixed(n, dtype);
        var weight = Random(x.Shape, dtype, 3);
        (Tensor Value, Tensor Gradient) On(Device device)
        {
            var a = x.To(device).Detach().RequiresGrad();
            var y = a.MatrixExp();
            return (y, Graph.Gradients([y], [a], [weight.To(device)])[0]!);
        }
        var here = On(Device.Cpu);
        var copies = device.HostCopies;
        var there = On(device);
        Assert.That(device.HostCopies, Is.EqualTo(copies));
        Assert.That(Numbers(there.Value.Detach()), Is.EqualTo(Numbers(here.Value.Detach())));
        Assert.That(Numbers(there.Gradient), Is.EqualTo(Numbers(here.Gradient)));
    }
}
