using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Certification;
using Ortho.Layers.ConvolutionMethods;
using Ortho.Layers.Losses;
using Ortho.Layers.Optimizers;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers;

/// <summary>Everything that claims to be orthogonal, in float32, after steps that move it far: singular values within 1e-5 of 1, by its
/// certificate and by what it makes of unit impulses.</summary>
[TestFixture, Category("Devices")]
public class OrthogonalCertificateTests
{
    const double Claim = 1e-5;

    /// <summary>Something orthogonal.</summary>
    /// <param name="Name">For test names.</param>
    /// <param name="Make">It, untrained.</param>
    /// <param name="Input">The shape of one input.</param>
    public sealed record Row(string Name, Func<Module> Make, int[] Input)
    {
        /// <summary>What is trained, where that is not what the module answers.</summary>
        public Func<Module, Tensor, Tensor> Answer { get; init; } = (module, x) => module.Forward(x);

        /// <summary>Its certificate, if there is one.</summary>
        public Func<Module, Spectrum?> Certificate { get; init; } = module => module is ICertifiable layer ? layer.Certify() : null;

        /// <summary>Whether the whole map is orthogonal, and not a part that the certificate speaks of.</summary>
        public bool IsWhole { get; init; } = true;

        /// <summary>The distance of singular values from 1 that is claimed; null where none is.</summary>
        public double? Claimed { get; init; } = Claim;

        /// <summary>What is orthogonal by it.</summary>
        public IEnumerable<Type> Types => Make() switch
        {
            OrthogonalConvolution layer => [layer.GetType(), layer.Method.GetType()],
            ParametrizedLinear layer => [layer.GetType(), layer.Parametrization.GetType()],
            var module => [module.GetType()],
        };

        public override string ToString() => Name;
    }

    static readonly Row[] all =
    [
        .. Maps(
            (_ => new Cayley(), true), (_ => new MatrixExponential(), true), (_ => new Householder(), false), (_ => new Qr(), true),
            (_ => new CholeskyQr(), true), (_ => new Polar(), true), (_ => new Bjorck(30), true),
            (value => new HouseholderFrame(value.Shape, value.DType), true),
            (value => new DynamicTrivialization(new Cayley(), value), true),
            (value => new DynamicTrivialization(new MatrixExponential(), value), true)),
        .. Map(_ => new Grassmann(), true, (6, 3), (3, 6)), .. Map(_ => new SpecialOrthogonal(), true, (5, 5)),
        .. Map(_ => new Givens(), false, (5, 5)),
        new("Butterfly 8x8", () => Linear(8, 8, new Butterfly(8)), [8]),

        Planar("Bcop", new Bcop(), 4, 4), Planar("Bcop wide", new Bcop(new Bjorck(30)), 4, 2), Planar("Bcop", new Bcop(new Qr()), 3, 4),
        Planar("Bcop without padding", new Bcop(), 4, 2, padding: ConvolutionPadding.Valid),
        Planar("Bcop", new Bcop(), 4, 3, stride: 2), Planar("Bcop", new Bcop(), 4, 4, dilation: 2),
        Planar("Bcop", new Bcop(), 4, 6, groups: 2),
        Planar("Aoc", new Aoc(), 4, 4), Planar("Aoc", new Aoc(new MatrixExponential()), 2, 9, stride: 2),
        Planar("Aoc", new Aoc(), 4, 4, stride: 2, groups: 2), Planar("Aoc", new Aoc(), 3, 4, dilation: 2),
        Planar("Rko", new Rko(), 2, 3, kernel: 2, stride: 2), Planar("Rko", new Rko(new Polar()), 4, 10, kernel: 2, stride: 2, groups: 2),
        Planar("Soc", new Soc(), 4, 4), Planar("Soc", new Soc(), 4, 3), Planar("Soc", new Soc(), 1, 4, stride: 2),
        Planar("Soc with zeros", new Soc(), 3, 3, padding: ConvolutionPadding.Zeros),
        Planar("Eco", new Eco(), 4, 4), Planar("Eco", new Eco(), 2, 3), Planar("Eco", new Eco(), 1, 4, stride: 2),
        Planar("FourierCayley", new FourierCayley(), 4, 4), Planar("FourierCayley", new FourierCayley(), 2, 4),
        Planar("FourierCayley", new FourierCayley(), 1, 3, stride: 2),
        .. new IConvolutionMethod[] { new Bcop(), new Aoc(), new Soc(), new Eco(), new FourierCayley() }.SelectMany(Lines),
        Planar("Rko transposed", new Rko(), 2, 6, kernel: 2, stride: 2, isTransposed: true),
        Planar("Eco transposed", new Eco(), 4, 3, isTransposed: true), Planar("Soc transposed", new Soc(), 3, 4, isTransposed: true),
        Planar("FourierCayley transposed", new FourierCayley(), 2, 8, stride: 2, isTransposed: true),

        // Less by design: a shift and ten iterations leave singular values below 1, more so the nearer the free ones come to 0.
        Planar("Lot", new Lot(), 4, 3) with { Claimed = 0.05 },
        Planar("Lot of more iterations, without a shift", new Lot(25, 0), 4, 3),
        // The series is cut off after three terms, |L| <= 1.
        Planar("AdaptiveSoc", new AdaptiveSoc(), 4, 4) with { Claimed = Math.E / 24 },
        Planar("AdaptiveSoc of twelve terms", new AdaptiveSoc(12), 2, 2),
        // A free kernel, held by nothing but a loss: what it has reached is for the certificate to say.
        Planar("Regularized", new Regularized(), 4, 3) with { Claimed = null },

        new("HouseholderLinear", () => new HouseholderLinear(6, 4, new(3)), [6]),
        new("HouseholderProjector's frames", () => new HouseholderProjector(6, 5, new(3), 3), [6])
            { IsWhole = false,
                Certificate = module => Joint(((HouseholderProjector)module).Images, ((HouseholderProjector)module).Directions) },
        new("HeadBasis", () => new HeadBasis(3, 4), [3, 5, 4])
            { IsWhole = false, Answer = (module, x) => ((HeadBasis)module).Coordinates(x),
                Certificate = module => Spectrum.OfMatrix(((HeadBasis)module).Basis) },
        // Permutations and reflections, which differ from place to place.
        new("HouseholderActivation", () => new HouseholderActivation(4), [4, 2, 2]), new("MaxMin", () => new MaxMin(), [6]),
        new("GroupSort", () => new GroupSort(3), [6]), new("Flatten", () => new Flatten(), [2, 3]),
        new("PixelShuffle", () => new PixelShuffle(2), [8, 2, 3]), new("PixelUnshuffle", () => new PixelUnshuffle((2, 3)), [2, 4, 3]),
    ];

