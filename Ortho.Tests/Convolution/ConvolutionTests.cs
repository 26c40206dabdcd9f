using System.Runtime.InteropServices;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Host;
using Ortho.Tensors;
using Ortho.Tests.Ops;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Convolution;

[TestFixture, Category("Kernels")]
public class ConvolutionTests
{
    static double Inner(Nd a, Nd b) => a.Data.Zip(b.Data, (x, y) => x.Real * y.Real).Sum();

    [Test]
    public void Every_stride_padding_dilation_and_group_matches_the_sum_and_so_do_gradients(
        [Values(1, 2, 3)] int kernel, [Values(1, 2, 3)] int stride, [Values(0, 1, 2)] int padding, [Values(1, 2)] int dilation, [Values(1, 2)] int groups)
    {
        foreach (var width in (int[])[3, 5, 17, 37])
        {
            var height = 5;
            if (Math.Min(width, height) + 2 * padding < dilation * (kernel - 1) + 1)
                continue;
            var (x, w) = (Random([2, 2 * groups, height, width], seed: width), Random([3 * groups, 2, kernel, kernel], seed: 2));
            var (p, q) = (x.Detach().RequiresGrad(), w.Detach().RequiresGrad());
            var y = p.Conv2d(q, stride: stride, padding: padding, dilation: dilation, groups: groups);
            var g = Random(y.Shape, seed: 3);
            Nd Sum(Tensor images, Tensor weight) => OpTable.ConvolutionOf(Nd.From(images), Nd.From(weight), null, stride, (padding, padding), (padding, padding), dilation, groups);
            var expected = Sum(x, w);
            Assert.That(Largest(Nd.From(y), expected), Is.LessThan(1e-13), $"width {width}");

            // y is linear in x and in w: a gradient's product with any direction is that of the sum of this direction.
            var gradients = Graph.Gradients([y], [p, q], [g]);
            var (u, v) = (Random(x.Shape, seed: 4), Random(w.Shape, seed: 5));
            Assert.That(Inner(Nd.From(gradients[0]), Nd.From(u)), Is.EqualTo(Inner(Sum(u, w), Nd.From(g))).Within(1e-11), $"width {width}");
            Assert.That(Inner(Nd.From(gradients[1]), Nd.From(v)), Is.EqualTo(Inner(Sum(x, v), Nd.From(g))).Within(1e-11), $"width {width}");

            // The transposed op is the adjoint where no place of x is left over at the end.
            var (left, below) = ((width + 2 * padding - dilation * (kernel - 1) - 1) % stride, (height + 2 * padding - dilation * (kernel - 1) - 1) % stride);
            var adjoint = g.ConvTranspose2d(w, stride: stride, padding: padding, outputPadding: (below, left), dilation: dilation, groups: groups);
            Assert.That(Difference(adjoint, gradients[0]), Is.Zero);
        }
    }

    static double Largest(Nd a, Nd b)
    {
        Assert.That(a.Shape, Is.EqualTo(b.Shape));
        return a.Data.Zip(b.Data, (x, y) => (x - y).Magnitude).DefaultIfEmpty(0).Max();
    }

    // Images, kernel, stride, padding, groups: more than one piece of work in every direction, and every way an operand can lie.
    static readonly (int[] Images, int[] Kernel, int Stride, int Padding, int Groups)[] large =
    [
        ([2, 70, 40, 40], [72, 70, 3, 3], 1, 1, 1),
        ([1, 3, 200, 90], [65, 3, 7, 7], 2, 3, 1),
        ([3, 300, 20, 17], [130, 300, 1, 1], 1, 0, 1),
        ([2, 40, 60, 70], [9, 40, 3, 3], 1, 0, 1),
        ([5, 130, 7, 7], [66, 130, 3, 3], 1, 1, 1),
        ([2, 48, 33, 48], [48, 1, 5, 5], 1, 2, 48),
        ([2, 40, 33, 18], [80, 2, 3, 3], 2, 1, 20),
        ([1, 50, 3, 3001], [12, 50, 3, 5], 1, 2, 1),
        ([2, 3, 2, 1203], [17, 3, 2, 4], 3, 2, 1),
        ([1, 40, 2, 1500], [40, 1, 3, 3], 1, 1, 40),
        ([2, 150, 44, 20], [17, 150, 3, 3], 1, 1, 1),
        ([3, 12, 27, 24], [16, 12, 4, 3], 1, 0, 1),
        ([3, 16, 41, 9], [9, 16, 3, 3], 2, 1, 1),
    ];

    static IEnumerable<int> Large => Enumerable.Range(0, large.Length);

    static Tensor[] Results(int index, DType dtype)
    {
        var (images, kernel, stride, padding, groups) = large[index];
        var (x, w, b) = (Random([.. images], dtype).RequiresGrad(), Random([.. kernel], dtype, 2).RequiresGrad(), Random([kernel[0]], dtype, 3).RequiresGrad());
        var y = x.Conv2d(w, b, stride, padding, groups: groups);
        return [y.Detach(), .. Graph.Gradients([y], [x, w, b], [Random(y.Shape, dtype, 4)])];
    }

