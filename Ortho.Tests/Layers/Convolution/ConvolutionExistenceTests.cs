using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Certification;
using Ortho.Layers.ConvolutionMethods;
using Ortho.Layers.Losses;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers;

/// <summary>Which architectures have orthogonal convolutions, the regulariser towards them, and spectra.</summary>
[TestFixture]
public class ConvolutionExistenceTests
{
    static ConvolutionShape Architecture(int m, int c, int k, int s, ConvolutionPadding padding = ConvolutionPadding.Circular,
        int groups = 1) => new(c, m, k, s, 1, groups, padding);

    static Tensor Matrix(ConvolutionShape shape, Tensor kernel, int height, int width)
        => ImpulseResponses.Matrix(x => ExplicitApply(shape, kernel, x), [shape.Inputs, height, width]);

    // Not the library's circular convolution: padding by hand, then the plain one.
    static Tensor ExplicitApply(ConvolutionShape shape, Tensor kernel, Tensor x)
    {
        var (b, a) = (shape.Before, shape.After);
        if (shape.Padding == ConvolutionPadding.Circular)
        {
            x = Tensor.Concat([x.Slice(2, x.Shape[2] - b.Height), x, x.Slice(2, 0, a.Height)], 2);
            x = Tensor.Concat([x.Slice(3, x.Shape[3] - b.Width), x, x.Slice(3, 0, a.Width)], 3);
        }
        var zeros = shape.Padding == ConvolutionPadding.Zeros ? new Padding2(b.Height, a.Height, b.Width, a.Width) : 0;
        return x.Conv2d(kernel, null, shape.Stride, zeros, shape.Dilation, shape.Groups);
    }

    // (M, C, S, k)
    [TestCase(10, 1, 4, 3, false, OrthogonalSide.Rows), TestCase(9, 1, 4, 3, true, OrthogonalSide.Rows),
        TestCase(20, 1, 4, 3, false, OrthogonalSide.Columns), TestCase(64, 64, 1, 3, true, OrthogonalSide.Both)]
    [TestCase(4, 1, 2, 3, true, OrthogonalSide.Both), TestCase(7, 2, 2, 3, true, OrthogonalSide.Rows),
        TestCase(16, 1, 4, 5, true, OrthogonalSide.Both), TestCase(9, 2, 2, 2, true, OrthogonalSide.Columns)]
    public void The_inequalities_of_the_paper(int m, int c, int s, int k, bool exists, OrthogonalSide side)
    {
        var shape = Architecture(m, c, k, s);
        var report = ConvolutionExistence.Check(shape);
        Assert.That((report.Exists, report.Side), Is.EqualTo((exists, side)));
        if (!exists)
        {
            Assert.That(() => ConvolutionExistence.PermutationKernel(shape),
                Throws.TypeOf<TensorArgumentException>().With.Message.Contains(report.Reason));
            return;
        }
        var kernel = ConvolutionExistence.PermutationKernel(shape, DType.Float64);
        Assert.That(kernel.OrthogonalityLoss(s).Item(), Is.Zero);
        var n = s * ((2 * k + s - 1) / s);
        if (c * n * n <= 200)
            Assert.That(ConvolutionSpectrum.SingularValues(kernel, n, n, s).ToArray<double>(), Is.All.EqualTo(1).Within(1e-13));
    }

    [Test]
    public void No_kernel_is_orthogonal_where_none_exists()
    {
        // Rank: at least one of ten rows of nine numbers is dependent on the others, at every place.
        var shape = Architecture(10, 1, 3, 4);
        Assert.That(ImpulseResponses.Range(Matrix(shape, Random([10, 1, 3, 3]), 8, 8)).Smallest, Is.LessThan(1e-14));
        // A pixel between kernels that is seen by none.
        Assert.That(ImpulseResponses.Range(Matrix(Architecture(20, 1, 3, 4), Random([20, 1, 3, 3]), 8, 8)).Smallest, Is.LessThan(1e-14));
    }

