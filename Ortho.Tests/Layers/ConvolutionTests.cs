using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Certification;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers;

[TestFixture]
public class ConvolutionTests
{
    // (M, C, k, n, stride) with n the side of the image.
    static readonly (int Out, int In, int Kernel, int Size, int Stride)[] Layers =
        [(4, 4, 3, 6, 1), (6, 4, 3, 5, 1), (2, 4, 3, 6, 1), (8, 4, 1, 4, 1), (4, 4, 2, 5, 1), (4, 1, 3, 6, 2), (3, 1, 2, 8, 2), (8, 1, 1, 6, 2)];

    static IEnumerable<TestCaseData> Cases(params DType[] dtypes)
        => from dtype in dtypes from layer in Layers select new TestCaseData(layer.Out, layer.In, layer.Kernel, layer.Size, layer.Stride, dtype);

    static IEnumerable<TestCaseData> BothPrecisions => Cases(DType.Float64, DType.Float32);

    static IEnumerable<TestCaseData> Double => Cases(DType.Float64);

    static OrthogonalConv2d Layer(int outputs, int inputs, int kernel, int stride, DType dtype)
    {
        var layer = new OrthogonalConv2d(inputs, outputs, kernel, new(3), stride, dtype: dtype);
        // Not the gentle start: symbols of different sizes and a scale that training might find.
        layer.Free[1].Assign(Tensor.Full([], 1.7, dtype));
        return layer;
    }

    // The matrix of the layer without its bias [outputs, inputs]: its answers to all unit impulses, in float64.
    static Tensor Dense(Module layer, Parameter? bias, int channels, int size, DType dtype)
    {
        var count = channels * size * size;
        using (Graph.NoGrad())
        {
            var impulses = Tensor.Eye(count, dtype: dtype).Reshape(count, channels, size, size);
            var y = layer.Forward(impulses);
            if (bias is not null)
                y -= bias.Value.Reshape(1, -1, 1, 1);
            return Wide(y.Flatten(1)).T.Contiguous();
        }
    }

    [TestCaseSource(nameof(BothPrecisions))]
    public void The_dense_matrix_is_orthogonal_and_Certify_knows_it(int outputs, int inputs, int kernel, int size, int stride, DType dtype)
    {
        var layer = Layer(outputs, inputs, kernel, stride, dtype);
        var matrix = Dense(layer, layer.Bias, inputs, size, dtype);
        Assert.That(matrix.Shape, Is.EqualTo(Shape.Create([outputs * size * size / (stride * stride), inputs * size * size])));
        var tolerance = dtype == DType.Float64 ? 1e-13 : 2e-5;
        // Isometry or co-isometry, by the smaller of the two Gram matrices, not by the library's singular values.
        Assert.That(Skewness(matrix.Shape[0] >= matrix.Shape[1] ? matrix : matrix.T), Is.LessThan(tolerance));

        var values = matrix.SingularValues().ToArray<double>();
        var certified = layer.Certify();
        Assert.That(certified.Largest, Is.EqualTo(values.Max()).Within(tolerance));
        Assert.That(certified.Smallest, Is.EqualTo(values.Min()).Within(tolerance));
        Assert.That(certified.OrthogonalityError, Is.LessThan(tolerance));
        Assert.That(layer.Certify(size, size), Is.EqualTo(certified));
    }

    // Y[b, m, p] = sum over c, t of K[m, c, t] x[b, c, (p + t - floor(k/2)) mod n]
    static double[] Direct(Tensor kernel, Tensor x)
    {
        var (m, c, k) = (kernel.Shape[0], kernel.Shape[1], kernel.Shape[2]);
        var (batch, h, w) = (x.Shape[0], x.Shape[2], x.Shape[3]);
        var (kd, xd, y) = (kernel.ToArray<double>(), x.ToArray<double>(), new double[batch * m * h * w]);
        for (var b = 0; b < batch; b++)
            for (var o = 0; o < m; o++)
                for (var p = 0; p < h; p++)
                    for (var q = 0; q < w; q++)
                        for (var i = 0; i < c; i++)
                            for (var s = 0; s < k; s++)
                                for (var t = 0; t < k; t++)
                                    y[((b * m + o) * h + p) * w + q] += kd[((o * c + i) * k + s) * k + t]
                                        * xd[((b * c + i) * h + (p + s - k / 2 + h) % h) * w + (q + t - k / 2 + w) % w];
        return y;
    }

