using System.Numerics;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;
using static Ortho.Tests.Fourier.FourierTests;

namespace Ortho.Tests.Fourier;

/// <summary>Gradients, first and second, against central differences in float64.</summary>
public sealed class FourierGradientTests
{
    static readonly (string Name, Func<Tensor, Tensor> Apply, Shape Shape, DType DType)[] Transforms =
    [
        .. from n in (int[])[1, 2, 5, 6, 37]
           from op in (IEnumerable<(string, Func<Tensor, Tensor>, Shape, DType)>)
           [
               ($"Fft of {n}", x => x.Fft(), [2, n], DType.Complex128),
               ($"Fft of {n} reals", x => x.Fft(), [2, n], DType.Float64),
               ($"Fft of {n} along 0", x => x.Fft(0), [n, 2], DType.Complex128),
               ($"Ifft of {n}", x => x.Ifft(), [2, n], DType.Complex128),
               ($"Rfft of {n}", x => x.Rfft(), [2, n], DType.Float64),
               ($"Rfft of {n} along 0", x => x.Rfft(0), [n, 2], DType.Float64),
               ($"Irfft to {n}", x => x.Irfft(n), [2, n / 2 + 1], DType.Complex128),
           ]
           select op,
        ("Fft2", x => x.Fft2(), [2, 3, 4], DType.Complex128),
        ("Ifft2", x => x.Ifft2(), [2, 3, 4], DType.Complex128),
        ("Rfft2, even", x => x.Rfft2(), [2, 3, 4], DType.Float64),
        ("Rfft2, odd", x => x.Rfft2(), [2, 4, 5], DType.Float64),
        ("Irfft2, even", x => x.Irfft2(3, 4), [2, 3, 3], DType.Complex128),
        ("Irfft2, odd", x => x.Irfft2(4, 5), [2, 4, 3], DType.Complex128),
    ];

    static IEnumerable<TestCaseData> Cases => Transforms.Select(t => new TestCaseData(t.Apply, t.Shape, t.DType) { TestName = "Gradient_of_" + t.Name });

    [TestCaseSource(nameof(Cases))]
    public void Gradient(Func<Tensor, Tensor> apply, Shape shape, DType dtype)
    {
        var x = Random(shape, dtype, 5);
        CheckGradients(inputs => Cubic(apply(inputs[0])), [x]);
    }

    [Test]
    public void Gradients_of_convolutions()
    {
        foreach (var (n, k) in ((int, int)[])[(4, 3), (5, 3), (6, 2), (5, 5), (4, 4)])
            CheckGradients(t => Cubic(t[0].CircularConv1d(t[1])), [Random([2, 2, n], DType.Float64, 1), Random([3, 2, k], DType.Float64, 2)]);
        foreach (var (h, w, k) in ((int, int, int)[])[(4, 4, 3), (5, 5, 3), (3, 6, 2)])
        {
            CheckGradients(t => Cubic(t[0].CircularConv2d(t[1])), [Random([2, 2, h, w], DType.Float64, 1), Random([1, 2, k, k], DType.Float64, 2)]);
            var frequencies = h * (w / 2 + 1);
            CheckGradients(t => Cubic(Tensor.ApplySymbol(t[0], t[1])), [Random([frequencies, 2, 1], DType.Complex128, 3), Random([2, 1, h, w], DType.Float64, 4)]);
            CheckGradients(t => Cubic(Tensor.ConvolutionSymbol(t[0], h, w)), [Random([1, 2, k, k], DType.Float64, 5)]);
        }
    }

    // Real, neither linear nor symmetric in the parts: (Re y)^2 + 2 (Im y)^3 + Re y Im y with fixed random weights.
    static Tensor Cubic(Tensor y)
    {
        var weights = Random(y.Shape, DType.Float64, 11);
        var re = y.Real();
        if (!y.DType.IsComplex)
            return (re * re * re * weights).Sum();
        var im = y.Imag();
        return (weights * (re * re + 2 * (im * im * im) + re * im)).Sum();
    }

    // First order: dL along random directions. Second order: the gradient's own derivative, by the gradient of <gradient, direction>.
    static void CheckGradients(Func<Tensor[], Tensor> loss, Tensor[] at)
    {
        Tensor[] Leaves(Tensor[] values) => [.. values.Select(v => v.Detach().Clone().RequiresGrad())];
        var leaves = Leaves(at);
        var gradients = Graph.Gradients([loss(leaves)], leaves, createGraph: true);
        for (var k = 0; k < at.Length; k++)
            Assert.That((gradients[k].Shape, gradients[k].DType), Is.EqualTo((at[k].Shape, at[k].DType)));
        var directions = at.Select((v, k) => Random(v.Shape, v.DType, 20 + k)).ToArray();

        double LossAt(double step) => loss([.. at.Zip(directions, (v, d) => v + d * step)]).Item();
        const double step = 1e-4;
        // A cubic's central difference errs by step^2 of its third derivative; rounding by 1e-16 / step.
        var slope = (LossAt(step) - LossAt(-step)) / (2 * step);
        var along = gradients.Zip(directions, Inner).Aggregate((a, b) => a + b);
        Assert.That(along.Item(), Is.EqualTo(slope).Within(1e-6 * (1 + Math.Abs(slope))));

        var others = at.Select((v, k) => Random(v.Shape, v.DType, 30 + k)).ToArray();
        var second = Graph.Gradients([along], leaves).Zip(others, Inner).Aggregate((a, b) => a + b).Item();
        double SlopeAt(double offset)
        {
            var moved = Leaves([.. at.Zip(others, (v, d) => v + d * offset)]);
            return Graph.Gradients([loss(moved)], moved).Zip(directions, Inner).Aggregate((a, b) => a + b).Item();
        }
        var curvature = (SlopeAt(step) - SlopeAt(-step)) / (2 * step);
        Assert.That(second, Is.EqualTo(curvature).Within(1e-6 * (1 + Math.Abs(curvature))));
    }

    // Re <a, b> = sum of Re a Re b + Im a Im b.
    static Tensor Inner(Tensor a, Tensor b) => (a.Conj() * b).Real().Sum();
}