    [Test]
    public void Zeros_and_no_padding_leave_less()
    {
        ExistenceReport Check(int m, int c, int k, int s, ConvolutionPadding padding)
            => ConvolutionExistence.Check(Architecture(m, c, k, s, padding));
        Assert.That(Check(4, 4, 3, 1, ConvolutionPadding.Zeros) is { Exists: true, Support: { Height: 1, Width: 1 } });
        Assert.That(Check(8, 1, 3, 2, ConvolutionPadding.Zeros) is { Exists: true, Support: { Height: 2, Width: 2 } });
        Assert.That(Check(10, 1, 3, 3, ConvolutionPadding.Zeros).Exists, Is.False, "two of three taps lie from the middle on");
        Assert.That(Check(4, 4, 3, 1, ConvolutionPadding.Valid).Exists, "rows of a square torus");
        Assert.That(Check(5, 4, 3, 1, ConvolutionPadding.Valid).Exists, Is.False);
        Assert.That(Check(9, 1, 3, 2, ConvolutionPadding.Valid).Exists, Is.False);
        Assert.That(Check(9, 1, 2, 2, ConvolutionPadding.Valid).Exists);
        foreach (var (m, c, k, s, padding, n) in new[] { (4, 4, 3, 1, ConvolutionPadding.Zeros, 4),
            (9, 2, 3, 2, ConvolutionPadding.Zeros, 6), (3, 1, 5, 2, ConvolutionPadding.Zeros, 6), (4, 4, 3, 1, ConvolutionPadding.Valid, 5),
            (9, 2, 2, 2, ConvolutionPadding.Valid, 4) })
        {
            var shape = Architecture(m, c, k, s, padding);
            var matrix = Matrix(shape, ConvolutionExistence.PermutationKernel(shape, DType.Float64), n, n);
            Assert.That(ImpulseResponses.Range(matrix), Is.EqualTo((1.0, 1.0)).Within(1e-14), $"{shape}");
        }
        // An orthogonal kernel of the torus with zeros around the images is no isometry, but does not expand.
        var kernel = new OrthogonalConv2d(3, 3, 3, new(1), method: new Aoc(), dtype: DType.Float64).Kernel!.Detach();
        var (smallest, largest) = ImpulseResponses.Range(Matrix(Architecture(3, 3, 3, 1, ConvolutionPadding.Zeros), kernel, 5, 5));
        Assert.That(smallest, Is.LessThan(0.5));
        Assert.That(largest, Is.LessThan(1 + 1e-12));
    }

    [Test]
    public void The_loss_by_hand()
    {
        var kernel = new double[9];
        kernel[4] = 1;
        Assert.That(Tensor.From(kernel, [1, 1, 3, 3]).OrthogonalityLoss().Item(), Is.Zero);
        (kernel[4], kernel[5]) = (0.5, 0.5);
        Assert.That(Tensor.From(kernel, [1, 1, 3, 3]).OrthogonalityLoss().Item(), Is.EqualTo(0.375));
        Assert.That(Tensor.From([0, 0.5, 0.5], [1, 1, 3]).OrthogonalityLoss().Item(), Is.EqualTo(0.375), "a signal");
        Assert.That(() => Tensor.Ones([2, 3]).OrthogonalityLoss(), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => Tensor.Ones([3, 3, 1, 1]).OrthogonalityLoss(groups: 2), Throws.TypeOf<TensorArgumentException>());
    }

    // (M, C, k, S, n)
    [TestCase(3, 4, 3, 1, 6), TestCase(5, 2, 3, 1, 6), TestCase(4, 4, 3, 1, 6), TestCase(3, 2, 3, 2, 8), TestCase(9, 2, 3, 2, 8),
        TestCase(8, 2, 3, 2, 8), TestCase(2, 3, 5, 2, 10), TestCase(13, 3, 5, 2, 12)]
    public void The_loss_is_the_residual_of_the_whole_operator(int m, int c, int k, int s, int n)
    {
        var (shape, kernel) = (Architecture(m, c, k, s), Random([m, c, k, k], seed: m + k) * 0.4);
        var (loss, places) = (kernel.OrthogonalityLoss(s).Item(), n / s * (n / s));
        var matrix = Matrix(shape, kernel, n, n);
        var gram = m <= c * s * s ? matrix.MatMul(matrix.T) : matrix.T.MatMul(matrix);
        var residual = gram - Tensor.Eye(gram.Shape[0], dtype: DType.Float64);
        Assert.That(residual.Square().Sum().Item() / places, Is.EqualTo(loss).Within(1e-10 * loss));
        // |R| <= |R^4|_F^(1/4): more is asked than the theorem says.
        var fourth = residual.MatMul(residual);
        fourth = fourth.MatMul(fourth);
        Assert.That(Math.Pow(fourth.Norm().Item(), 0.5), Is.LessThanOrEqualTo(OrthogonalityLosses.SpectralConstant(shape) * loss));
        // By the Fourier transform: all singular values, those of the dense matrix; of the largest one only their power sums.
        var values = ConvolutionSpectrum.SingularValues(kernel, n, n, s).ToArray<double>();
        if (gram.Shape[0] < 400)
            Assert.That(values.Order(), Is.EqualTo(matrix.SingularValues().ToArray<double>().Order()).Within(1e-12));
        var square = gram.MatMul(gram);
        foreach (var (power, sum) in new[] { (2, gram.Trace().Item()), (4, square.Trace().Item()), (6, (square * gram).Sum().Item()),
            (8, square.Square().Sum().Item()) })
            Assert.That(values.Sum(value => Math.Pow(value, power)), Is.EqualTo(sum).Within(1e-12 * sum));
        var columns = Math.Max(0, m - c * s * s);
        var spectral = values.Sum(value => Math.Pow(value * value - 1, 2)) / places;
        Assert.That(columns > 0 ? spectral : spectral + (m - Math.Min(m, c * s * s)), Is.EqualTo(loss).Within(1e-10 * loss));
        CheckGradient(a => a[0].OrthogonalityLoss(s), [kernel]);
    }