    [Test]
    public void An_unconstrained_convolution_is_the_direct_sum([Values(1, 2, 3)] int kernel, [Values(4, 5)] int height, [Values(5, 6)] int width)
    {
        var layer = new CircularConv2d(2, 3, kernel, new(4), dtype: DType.Float64);
        layer.Bias!.Assign(Random([3], seed: 1));
        var x = Random([2, 2, height, width], seed: 2);
        var expected = Direct(layer.Kernel, x);
        var bias = layer.Bias.Value.ToArray<double>();
        var got = layer.Forward(x).ToArray<double>();
        for (var i = 0; i < got.Length; i++)
            Assert.That(got[i], Is.EqualTo(expected[i] + bias[i / (height * width) % 3]).Within(2e-15));
        // No singular value of the dense matrix lies outside what Certify says.
        if (height == width)
        {
            var values = Dense(layer, layer.Bias, 2, height, DType.Float64).SingularValues().ToArray<double>();
            layer.Forward(x);
            Assert.That((layer.Certify().Smallest, layer.Certify().Largest), Is.EqualTo((values.Min(), values.Max())).Within(1e-13));
        }
    }

    [TestCaseSource(nameof(Double))]
    public void Gradients_of_parameters_and_images_match_central_differences(int outputs, int inputs, int kernel, int size, int stride, DType dtype)
    {
        // Both parities of the half spectrum, at the size that the kernel and the stride allow.
        var n = stride == 1 ? size % 2 == 0 ? 4 : 5 : 2 * Math.Max(2, kernel);
        var x = Random([2, inputs, n, n], seed: 5);
        var like = Layer(outputs, inputs, kernel, stride, dtype);
        var parameters = like.Parameters().Select(parameter => parameter.Value.Detach().Clone()).ToArray();
        foreach (var (k, value) in parameters.Index())
        {
            var layer = Layer(outputs, inputs, kernel, stride, dtype);
            var parameter = layer.Parameters().ElementAt(k);
            var weights = Random(layer.Forward(x).Shape, seed: 6);
            (layer.Forward(x) * weights).Sum().Backward();
            var (numbers, slopes) = (value.ToArray<double>(), parameter.Value.Grad!.ToArray<double>());
            for (var i = 0; i < numbers.Length; i += Math.Max(1, numbers.Length / 8))
            {
                const double h = 1e-3;
                var expected = (8 * (At(h) - At(-h)) - (At(2 * h) - At(-2 * h))) / (12 * h);
                Assert.That(slopes[i], Is.EqualTo(expected).Within(1e-9 * (1 + Math.Abs(expected))), $"{parameter.Name}, element {i}");

                double At(double t)
                {
                    double[] moved = [.. numbers];
                    moved[i] += t;
                    parameter.Assign(Tensor.From(moved, value.Shape));
                    using (Graph.NoGrad())
                        return (layer.Forward(x) * weights).Sum().Item();
                }
            }
        }
        CheckGradient(a => like.Forward(a[0]), [x], order: 2, tolerance: 1e-9);
    }

