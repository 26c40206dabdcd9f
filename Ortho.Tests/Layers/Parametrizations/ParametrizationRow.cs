using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers.Parametrizations;

/// <summary>A parametrization for values of one shape, and what is expected of it.</summary>
/// <param name="Name">For test names.</param>
/// <param name="Shape">Of a value.</param>
/// <param name="Make">The parametrization, for numbers of a dtype.</param>
public sealed record ParametrizationRow(string Name, int[] Shape, Func<DType, IParametrization> Make)
{
    /// <summary>Whether there are complex elements.</summary>
    public bool IsComplex { get; init; } = true;

    /// <summary>What the arithmetic of this map loses, in units of what a matrix product of its size does.</summary>
    public double Loss { get; init; } = 1;

    /// <summary>Values that are no elements, made of one; at a distance of 0.01 or more. None when everything is an element.</summary>
    public Func<Tensor, Tensor>? Outside { get; init; } = value => value * 1.3;

    /// <summary>What two equal elements have in common; the value itself unless several stand for one element.</summary>
    public Func<Tensor, Tensor> Identity { get; init; } = value => value;

    /// <summary>Whether second derivatives are too large for differences of first ones: short Householder vectors stand for
    /// directions.</summary>
    public bool IsSteep { get; init; }

    /// <summary>The mean of an element's square, where samples are uniform on a group or a sphere.</summary>
    public double? MeanSquare { get; init; }

    public override string ToString() => $"{Name} {string.Join("x", Shape)}";

    public DType[] Types => IsComplex ? [DType.Float32, DType.Float64, DType.Complex64, DType.Complex128] : [DType.Float32, DType.Float64];

    public Tensor Free(DType dtype, int seed, params int[] lead)
        => Random([.. lead, .. Make(dtype).FreeShape(Shape)], dtype, seed);

    public double Tolerance(DType dtype, Tensor value)
        => 16 * Loss * Unit(dtype) * (1 + Largest(value)) * Math.Sqrt(1 + value.ElementCount);

    static int[][] Orthogonal => [[1, 1], [4, 4], [5, 2], [2, 5], [3, 1], [17, 16]];

    static IEnumerable<ParametrizationRow> OrthogonalRows<P>(Func<P> make, double loss = 1, bool complex = true) where P
        : IOrthogonalParametrization
        => from shape in Orthogonal
           select new ParametrizationRow(typeof(P).Name, shape, _ => make()) { Loss = loss, IsComplex = complex,
               MeanSquare = 1.0 / Math.Max(shape[0], shape[1]) };

    // The first row negated: the determinant changes its sign.
    static Tensor Reflected(Tensor value)
        => Tensor.Concat([-value.Narrow(-2, 0, 1), value.Narrow(-2, 1, value.Shape[^2] - 1)], -2);

    // Something of the size of the value that has no structure.
    static Tensor Disturbed(Tensor value) => value + Random(value.Shape, value.DType, 77);

    static Tensor Projector(Tensor q) => q.Shape[^2] >= q.Shape[^1] ? q.MatMul(q.H) : q.H.MatMul(q);