    [Test]
    public void On_images_smaller_than_two_kernels_the_loss_is_not_the_residual()
    {
        var kernel = Random([3, 4, 5, 5], seed: 2) * 0.3;
        var matrix = Matrix(Architecture(3, 4, 5, 1), kernel, 6, 6);
        var residual = matrix.MatMul(matrix.T) - Tensor.Eye(matrix.Shape[0], dtype: DType.Float64);
        var loss = kernel.OrthogonalityLoss().Item();
        Assert.That(Math.Abs(residual.Square().Sum().Item() / 36 - loss) / loss, Is.GreaterThan(1e-3));
    }

    [Test]
    public void Signals_groups_and_dilations_have_their_spectra()
    {
        var line = Random([3, 2, 4], seed: 2) * 0.4;
        var shape = new ConvolutionShape(2, 3, (1, 4), 1, 1, 1, ConvolutionPadding.Circular);
        var dense = Matrix(shape, line.Unsqueeze(2), 1, 9);
        var residual = dense.T.MatMul(dense) - Tensor.Eye(18, dtype: DType.Float64);
        Assert.That(residual.Square().Sum().Item() / 9, Is.EqualTo(line.OrthogonalityLoss().Item()).Within(1e-12));
        Assert.That(Math.Pow(ImpulseResponses.Range(residual).Largest, 2),
            Is.LessThan(OrthogonalityLosses.SpectralConstant(shape) * line.OrthogonalityLoss().Item()));
        Assert.That(OrthogonalityLosses.SpectralConstant(shape), Is.EqualTo(2 * 7));

        var kernel = Random([6, 2, 3, 2], seed: 3);
        Assert.That(kernel.OrthogonalityLoss(groups: 2).Item(),
            Is.EqualTo(kernel.Slice(0, 0, 3).OrthogonalityLoss().Item() + kernel.Slice(0, 3).OrthogonalityLoss().Item()).Within(1e-12));
        var grouped = new ConvolutionShape(4, 6, (3, 2), 1, (2, 3), 2, ConvolutionPadding.Circular);
        var values = ConvolutionSpectrum.SingularValues(kernel, 4, 6, dilation: (2, 3), groups: 2).ToArray<double>();
        Assert.That(values.Order(), Is.EqualTo(Matrix(grouped, kernel, 4, 6).SingularValues().ToArray<double>().Order()).Within(1e-12));
        var even = new ConvolutionShape(4, 6, (3, 2), (2, 3), 1, 2, ConvolutionPadding.Circular);
        values = ConvolutionSpectrum.SingularValues(kernel, 4, 6, stride: (2, 3), groups: 2).ToArray<double>();
        Assert.That(values.Order(), Is.EqualTo(Matrix(even, kernel, 4, 6).SingularValues().ToArray<double>().Order()).Within(1e-12));
        Assert.That(() => ConvolutionSpectrum.SingularValues(kernel, 4, 5, stride: 2), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => ConvolutionSpectrum.SingularValues(Tensor.Ones([2, 2]), 4, 5), Throws.TypeOf<TensorArgumentException>());
    }

    [Test]
    public void The_Gram_bound_is_above_the_norm_and_near_it([Values(1, 3, 6)] int iterations)
    {
        var kernel = Random([5, 4, 3, 3], seed: 1);
        var norm = ConvolutionSpectrum.SingularValues(kernel, 7, 6).ToArray<double>().Max();
        var bound = ConvolutionSpectrum.GramBound(kernel, 7, 6, iterations).Item();
        Assert.That(bound / norm, Is.InRange(1 - 1e-14, Math.Pow(4, Math.Pow(0.5, iterations + 1))));
        // With zeros around the images, it is that of a larger torus.
        var zeros = ImpulseResponses.Range(Matrix(Architecture(5, 4, 3, 1, ConvolutionPadding.Zeros), kernel, 5, 4)).Largest;
        Assert.That(ConvolutionSpectrum.GramBound(kernel, 7, 6, iterations).Item(), Is.GreaterThan(zeros));
        var matrices = Random([3, 4, 6], DType.Complex128, 4);
        Assert.That(GramIteration.Bound(matrices, 8).ToArray<double>(),
            Is.EqualTo(matrices.SingularValues().Max([1]).ToArray<double>()).Within(0.01));
        Assert.That(GramIteration.Bound(Tensor.Zeros([2, 3]).To(DType.Float64)).Item(), Is.LessThan(0.5), "the floor");
        CheckGradient(a => GramIteration.Bound(a[0], iterations), [Random([2, 4, 3])]);
        Assert.That(() => GramIteration.Bound(Tensor.Ones([3])), Throws.TypeOf<TensorArgumentException>());
    }

