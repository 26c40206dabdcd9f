using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.ConvolutionMethods;
using Ortho.Layers.Optimizers;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers;

/// <summary>Every method of orthogonal convolutions, held to the dense matrix of its answers to unit impulses.</summary>
[TestFixture]
public class OrthogonalMethodTests
{
    /// <summary>An architecture of a method, on images of some size.</summary>
    public sealed record Case(string Method, int Out, int In, Extent2 Kernel, Extent2 Size, int Stride = 1, int Dilation = 1,
        int Groups = 1, ConvolutionPadding Padding = ConvolutionPadding.Circular)
    {
        public ConvolutionShape Shape => new(In, Out, Kernel, Stride, Dilation, Groups, Padding);

        public override string ToString()
            => $"{Method} {In}->{Out} k{Kernel.Height}x{Kernel.Width} {Size.Height}x{Size.Width} s{Stride} d{Dilation} g{Groups} {Padding}";
    }

    static IConvolutionMethod Of(string method) => method switch
    {
        "Bcop" => new Bcop(),
        "Bcop with Björck" => new Bcop(new Bjorck(30)),
        "Aoc" => new Aoc(),
        "Aoc with exponentials" => new Aoc(new MatrixExponential()),
        "Bcop with QR" => new Bcop(new Qr()),
        "Rko with polar factors" => new Rko(new Polar()),
        "Rko" => new Rko(),
        "Soc" => new Soc(25, 25),
        "AdaptiveSoc" => new AdaptiveSoc(12),
        "Eco" => new Eco(),
        "FourierCayley" => new FourierCayley(),
        "Lot" => new Lot(20, 0),
        _ => throw new ArgumentOutOfRangeException(nameof(method), method, "unknown"),
    };

    static readonly Case[] all =
    [
        new("Bcop", 4, 4, 3, 6), new("Bcop", 6, 4, 3, 5), new("Bcop", 2, 4, 3, 6), new("Bcop", 3, 4, 2, 5), new("Bcop", 4, 3, 1, 4),
            new("Bcop", 3, 3, (4, 2), (5, 6)),
        new("Bcop", 3, 4, 3, 6, Stride: 2), new("Bcop", 4, 6, 3, 6, Groups: 2), new("Bcop", 4, 4, 3, 6, Dilation: 2),
            new("Bcop with Björck", 4, 3, 3, 5),
        new("Aoc", 6, 4, 3, 6, Stride: 2), new("Aoc", 32, 4, 3, 4, Stride: 2), new("Aoc", 16, 4, 4, 6, Stride: 2),
            new("Aoc", 8, 4, 5, 6, Stride: 2),
        new("Aoc", 4, 4, 3, 6, Groups: 2), new("Aoc", 12, 4, 3, 4, Stride: 2, Groups: 2), new("Aoc", 3, 4, 3, 6, Dilation: 2),
            new("Aoc", 4, 2, 5, 6),
        new("Aoc", 8, 2, 2, 6, Stride: 2), new("Aoc", 3, 2, (2, 5), (4, 6)), new("Aoc", 3, 2, 4, (4, 6)), new("Aoc", 3, 4, 2, 6, Stride: 2),
            new("Aoc", 4, 4, 1, 3),
        new("Aoc with exponentials", 12, 4, 3, 4, Stride: 2, Groups: 2), new("Bcop with QR", 4, 3, 3, 5),
        new("Rko with polar factors", 3, 2, 2, 4, Stride: 2), new("Rko with polar factors", 9, 2, 2, 4, Stride: 2),
        new("Rko", 3, 2, 2, 4, Stride: 2), new("Rko", 9, 2, 2, 4, Stride: 2), new("Rko", 10, 2, 3, 6, Stride: 3, Groups: 2),
        new("Eco", 3, 3, 3, 6), new("Eco", 4, 3, 3, 6), new("Eco", 2, 3, 2, 4), new("Eco", 3, 1, 3, 6, Stride: 2),
            new("Eco", 2, 2, (4, 3), (4, 6)),
        new("Soc", 3, 3, 3, 5), new("Soc", 4, 3, 3, 4), new("Soc", 2, 3, 3, 4), new("Soc", 4, 1, 3, 6, Stride: 2),
            new("Soc", 3, 3, (1, 5), (3, 6)),
        new("Soc", 3, 3, 3, 5, Padding: ConvolutionPadding.Zeros), new("Soc", 2, 3, 3, 4, Padding: ConvolutionPadding.Zeros),
        new("AdaptiveSoc", 2, 2, 3, 5), new("AdaptiveSoc", 3, 2, 3, 5), new("AdaptiveSoc", 1, 2, 3, 4),
        new("FourierCayley", 3, 3, 3, (5, 4)), new("FourierCayley", 5, 1, 3, 6, Stride: 2),
        new("Lot", 3, 3, 3, (4, 5)), new("Lot", 5, 1, 3, 6, Stride: 2), new("Lot", 2, 3, 3, 4),
        new("Bcop", 2, 4, 3, 6, Padding: ConvolutionPadding.Valid), new("Aoc", 4, 4, 3, 6, Padding: ConvolutionPadding.Valid),
            new("Aoc", 6, 2, 2, 6, Stride: 2, Padding: ConvolutionPadding.Valid),
        new("Aoc", 6, 4, 3, 5, Stride: 2, Padding: ConvolutionPadding.Valid),
            new("Rko", 9, 2, 2, 4, Stride: 2, Padding: ConvolutionPadding.Valid),
            new("Bcop", 4, 3, 1, 3, Padding: ConvolutionPadding.Zeros),
    ];