    public static ParametrizationRow[] All { get; } =
    [
        .. OrthogonalRows(() => new Cayley(), 300),
        .. OrthogonalRows(() => new MatrixExponential(), 8),
        .. OrthogonalRows(() => new Householder(), complex: false),
        .. OrthogonalRows(() => new Qr()),
        .. OrthogonalRows(() => new Polar()),
        .. OrthogonalRows(() => new Bjorck(40)),
        .. OrthogonalRows(() => new CholeskyQr(), 8),
        .. from row in OrthogonalRows(() => new Grassmann(), 8)
           select row with { Identity = Projector },
        .. from size in (int[])[1, 2, 5, 8]
           from map in (IOrthogonalParametrization[])[new Qr(), new Householder()]
           select new ParametrizationRow($"SpecialOrthogonal {map.GetType().Name}", [size, size], _ => new SpecialOrthogonal(map))
               { IsComplex = map is Qr, IsSteep = map is Householder, Outside = Reflected, MeanSquare = 1.0 / size },
        .. from size in (int[])[1, 2, 3, 4, 7, 8]
           select new ParametrizationRow("Givens", [size, size], _ => new Givens()) { IsComplex = false, Outside = Reflected, Loss = 4,
               MeanSquare = 1.0 / size },
        .. from size in (int[])[2, 4, 16]
           select new ParametrizationRow("Butterfly", [size, size], _ => new Butterfly(size)) { IsComplex = false, Outside = Reflected,
               Loss = 4 },
        .. from size in (int[])[1, 4]
           select new ParametrizationRow("Skew", [size, size], _ => new Skew()) { Outside = value => value + 1 },
        .. from size in (int[])[2, 4]
           select new ParametrizationRow("Symmetric", [size, size], _ => new Symmetric()) { Outside = value
               => value + Random(value.Shape, value.DType, 3) },
        .. from shape in (int[][])[[1], [7], [3, 4]]
           from radius in (double[])[1, 2.5]
           select new ParametrizationRow($"Sphere {radius}", shape, _ => new Sphere(radius)) { MeanSquare = radius * radius / shape[^1] },
        .. from shape in (int[][])[[1, 1], [4, 4], [5, 3], [3, 5]]
           from row in (ParametrizationRow[])
           [
               new("AlmostOrthogonal", shape, _ => new AlmostOrthogonal(shape[0], shape[1], 0.2)) { Outside = value => value * 2.0 },
               new("FixedRank", shape, _ => new FixedRank(shape[0], shape[1], Math.Min(shape[0], shape[1]))) { Outside = null, Loss = 4 },
           ]
           select row,
        .. from shape in (int[][])[[2, 2], [5, 3], [3, 5]]
           from row in (ParametrizationRow[])
           [
               new("LowRank", shape, _ => new LowRank(shape[0], shape[1], 1)) { Outside = Disturbed, Loss = 4 },
               new("FixedRank 1", shape, _ => new FixedRank(shape[0], shape[1], 1)) { Outside = Disturbed, Loss = 4 },
           ]
           select row,
        .. from size in (int[])[1, 2, 4]
           from row in (ParametrizationRow[])
           [
               new("GeneralLinearPlus", [size, size], _ => new GeneralLinearPlus(size)) { IsComplex = false, Outside = Reflected,
                   Loss = 16 },
               new("SpecialLinear", [size, size], _ => new SpecialLinear(size)) { IsComplex = false, Outside = value => value * 1.3,
                   Loss = 16 },
               new("PositiveSemidefinite", [size, size], _ => new PositiveSemidefinite()) { Outside = value => value - Eye(value) * 4.0 },
               new("PositiveDefinite", [size, size], _ => new PositiveDefinite()) { Outside = value => value - Eye(value) * 4.0,
                   Loss = 16 },
               new("Hurwitz", [size, size], _ => new Hurwitz(0.1)) { Outside = value => value * 0.0, Loss = 2000 },
           ]
           select row,
        new("PositiveSemidefinite of rank 2", [5, 5], _ => new PositiveSemidefinite(2)) { Outside = value => value + Eye(value) },
        new("FixedRankSemidefinite", [5, 5], _ => new FixedRankSemidefinite(5, 2)) { Outside = value => value + Eye(value), Loss = 8 },
        new("WeightNorm", [3, 4], _ => new WeightNorm()) { Outside = null },
        new("WeightNorm", [4, 1], _ => new WeightNorm()) { Outside = null },
        new("Product", [6, 3], _ => new Product(3, (1, new Sphere()), (3, new Symmetric()), (2, new Qr()))) { },
        new("Kronecker", [6, 6], _ => new Kronecker((2, 3), (3, 2))) { Outside = Disturbed, Loss = 4 },
        new("Kronecker of orthogonal", [6, 4], _ => new Kronecker((2, 2), (3, 2), new Qr())) { Loss = 4 },
        new("Circulant", [1, 1], _ => new Circulant(1)) { Outside = null },
        new("Circulant", [6, 6], _ => new Circulant(6)) { Outside = Disturbed },
        new("Monarch", [6, 6], _ => new Monarch(2, 3)) { Outside = Disturbed, Loss = 4 },
        new("Monarch of orthogonal", [6, 6], _ => new Monarch(3, 2, new Polar())) { Loss = 4 },
    ];

    static Tensor Eye(Tensor like) => Tensor.Eye(like.Shape[^1], dtype: like.DType);
}