    static Tensor Descend(int m, int c, int steps, ulong seed)
    {
        var layer = new OrthogonalConv2d(c, m, 3, new(seed), method: new Regularized(), bias: false, dtype: DType.Float64);
        var optimizer = new Adam(layer.Parameters(), 1e-2);
        for (var step = 0; step < steps; step++)
        {
            using var scope = new TensorScope();
            optimizer.LearningRate = step < 2 * steps / 3 ? 1e-2 : 1e-3;
            optimizer.ZeroGrad();
            layer.Kernel!.OrthogonalityLoss().Backward();
            optimizer.Step();
        }
        return layer.Kernel!.Detach();
    }

    [Test]
    public void A_little_of_the_loss_certifies_more_for_hardly_any_accuracy()
    {
        // The experiment of `systems 01` in miniature: two classes of shifted patterns on 6 x 6 pixels.
        var generator = new Generator(4);
        var patterns = Tensor.Normal([2, 1, 6, 6], generator);
        Tensor Images(Tensor labels)
            => patterns.IndexSelect(0, labels).Roll([2, 3], [2, 3]) + Tensor.Normal([64, 1, 6, 6], generator, deviation: 0.6);
        var labels = Tensor.From([.. Enumerable.Range(0, 64).Select(k => (long)(k % 2))], [64]);
        var (seen, unseen) = (Images(labels), Images(labels));
        (double Accuracy, double Certified, double Bound) Train(double weight)
        {
            var source = new Generator(5);
            OrthogonalConv2d[] layers = [new(1, 4, 3, source, method: new Regularized()), new(4, 8, 3, source, method: new Regularized())];
            var last = new Linear(8, 2, source);
            var features = new Sequential(layers[0], new MaxMin(), layers[1], new MaxMin(), new NormPooling());
            var optimizer = new Adam(features.Parameters().Concat(last.Parameters()), 1e-2);
            for (var step = 0; step < 60; step++)
            {
                using var scope = new TensorScope();
                optimizer.ZeroGrad();
                var loss = (last.Forward(features.Forward(seen)) * 4.0).CrossEntropy(labels);
                (loss + (layers[0].Kernel!.OrthogonalityLoss() + layers[1].Kernel!.OrthogonalityLoss()) * weight).Backward();
                optimizer.Step();
            }
            var (logits, bound) = (last.Forward(features.Forward(unseen)), Lipschitz.Bound(features));
            var accuracy = logits.ArgMax().EqualTo(labels).To(DType.Float64).Mean().Item();
            return (accuracy, Robustness.CertifiedAccuracy(Robustness.CertifiedRadius(logits, labels, bound, last.Weight), 0.2), bound);
        }

        var (free, held) = (Train(0), Train(0.1));
        Assert.That(held.Accuracy, Is.GreaterThan(free.Accuracy - 0.02));
        Assert.That(held.Bound, Is.LessThan(0.6 * free.Bound));
        Assert.That(held.Certified, Is.GreaterThan(free.Certified + 0.1));
    }

    [Test]
    public void Descent_reaches_wide_kernels_whose_spectrum_does_not_depend_on_the_image_and_stalls_at_square_ones()
    {
        var kernel = Descend(6, 4, 1200, 1);
        var loss = kernel.OrthogonalityLoss().Item();
        Assert.That(loss, Is.LessThan(1e-4));
        var bound = Math.Sqrt(OrthogonalityLosses.SpectralConstant(Architecture(6, 4, 3, 1)) * loss);
        (double Smallest, double Largest)? before = null;
        foreach (var n in new[] { 8, 16, 32, 64 })
        {
            var values = ConvolutionSpectrum.SingularValues(kernel, n, n).ToArray<double>();
            var extremes = (values.Min(), values.Max());
            Assert.That(values, Is.All.InRange(Math.Sqrt(1 - bound), Math.Sqrt(1 + bound)));
            if (n > 16)
                Assert.That(extremes, Is.EqualTo(before!.Value).Within(1e-3));
            before = extremes;
        }
        Assert.That(Descend(8, 8, 450, 1).OrthogonalityLoss().Item(), Is.InRange(1e-2, 0.3), "the failure that the paper warns of");
    }
}