    [TestCase(4, 4, 3, 6, 1), TestCase(6, 4, 3, 5, 1), TestCase(8, 2, 3, 6, 2), TestCase(9, 2, 3, 6, 2)]
    public void Norms_are_preserved_after_training(int outputs, int inputs, int kernel, int size, int stride)
    {
        var layer = new OrthogonalConv2d(inputs, outputs, kernel, new(1), stride, bias: false);
        var x = Random([4, inputs, size, size], DType.Float32, 3);
        var optimizer = new Adam(layer.Parameters(), 0.01);
        var before = layer.Free[0].Value.Detach().Clone();
        Tensor? target = null;
        for (var step = 0; step < 50; step++)
        {
            using var scope = new TensorScope();
            optimizer.ZeroGrad();
            var y = layer.Forward(x);
            target ??= TensorScope.Release(Tensor.Normal(y.Shape, new(2)));
            (y - target).Square().Mean().Backward();
            optimizer.Step();
        }
        Assert.That(Difference(layer.Free[0].Value.Detach(), before), Is.GreaterThan(0.05), "it has learnt something");
        var (longs, images) = (Numbers(x.Norm([1, 2, 3])), Numbers(layer.Forward(x).Norm([1, 2, 3])));
        for (var b = 0; b < longs.Length; b++)
            Assert.That(images[b].Real, Is.EqualTo(longs[b].Real).Within(2e-6 * longs[b].Real));
        Assert.That(layer.Certify().OrthogonalityError, Is.LessThan(1e-5));
    }

    [Test]
    public void A_kernel_that_is_not_learnt_gives_the_same_numbers_and_follows_its_changes()
    {
        var layer = new CircularConv2d(3, 2, 3, new(4));
        var x = Tensor.Normal([2, 3, 6, 5], new Generator(5));
        var learnt = layer.Forward(x).ToArray<float>();
        using var pause = Graph.NoGrad();
        Assert.That(layer.Forward(x).ToArray<float>(), Is.EqualTo(learnt));
        Assert.That(layer.Forward(x).ToArray<float>(), Is.EqualTo(learnt), "from what is kept");
        var wider = Tensor.Normal([1, 3, 7, 8], new Generator(6));
        Assert.That(layer.Forward(wider).ToArray<float>(), Is.EqualTo(wider.CircularConv2d(layer.Kernel).ToArray<float>()), "another size");
        new Ortho.Layers.Optimizers.Sgd([layer.Kernel], 1).Step(); // without gradients: nothing changes
        Assert.That(layer.Forward(x).ToArray<float>(), Is.EqualTo(learnt));
        layer.Kernel.Assign(layer.Kernel.Value * 2.0);
        Assert.That(layer.Forward(x).ToArray<float>(), Is.EqualTo(learnt.Select(number => 2 * number)), "a kernel that has changed");
    }

    [Test]
    public void Twenty_layers_keep_the_norm_of_the_gradient()
    {
        var generator = new Generator(6);
        var network = new Sequential([.. Enumerable.Range(0, 20).Select(_ => new OrthogonalConv2d(4, 4, 3, generator))]);
        var x = Random([1, 4, 6, 6], DType.Float32, 4).RequiresGrad();
        var weight = Random([1, 4, 6, 6], DType.Float32, 5);
        network.Forward(x).Backward(weight);
        Assert.That(x.Grad!.Norm().Item(), Is.EqualTo(weight.Norm().Item()).Within(1e-5));
    }

    [Test]
    public void The_scale_does_not_depend_on_the_size_of_the_image()
    {
        var layer = new OrthogonalConv2d(3, 3, 1, new(1), dtype: DType.Float64);
        using var pause = Graph.NoGrad();
        // A 1 x 1 kernel has one symbol for all frequencies: it is the same matrix for every image.
        Assert.That(Difference(layer.Filter(4, 4).Select(0, 0), layer.Filter(7, 5).Select(0, 11)), Is.LessThan(1e-14));
    }