    static IEnumerable<Case> All => all;

    static OrthogonalConv2d Layer(Case at, DType dtype = DType.Float64)
    {
        var layer = new OrthogonalConv2d(at.In, at.Out, at.Kernel, new(3), at.Stride, Of(at.Method), at.Dilation, at.Groups, at.Padding,
            bias: false, dtype);
        layer.Eval();
        // Away from where it starts; for Lot, from the identity to symbols of condition below 10.
        foreach (var (k, parameter) in layer.Free.Index())
            parameter.Assign(parameter.Value + Random(parameter.Value.Shape, dtype, k + 7) * 0.05);
        return layer;
    }

    static Shape Image(Case at, int channels) => [channels, at.Size.Height, at.Size.Width];

    [TestCaseSource(nameof(All))]
    public void The_dense_matrix_is_orthogonal_and_Certify_knows_it(Case at)
    {
        foreach (var dtype in new[] { DType.Float64, DType.Float32 })
        {
            var layer = Layer(at, dtype);
            var matrix = ImpulseResponses.Matrix(layer.Forward, Image(at, at.In), dtype);
            var tolerance = dtype == DType.Float64 ? 1e-9 : 1e-5;
            // Orthonormal rows or columns, by the smaller of the two Gram matrices.
            Assert.That(Skewness(matrix.Shape[0] >= matrix.Shape[1] ? matrix : matrix.T), Is.LessThan(tolerance), $"{dtype}");
            var (certified, (smallest, largest)) = (layer.Certify(), ImpulseResponses.Range(matrix));
            Assert.That((certified.Smallest, certified.Largest),
                Is.EqualTo((smallest, largest)).Within(dtype == DType.Float64 ? 1e-11 : 5e-6), $"{dtype}");
        }
    }

    [TestCaseSource(nameof(All))]
    public void The_transposed_layer_is_the_adjoint(Case at)
    {
        var layer = Layer(at);
        var transposed = new OrthogonalConvTranspose2d(at.Out, at.In, at.Kernel, new(3), at.Stride, Of(at.Method), at.Dilation, at.Groups,
            at.Padding, bias: false, DType.Float64);
        transposed.Eval();
        foreach (var (own, other) in transposed.Free.Zip(layer.Free))
            own.Assign(other.Value);
        var matrix = ImpulseResponses.Matrix(layer.Forward, Image(at, at.In));
        var y = layer.Forward(Tensor.Ones([1, .. Image(at, at.In)], DType.Float64)).Shape;
        Assert.That(Difference(ImpulseResponses.Matrix(transposed.Forward, y[1..]), matrix.T.Contiguous()), Is.LessThan(1e-13));
        Assert.That(transposed.Certify().OrthogonalityError, Is.LessThan(1e-9));
    }