    // The sum and its gradients, place by place.
    static double[][] Direct(int index)
    {
        var (images, kernel, stride, padding, groups) = large[index];
        var (x, w, b) = (Random([.. images]).ToArray<double>(), Random([.. kernel], seed: 2).ToArray<double>(), Random([kernel[0]], seed: 3).ToArray<double>());
        var (batch, channels, h, width, outputs, inputs, kh, kw) = (images[0], images[1], images[2], images[3], kernel[0], kernel[1], kernel[2], kernel[3]);
        var (rows, columns) = ((h + 2 * padding - kh) / stride + 1, (width + 2 * padding - kw) / stride + 1);
        var (y, dx, dw, db) = (new double[batch * outputs * rows * columns], new double[x.Length], new double[w.Length], new double[outputs]);
        var g = Random([batch, outputs, rows, columns], seed: 4).ToArray<double>();
        for (var n = 0; n < y.Length; n++)
        {
            var (j, i, o, image) = (n % columns, n / columns % rows, n / columns / rows % outputs, n / columns / rows / outputs);
            y[n] = b[o];
            db[o] += g[n];
            for (var c = 0; c < inputs; c++)
            {
                var channel = (image * channels + o / (outputs / groups) * inputs + c) * h;
                for (var p = 0; p < kh; p++)
                {
                    var row = i * stride + p - padding;
                    for (var q = 0; q < kw && row >= 0 && row < h; q++)
                    {
                        var column = j * stride + q - padding;
                        if (column < 0 || column >= width)
                            continue;
                        var (at, tap) = ((channel + row) * width + column, ((o * inputs + c) * kh + p) * kw + q);
                        y[n] += w[tap] * x[at];
                        dx[at] += w[tap] * g[n];
                        dw[tap] += x[at] * g[n];
                    }
                }
            }
        }
        return [y, dx, dw, db];
    }

    [TestCaseSource(nameof(Large))]
    public void Work_of_many_pieces_matches_the_sum(int index)
    {
        var expected = Direct(index);
        foreach (var (dtype, bound) in ((DType, double)[])[(DType.Float64, 1e-12), (DType.Float32, 1e-3)])
        {
            foreach (var (result, direct) in Results(index, dtype).Zip(expected))
                Assert.That(Wide(result).ToArray<double>().Zip(direct, (a, b) => Math.Abs(a - b)).Max(), Is.LessThan(bound), $"{dtype} {result.Shape}");
        }
    }

    [TestCaseSource(nameof(Large))]
    public void The_number_of_threads_does_not_change_a_bit(int index)
    {
        var threads = HostThreads.Count;
        try
        {
            HostThreads.Count = 1;
            var alone = Results(index, DType.Float32);
            foreach (var count in (int[])[2, 3, 8])
            {
                HostThreads.Count = count;
                foreach (var (result, expected) in Results(index, DType.Float32).Zip(alone))
                    Assert.That(MemoryMarshal.AsBytes<float>(result.ToArray<float>()).SequenceEqual(MemoryMarshal.AsBytes<float>(expected.ToArray<float>())), $"{count} threads, {result.Shape}");
            }
        }
        finally
        {
            HostThreads.Count = threads;
        }
    }

    [Test]
    public void A_place_beyond_the_edge_is_a_zero_like_any_other([ValueSource(typeof(Devices), nameof(Devices.Kinds))] string kind)
    {
        var x = Tensor.Ones([1, 1, 2, 2], device: Devices.Of(kind));
        var w = Tensor.From([0f, 0, 0, 0, 1, 0, 0, 0, float.PositiveInfinity], [1, 1, 3, 3]).To(Devices.Of(kind));
        var y = x.Conv2d(w, padding: 1).ToArray<float>();
        Assert.That(y[0], Is.EqualTo(float.PositiveInfinity));
        Assert.That(y[1..], Is.All.NaN, "infinity times zero");
    }

    [Test]
    public void Nothing_convolves_to_nothing_and_leaves_no_gradient()
    {
        var (x, w, b) = (Tensor.Zeros([0, 2, 4, 4]).RequiresGrad(), Tensor.Ones([3, 2, 3, 3]).RequiresGrad(), Tensor.Ones([3]).RequiresGrad());
        var y = x.Conv2d(w, b, padding: 1);
        Assert.That(y.Shape, Is.EqualTo(Shape.Create([0, 3, 4, 4])));
        var gradients = Graph.Gradients([y], [x, w, b], [Tensor.Zeros(y.Shape)]);
        Assert.That(gradients.Select(gradient => gradient.Shape), Is.EqualTo(new[] { x.Shape, w.Shape, b.Shape }));
        Assert.That(gradients[1].ToArray<float>().Concat(gradients[2].ToArray<float>()), Is.All.Zero);
    }

    [Test]
    public void A_kernel_may_exceed_the_image_when_zeros_make_room_for_it()
    {
        var x = Tensor.Full([1, 1, 1, 1], 3.0);
        var w = Tensor.Arange(25, DType.Float32).Reshape(1, 1, 5, 5);
        Assert.That(x.Conv2d(w, padding: 2).ToArray<float>(), Is.EqualTo(new[] { 36f }));
        Assert.That(x.Conv2d(w, padding: (4, 2)).Shape, Is.EqualTo(Shape.Create([1, 1, 5, 1])));
    }
}