    [Test]
    public void Misfits_are_named()
    {
        var layer = new OrthogonalConv2d(2, 4, 3, new(1), stride: 2);
        Assert.That(() => layer.Certify(), Throws.InvalidOperationException.With.Message.Contains("no image has passed yet"));
        Assert.That(() => new CircularConv2d(2, 4, 3, new(1)).Certify(), Throws.InvalidOperationException.With.Message.Contains("no image has passed yet"));
        Assert.That(() => layer.Forward(Tensor.Ones([1, 3, 8, 8])), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("OrthogonalConv2d: x is [1, 3, 8, 8]; expected [batch, 2, height, width]"));
        Assert.That(() => layer.Forward(Tensor.Ones([1, 2, 7, 8])), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("divisible by 2"));
        Assert.That(() => layer.Forward(Tensor.Ones([2, 8, 8])), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => layer.Forward(Tensor.Ones([1, 2, 4, 4])), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("kernel"), "2 x 2 after the stride is smaller than the kernel");
        Assert.That(() => layer.Certify(), Throws.InvalidOperationException, "images that were refused do not count");
        Assert.That(() => new OrthogonalConv2d(0, 4, 3, new(1)), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new OrthogonalConv2d(2, 4, 3, new(1), stride: 0), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void The_symbol_is_kept_until_a_parameter_or_the_size_changes()
    {
        var layer = new OrthogonalConv2d(2, 2, 3, new(1));
        using var pause = Graph.NoGrad();
        Tensor first;
        using (new TensorScope())
            first = layer.Filter(4, 4);
        Assert.That(first.Storage.IsDisposed, Is.False, "it outlives the scope in which it was computed");
        Assert.That(layer.Filter(4, 4), Is.SameAs(first));
        layer.Bias!.Assign(Tensor.Ones([2]));
        Assert.That(layer.Filter(4, 4), Is.SameAs(first), "the bias is not in it");
        layer.Free[1].Assign(Tensor.Full([], 2));
        var second = layer.Filter(4, 4);
        Assert.That(Difference(second, first), Is.GreaterThan(1e-3));
        Assert.That(layer.Filter(5, 4).Shape[0], Is.EqualTo(15));
        layer.Free[0].Assign(layer.Free[0].Value * 2.0 + 0.1);
        Assert.That(Difference(layer.Filter(4, 4), second), Is.GreaterThan(1e-3));

        var here = layer.Filter(4, 4);
        var simulator = Devices.Of("Simulator");
        layer.To(simulator);
        Assert.That(layer.Filter(4, 4).Device, Is.SameAs(simulator));
        Assert.That(Difference(layer.Filter(4, 4).To(Device.Cpu), here), Is.LessThan(1e-5));
        layer.Free[0].Assign(layer.Free[0].Value + 0.5);
        layer.To(Device.Cpu);
        Assert.That(Difference(layer.Filter(4, 4), here), Is.GreaterThan(1e-3), "a kernel changed elsewhere is not taken for the old one");
    }

    [Test]
    public void PixelUnshuffle_is_a_permutation_into_blocks()
    {
        int[] numbers = [.. Enumerable.Range(0, 2 * 3 * 4 * 6)];
        var y = new PixelUnshuffle(2).Forward(Tensor.From(numbers, [2, 3, 4, 6]));
        Assert.That(y.Shape, Is.EqualTo(Shape.Create([2, 12, 2, 3])));
        var got = y.ToArray<int>();
        Assert.That(got.Order(), Is.EqualTo(numbers), "every pixel once");
        for (var b = 0; b < 2; b++)
            for (var c = 0; c < 12; c++)
                for (var i = 0; i < 2; i++)
                    for (var j = 0; j < 3; j++)
                        Assert.That(got[((b * 12 + c) * 2 + i) * 3 + j], Is.EqualTo(((b * 3 + c / 4) * 4 + 2 * i + c / 2 % 2) * 6 + 2 * j + c % 2));
        Assert.That(() => new PixelUnshuffle(4).Forward(Tensor.Ones([1, 1, 4, 6])), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("divisible by 4"));
    }
}