    // y[m, p] = sum over c, t of K[m, c, t] x[c, S p + d (t - r)], on the torus or with nothing beyond the edge.
    static double[] Direct(ConvolutionShape shape, Tensor kernel, Tensor x)
    {
        var (batch, h, w, kh, kw) = (x.Shape[0], x.Shape[2], x.Shape[3], kernel.Shape[2], kernel.Shape[3]);
        var (s, d, isValid) = (shape.Stride.Height, shape.Dilation, shape.Padding == ConvolutionPadding.Valid);
        var (rows, columns) = isValid ? ((h - kh) / s + 1, (w - kw) / s + 1) : (h / s, w / s);
        var (top, left) = isValid ? (0, 0) : (kh / 2, kw / 2);
        var (taps, pixels, y) = (kernel.ToArray<double>(), x.ToArray<double>(), new List<double>());
        for (var b = 0; b < batch; b++)
            for (var m = 0; m < shape.Outputs; m++)
                for (var p = 0; p < rows; p++)
                    for (var q = 0; q < columns; q++)
                    {
                        var sum = 0.0;
                        for (var c = 0; c < shape.GroupInputs; c++)
                            for (var i = 0; i < kh; i++)
                                for (var j = 0; j < kw; j++)
                                {
                                    var channel = m / shape.GroupOutputs * shape.GroupInputs + c;
                                    var (row, column) = (s * p + d.Height * (i - top), s * q + d.Width * (j - left));
                                    var pixel = ((b * shape.Inputs + channel) * h + (row % h + h) % h) * w + (column % w + w) % w;
                                    sum += taps[((m * shape.GroupInputs + c) * kh + i) * kw + j] * pixels[pixel];
                                }
                        y.Add(sum);
                    }
        return [.. y];
    }

    [Test]
    public void The_layer_is_the_direct_convolution_by_its_kernel([Values("Bcop", "Aoc", "Rko", "AdaptiveSoc", "Eco")] string method)
    {
        var cases = all.Where(at
            => at.Method == method && (method != "Eco" || at.Stride == 1) && at.Padding != ConvolutionPadding.Zeros).ToList();
        Assert.That(cases, Is.Not.Empty);
        foreach (var at in cases)
        {
            var layer = Layer(at);
            var x = Random([2, .. Image(at, at.In)], seed: 4);
            var shape = method == "Eco"
                ? at.Shape with { Dilation = new(at.Size.Height / at.Kernel.Height, at.Size.Width / at.Kernel.Width) } : at.Shape;
            var (got, expected) = (layer.Forward(x).ToArray<double>(), Direct(shape, layer.Kernel!.Detach(), x));
            Assert.That(got, Is.EqualTo(expected).Within(1e-10), $"{at}");
        }
        var implicitly = Layer(all.First(at => at.Method == "FourierCayley"));
        Assert.That(implicitly.Kernel, Is.Null);
    }

    static IEnumerable<Case> Differentiated =>
    [
        new("Bcop", 3, 2, 3, 4), new("Bcop", 2, 3, 2, 5), new("Aoc", 3, 2, 3, 4, Stride: 2), new("Aoc", 2, 4, 3, 5, Groups: 2),
            new("Rko", 3, 2, 2, 4, Stride: 2),
        new("Eco", 3, 2, 2, 4), new("Eco", 2, 2, 5, 5), new("Soc", 2, 2, 3, 4), new("Soc", 3, 2, 3, 5, Padding: ConvolutionPadding.Zeros),
            new("AdaptiveSoc", 2, 2, 3, 4), new("AdaptiveSoc", 3, 2, 3, 5),
        new("FourierCayley", 3, 2, 3, 4), new("FourierCayley", 2, 3, 3, 5), new("Lot", 3, 2, 3, 4), new("Lot", 2, 3, 3, 5),
            new("Soc", 4, 1, 3, 6, Stride: 2), new("Bcop with Björck", 3, 2, 3, 5),
    ];