    static Spectrum Joint(Tensor u, Tensor v)
    {
        var (a, b) = (Spectrum.OfMatrix(u), Spectrum.OfMatrix(v));
        return new(Math.Min(a.Smallest, b.Smallest), Math.Max(a.Largest, b.Largest));
    }

    static OrthogonalLinear Linear(int inputs, int outputs, IOrthogonalParametrization map)
        => new(inputs, outputs, new(3), map, bias: false);

    static IEnumerable<Row> Maps(params (Func<Tensor, IOrthogonalParametrization> Make, bool IsComplex)[] maps)
        => maps.SelectMany(map => Map(map.Make, map.IsComplex, (5, 5), (6, 3), (3, 6)));

    // Some maps are made for a value.
    static IEnumerable<Row> Map(Func<Tensor, IOrthogonalParametrization> make, bool isComplex, params (int Rows, int Columns)[] shapes)
    {
        foreach (var (rows, columns) in shapes)
        {
            foreach (var dtype in isComplex ? new[] { DType.Float32, DType.Complex64 } : [DType.Float32])
            {
                var value = new Qr().Sample([rows, columns], new(7), dtype);
                var name = make(value) switch
                {
                    DynamicTrivialization dynamic => $"DynamicTrivialization of {dynamic.Map.GetType().Name}",
                    var map => map.GetType().Name,
                } + $" {rows}x{columns}";
                Module Unitary() => Parametrized.Sample(make(value), [rows, columns], new(3), dtype: dtype);
                yield return dtype == DType.Float32
                    ? new(name, () => Linear(columns, rows, make(value)), [columns])
                    : new($"{name} unitary", Unitary, [columns]) { Certificate = module => ((Parametrized)module).Certify() };
            }
        }
    }

    static Row Planar(string name, IConvolutionMethod method, int inputs, int outputs, int kernel = 3, int stride = 1, int dilation = 1,
        int groups = 1, ConvolutionPadding padding = ConvolutionPadding.Circular, bool isTransposed = false)
        => new($"{name} {inputs}->{outputs} k{kernel} s{stride} d{dilation} g{groups}", () => isTransposed
            ? new OrthogonalConvTranspose2d(outputs, inputs, kernel, new(3), stride, method, dilation, groups, padding, bias: false)
            : new OrthogonalConv2d(inputs, outputs, kernel, new(3), stride, method, dilation, groups, padding, bias: false),
            isTransposed ? [outputs, 6 / stride, 6 / stride] : [inputs, 6, 6]);