    [TestCaseSource(nameof(Differentiated))]
    public void Gradients_of_free_numbers_and_images_match_central_differences(Case at)
    {
        var (method, layer, x) = (Of(at.Method), Layer(at), Random([2, .. Image(at, at.In)], seed: 5));
        var use = method.UseFor(at.Shape, 2, at.Size.Height, at.Size.Width, isTraining: true);
        // The row sums of AdaptiveSoc have kinks, which longer steps cross.
        var result = GradientCheck.Run(a
            => method.Apply(at.Shape, method.Filter(at.Shape, a[1..], use), a[0], true),
            [x, .. layer.Free.Select(parameter => parameter.Value.Detach())], step: at.Method == "AdaptiveSoc" ? 1e-5 : 1e-4, samples: 12);
        Assert.That(result.Error, Is.LessThan(2e-7), result.Where);
    }

    static IEnumerable<Case> Isometries =>
    [
        new("Bcop", 6, 4, 3, 6), new("Bcop with Björck", 4, 4, 3, 6), new("Aoc", 18, 4, 3, 6, Stride: 2), new("Rko", 8, 2, 2, 6, Stride: 2),
            new("Eco", 4, 4, 3, 6), new("FourierCayley", 5, 4, 3, 5),
        new("Soc", 4, 4, 3, 6), new("Soc", 4, 3, 3, 6, Padding: ConvolutionPadding.Zeros),
    ];

    [TestCaseSource(nameof(Isometries))]
    public void Norms_are_preserved_after_training(Case at)
    {
        var layer = Layer(at, DType.Float32);
        layer.Train();
        var (x, before) = (Random([4, .. Image(at, at.In)], DType.Float32, 3), layer.Free[0].Value.Detach().Clone());
        var optimizer = new Adam(layer.Parameters(), 0.01);
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
        layer.Eval();
        Assert.That(layer.Certify().OrthogonalityError, Is.LessThan(1e-5));
        var (given, got) = (Numbers(x.Norm([1, 2, 3])), Numbers(layer.Forward(x).Norm([1, 2, 3])));
        for (var b = 0; b < given.Length; b++)
            Assert.That(got[b].Real, Is.EqualTo(given[b].Real).Within(1e-5 * given[b].Real));
    }

    [Test]
    public void Twenty_layers_keep_the_norm_of_the_gradient([Values("Aoc", "Bcop", "Eco", "Soc")] string method)
    {
        var generator = new Generator(6);
        var network = new Sequential([.. Enumerable.Range(0, 20).Select(_
            => new OrthogonalConv2d(4, 4, 3, generator, method: Of(method)))]);
        var (x, weight) = (Random([1, 4, 6, 6], DType.Float32, 4).RequiresGrad(), Random([1, 4, 6, 6], DType.Float32, 5));
        network.Forward(x).Backward(weight);
        Assert.That(x.Grad!.Norm().Item(), Is.EqualTo(weight.Norm().Item()).Within(1e-4));
    }

    [Test]
    public void Signals_are_images_of_one_row([Values("Bcop", "Aoc", "Eco", "Soc", "FourierCayley", "Lot", "AdaptiveSoc")] string method)
    {
        foreach (var (outputs, inputs, kernel, stride, n) in new[] { (3, 3, 3, 1, 6), (4, 2, 3, 1, 9), (2, 4, 3, 2, 12), (6, 2, 3, 2, 12) })
        {
            if (stride == 2 && outputs > inputs && method is "Bcop" or "AdaptiveSoc")
                continue;
            var layer = new OrthogonalConv1d(inputs, outputs, kernel, new(3), stride, Of(method), bias: false, dtype: DType.Float64);
            layer.Eval();
            var matrix = ImpulseResponses.Matrix(layer.Forward, [inputs, n]);
            Assert.That(Skewness(matrix.Shape[0] >= matrix.Shape[1] ? matrix : matrix.T), Is.LessThan(1e-9),
                $"{inputs} -> {outputs}, stride {stride}");
            Assert.That(layer.Certify(n).OrthogonalityError, Is.LessThan(1e-9));
            var transposed = new OrthogonalConvTranspose1d(outputs, inputs, kernel, new(3), stride, Of(method), bias: false,
                dtype: DType.Float64);
            transposed.Eval();
            Assert.That(Difference(ImpulseResponses.Matrix(transposed.Forward, [outputs, n / stride]), matrix.T.Contiguous()),
                Is.LessThan(1e-13), "the same generator, the same numbers");
        }
    }

    [Test]
    public void The_series_of_Soc_ends_where_its_bound_says()
    {
        var layer = new OrthogonalConv2d(3, 3, 3, new(2), method: new Soc(), bias: false, dtype: DType.Float64);
        var norm = Ortho.Layers.Certification.ConvolutionSpectrum.SingularValues(layer.Filter(0, 0), 8, 8).ToArray<double>().Max();
        Assert.That(norm, Is.InRange(0.7, 2.1), "0.7 sqrt(9) is the bound");
        double Bound(int terms)
            => Math.Pow(norm, terms + 1) * Math.Exp(norm) / Enumerable.Range(1, terms + 1).Aggregate(1.0, (a, b) => a * b);
        var error = layer.Certify(8, 8).OrthogonalityError;
        Assert.That(error, Is.LessThan(Math.Min(1e-6, Bound(12))).And.GreaterThan(1e-14));
        // While training five terms have to do.
        double Error() => ImpulseResponses.Range(ImpulseResponses.Matrix(layer.Forward, [3, 5, 5])) is var (a, b)
            ? Math.Max(1 - a, b - 1) : 0;
        var training = Error();
        Assert.That(training, Is.LessThan(Bound(5)).And.GreaterThan(10 * error));
        layer.Eval();
        Assert.That(Error(), Is.LessThan(1e-6));
    }

    static IEnumerable<Case> Exponentials =>
    [
        new("Soc", 3, 3, 3, 5), new("Soc", 2, 3, 3, 4), new("Soc", 4, 3, (1, 5), (3, 6)), new("Soc", 6, 1, 3, 6, Stride: 2),
    ];

    [TestCaseSource(nameof(Exponentials))]
    public void Soc_is_the_same_by_frequencies_as_by_convolutions(Case at)
    {
        var x = Random([2, .. Image(at, at.In)], seed: 5);
        for (var terms = 1; terms < 7; terms++)
        {
            var method = new Soc(terms + 1, terms);
            var free = method.Initial(at.Shape, new(4), DType.Float64)[0].Value;
            foreach (var isTraining in new[] { true, false })
            {
                Tensor[] Both(FilterUse? use, Tensor kernel, Tensor images)
                {
                    var filter = method.Filter(at.Shape, [kernel], use);
                    Assert.That(filter.DType.IsComplex, Is.EqualTo(use is not null));
                    var y = method.Apply(at.Shape, filter, images, isTraining);
                    return [y, method.ApplyAdjoint(at.Shape, filter, y.Sin(), isTraining)];
                }
                Tensor[] All(FilterUse? use)
                {
                    var (kernel, images) = (free.Detach().RequiresGrad(), x.Detach().RequiresGrad());
                    var results = Both(use, kernel, images);
                    return [.. results, .. Graph.Gradients(results, [kernel, images], [.. results.Select(y => Random(y.Shape, seed: 6))])];
                }
                var byFrequencies = All(new(at.Size.Height, at.Size.Width, isTraining));
                foreach (var (k, expected) in All(null).Index())
                    Assert.That(Difference(byFrequencies[k], expected), Is.LessThan(2e-13), $"{k}, {terms} terms");
            }
        }
        var by = new FilterUse(at.Size.Height, at.Size.Width, true);
        var start = new Soc().Initial(at.Shape, new(4), DType.Float64)[0].Value;
        var result = GradientCheck.Run(a => new Soc().Apply(at.Shape, new Soc().Filter(at.Shape, a[1..], by), a[0], true), [x, start],
            samples: 12);
        Assert.That(result.Error, Is.LessThan(2e-7), result.Where);
    }