    static IEnumerable<Row> Lines(IConvolutionMethod method)
    {
        var name = method.GetType().Name;
        yield return new($"{name}, signals", () => new OrthogonalConv1d(4, 3, 3, new(3), method: method, bias: false), [4, 9]);
        yield return new($"{name}, signals transposed",
            () => new OrthogonalConvTranspose1d(2, 4, 3, new(3), 2, method, bias: false), [2, 6]);
    }

    // The simulator is slow, and has the CPU's bits.
    static IEnumerable<TestCaseData> Cases
        => from kind in Devices.Kinds.Where(kind => kind != nameof(DeviceKind.Simulator))
           from row in all
           select new TestCaseData(kind, row).SetArgDisplayNames(kind, row.Name);

    [TestCaseSource(nameof(Cases))]
    public void Singular_values_stay_at_1_after_training(string kind, Row row)
    {
        var (device, module) = (Devices.Of(kind), row.Make());
        module.To(device);
        var isComplex = module.Parameters().Any(parameter => parameter.Value.DType.IsComplex);
        var x = Random([6, .. row.Input], isComplex ? DType.Complex64 : DType.Float32, 4).To(device);
        if (module.Parameters().Any())
            Train(module, row, x);
        module.Eval();
        _ = module.Forward(x);
        var certified = row.Certificate(module);
        if (certified is { } spectrum && row.Claimed is { } claimed)
            Assert.That(spectrum.OrthogonalityError, Is.LessThanOrEqualTo(claimed), $"{spectrum}");
        if (isComplex || !row.IsWhole)
        {
            Assert.That(certified, Is.Not.Null);
            return;
        }
        var made = Spectrum.OfMatrix(Jacobian(module, x.Narrow(0, 0, 1)));
        if (row.Claimed is { } limit)
            Assert.That(made.OrthogonalityError, Is.LessThanOrEqualTo(limit), $"{made}");
        if (certified is { } promised)
            Assert.That((promised.Smallest, promised.Largest), Is.EqualTo((made.Smallest, made.Largest)).Within(Claim));
    }

    static void Train(Module module, Row row, Tensor x)
    {
        Tensor before;
        using (Graph.NoGrad())
            before = row.Answer(module, x);
        var target = Random(before.Shape, before.DType, 5).To(x.Device);
        var copies = x.Device.HostCopies;
        Optimizer optimizer = x.DType.IsComplex ? new Sgd(module.Parameters(), 0.5) : new Adam(module.Parameters(), 0.05);
        for (var step = 0; step < 10; step++)
        {
            optimizer.ZeroGrad();
            var difference = row.Answer(module, x) - target;
            var square = x.DType.IsComplex ? difference.Real().Square() + difference.Imag().Square() : difference.Square();
            var loss = square.Sum() * (1.0 / x.Shape[0]);
            if (module is OrthogonalConv2d { Method: Regularized, Kernel: { } kernel })
                loss += kernel.OrthogonalityLoss();
            loss.Backward();
            optimizer.Step();
        }
        Assert.That(x.Device.HostCopies, Is.EqualTo(copies), "nothing is read back");
        using (Graph.NoGrad())
            Assert.That(Difference(row.Answer(module, x).To(Device.Cpu), before.To(Device.Cpu)), Is.GreaterThan(0.1), "it has moved");
    }

    // d answer / d x at one x, by a batch of as many copies as there are numbers in an answer.
    static Tensor Jacobian(Module module, Tensor x)
    {
        var outputs = (int)module.Forward(x).Shape.ElementCount;
        var copies = x.Detach().Expand([outputs, .. x.Shape[1..]]).Clone().RequiresGrad();
        var y = module.Forward(copies);
        var weights = Tensor.Eye(outputs, dtype: x.DType, device: x.Device).Reshape([.. y.Shape]);
        using (module.Freeze())
            return Graph.Gradients([y], [copies], [weights])[0]!.Flatten(1);
    }

    // Linear maps of which nothing is claimed but their bound.
    static readonly Type[] bounded =
        [typeof(Linear), typeof(ParametrizedLinear), typeof(AolLinear), typeof(AolConv2d), typeof(CircularConv2d)];

    [Test]
    public void Everything_that_claims_to_be_orthogonal_has_a_row()
    {
        Type[] claims = [typeof(IOrthogonalParametrization), typeof(IConvolutionMethod), typeof(ICertifiable)];
        var rows = all.SelectMany(row => row.Types).ToHashSet();
        var missing = typeof(Module).Assembly.GetExportedTypes()
            .Where(type => !type.IsAbstract && claims.Any(claim => claim.IsAssignableFrom(type)))
            .Except(rows).Except(bounded);
        Assert.That(missing, Is.Empty);
        Assert.That(all.Select(row => row.Name), Is.Unique);
    }
}