    [Test]
    public void Soc_takes_the_way_of_less_work()
    {
        ConvolutionShape Architecture(int channels, Extent2? kernel = null, ConvolutionPadding padding = ConvolutionPadding.Circular)
            => new(channels, channels, kernel ?? 3, 1, 1, 1, padding);
        var soc = new Soc();
        foreach (var isTraining in new[] { true, false })
        {
            FilterUse? Use(ConvolutionShape shape, int batch, int size) => soc.UseFor(shape, batch, size, size, isTraining);
            Assert.That(Use(Architecture(16), 32, 24), Is.EqualTo(new FilterUse(24, 24, isTraining)), "many images share few matrices");
            Assert.That(Use(Architecture(256), 1, 24), Is.Null, "large matrices for one image");
            Assert.That(Use(Architecture(16, 1), 2, 24), Is.Null, "one tap needs no frequencies");
            Assert.That(Use(Architecture(16), 32, 2), Is.Null, "a kernel beyond the image");
            Assert.That(Use(Architecture(16), 0, 24), Is.Null, "nothing");
            Assert.That(Use(Architecture(16, padding: ConvolutionPadding.Zeros), 32, 24), Is.Null, "no torus");
        }
        // The layer goes by the batch, and what it keeps by training or not.
        var layer = new OrthogonalConv2d(4, 4, 3, new(2), method: new Soc(), bias: false, dtype: DType.Float64);
        var x = Random([40, 4, 6, 6], seed: 8);
        Assert.That(soc.UseFor(layer.Architecture, 40, 6, 6, true), Is.EqualTo(new FilterUse(6, 6, true)));
        Assert.That(soc.UseFor(layer.Architecture, 1, 6, 6, true), Is.Null);
        using var pause = Graph.NoGrad();
        var (all, one) = (layer.Forward(x), layer.Forward(x.Narrow(0, 3, 1)));
        Assert.That(Difference(all.Narrow(0, 3, 1), one), Is.LessThan(1e-13));
        layer.Eval();
        var inUse = layer.Forward(x);
        Assert.That(Difference(inUse, all), Is.GreaterThan(1e-9), "more terms in use than while training");
        Assert.That(Difference(inUse.Narrow(0, 3, 1), layer.Forward(x.Narrow(0, 3, 1))), Is.LessThan(1e-13));
    }

    [Test]
    public void The_default_of_Lot_is_nearly_orthogonal_and_never_expands()
    {
        var layer = new OrthogonalConv2d(4, 4, 3, new(2), method: new Lot(), bias: false, dtype: DType.Float64);
        layer.Free[0].Assign((layer.Free[0].Value + Random(layer.Free[0].Value.Shape, seed: 3) * 0.15) * 3.0);
        var values = Ortho.Layers.Certification.ConvolutionSpectrum.SingularValues(layer.Free[0], 6, 6).ToArray<double>();
        Assert.That(values.Max() / values.Min(), Is.InRange(2, 10), "the condition that is spoken of");
        Assert.That(values.Min(), Is.GreaterThan(0.71));
        var certified = layer.Certify(6, 6);
        Assert.That((certified.Smallest, certified.Largest), Is.EqualTo((1, 1)).Within(1e-4));
        Assert.That(certified.Largest, Is.LessThanOrEqualTo(1 + 1e-12));
    }

    [Test]
    public void The_explicit_exponential_of_few_terms_is_as_near_as_its_bound_says()
    {
        var layer = new OrthogonalConv2d(3, 3, 3, new(2), method: new AdaptiveSoc(), bias: false, dtype: DType.Float64);
        Assert.That(layer.Kernel!.Shape, Is.EqualTo(Shape.Create([3, 3, 7, 7])));
        Assert.That(layer.Certify(9, 9).OrthogonalityError, Is.LessThan(Math.E / 24).And.GreaterThan(1e-4));
    }

    [Test]
    public void What_cannot_be_orthogonal_is_refused_and_the_inequality_named()
    {
        static void Refused(string message, IConvolutionMethod method, int inputs, int outputs, Extent2 kernel, Extent2? stride = null,
            Extent2? dilation = null, int groups = 1, ConvolutionPadding padding = ConvolutionPadding.Circular)
            => Assert.That(() => new OrthogonalConv2d(inputs, outputs, kernel, new(1), stride, method, dilation, groups, padding),
                Throws.TypeOf<TensorArgumentException>().With.Message.Contains(message));

        Refused("M = 10 > 9 = 1 * 3 * 3 = C k^2", new Regularized(), 1, 10, 3, 4);
        Refused("S = 4 > 3 = k", new Aoc(), 1, 20, 3, 4);
        Refused("at most 1 taps", new Bcop(), 4, 4, 3, padding: ConvolutionPadding.Zeros);
        Refused("k = 3 differs from S = 1", new Regularized(), 2, 4, 3, padding: ConvolutionPadding.Valid);
        Refused("Circular or Zeros", new Soc(), 4, 4, 3, padding: ConvolutionPadding.Valid);
        Refused("padding is Zeros; expected Circular", new FourierCayley(), 4, 4, 3, padding: ConvolutionPadding.Zeros);
        Refused("odd", new Soc(), 4, 4, 2);
        Refused("odd", new AdaptiveSoc(), 4, 4, 4);
        Refused("Soc has Zeros", new AdaptiveSoc(), 4, 4, 3, padding: ConvolutionPadding.Zeros);
        Refused("outputs <= inputs", new Bcop(), 2, 4, 3, 2);
        Refused("outputs <= inputs", new AdaptiveSoc(), 2, 4, 3, 2);
        Refused("no smaller than the stride", new Aoc(), 4, 2, 2, 3);
        Refused("the stride: an orthogonal matrix", new Rko(), 2, 4, 3, 2);
        Refused("at least 2", new Bcop(), 4, 4, 3, groups: 4);
        Refused("at least 2", new Aoc(), 1, 1, 3);
        Refused("not both", new Aoc(), 4, 4, 3, 2, 2);
        Refused("groups is 2", new FourierCayley(), 4, 4, 3, groups: 2);
        Refused("groups is 2", new AdaptiveSoc(), 4, 4, 3, groups: 2);
        Refused("dilation is", new Eco(), 4, 4, 3, dilation: 2);
        Assert.That(() => new OrthogonalConv2d(3, 4, 3, new(1), method: new Aoc(), groups: 2),
            Throws.TypeOf<ArgumentOutOfRangeException>());
        var stateful = new DynamicTrivialization(new Cayley(), Tensor.Eye(4, 2));
        Assert.That(() => new Aoc(stateful),
            Throws.ArgumentException.With.Message.Contains("DynamicTrivialization has numbers of its own"));
        Assert.That(() => new Soc(0), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new Lot(0), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new AdaptiveSoc(0), Throws.TypeOf<ArgumentOutOfRangeException>());

        var eco = new OrthogonalConv2d(2, 2, 3, new(1), method: new Eco());
        Assert.That(() => eco.Forward(Tensor.Ones([1, 2, 7, 6])),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("divisible by the kernel's 3 x 3"));
        var aoc = new OrthogonalConv2d(2, 2, 5, new(1), stride: 2, method: new Aoc());
        Assert.That(() => aoc.Forward(Tensor.Ones([1, 2, 5, 6])),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("divisible by 2"));
        var valid = new OrthogonalConv2d(2, 2, 3, new(1), method: new Aoc(), padding: ConvolutionPadding.Valid);
        Assert.That(() => valid.Forward(Tensor.Ones([1, 2, 2, 6])),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("no smaller than the kernel, 3 x 3"));
        var line = new OrthogonalConv1d(2, 2, 3, new(1));
        Assert.That(() => line.Forward(Tensor.Ones([1, 3, 8])),
            Throws.TypeOf<TensorArgumentException>().With.Message.EqualTo(
                "OrthogonalConv1d: x is [1, 3, 8]; expected [batch, 2, length]."));
        var up = new OrthogonalConvTranspose2d(2, 3, 3, new(1), stride: 2);
        Assert.That(() => up.Forward(Tensor.Ones([1, 3, 4, 4])),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("[batch, 2, height, width]"));
        Assert.That(() => up.Certify(), Throws.InvalidOperationException);
        Assert.That(up.Forward(Tensor.Ones([1, 2, 4, 4])).Shape, Is.EqualTo(Shape.Create([1, 3, 8, 8])));
    }
}
