using Ortho.Autograd;
using Ortho.Layers.Manifolds;
using Ortho.Tensors;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers.Manifolds;

/// <summary>The manifolds that the tests go through.</summary>
static class ManifoldSamples
{
    static readonly Sphere sphere = new();

    /// <summary>Manifolds with shapes of points, by name.</summary>
    public static readonly (string Name, Manifold Manifold, int[] Shape)[] All =
    [
        ("Euclidean", new Euclidean(), [2, 3]),
        ("Sphere", sphere, [5]),
        ("Stiefel Qr", new Stiefel(), [6, 2]),
        ("Stiefel Polar", new Stiefel(retraction: StiefelRetraction.Polar), [5, 3]),
        ("Stiefel Cayley", new Stiefel(StiefelMetric.Canonical, StiefelRetraction.Cayley), [7, 2]),
        ("Stiefel Cayley wide", new Stiefel(StiefelMetric.Canonical, StiefelRetraction.Cayley), [4, 3]),
        ("Stiefel Exponential", new Stiefel(retraction: StiefelRetraction.Exponential), [6, 2]),
        ("Stiefel Exponential canonical", new Stiefel(StiefelMetric.Canonical, StiefelRetraction.Exponential), [5, 3]),
        ("OrthogonalGroup Qr", new OrthogonalGroup(), [4, 4]),
        ("OrthogonalGroup Polar", new OrthogonalGroup(StiefelRetraction.Polar, special: true), [3, 3]),
        ("OrthogonalGroup Cayley", new OrthogonalGroup(StiefelRetraction.Cayley), [4, 4]),
        ("OrthogonalGroup Exponential", new OrthogonalGroup(StiefelRetraction.Exponential), [4, 4]),
        ("Grassmann", new Grassmann(), [6, 2]),
        ("PositiveDefinite", new PositiveDefinite(), [4, 4]),
        ("MatrixView wide", new MatrixView(new Stiefel(StiefelMetric.Canonical, StiefelRetraction.Polar)), [3, 5]),
        ("MatrixView kernel", new MatrixView(new Stiefel(), 4), [3, 2, 2, 2]),
        ("MatrixView tall kernel", new MatrixView(new Grassmann(), 3), [9, 2, 2]),
        ("Product", new Product((sphere, [3]), (new Stiefel(retraction: StiefelRetraction.Polar), [2, 4, 2]), (new Euclidean(), [2])),
            [21]),
    ];

    public static IEnumerable<string> Names => All.Select(sample => sample.Name);

    public static (Manifold Manifold, Shape Shape) Of(string name)
        => All.First(sample => sample.Name == name) is var (_, manifold, shape) ? (manifold, shape) : default;

    /// <summary>A point and a tangent vector of length about 1.</summary>
    public static (Tensor X, Tensor V) Place(this Manifold manifold, Shape shape, int seed = 1, DType dtype = DType.Float64)
    {
        var x = manifold.Sample(shape, new((ulong)seed), dtype);
        var v = manifold.Project(x, Random(shape, dtype, seed + 100));
        return (x, v * (1 / Math.Sqrt(manifold.Inner(x, v, v).Sum().Item())));
    }

    /// <summary>The metric over a whole batch.</summary>
    public static double Product(this Manifold manifold, Tensor x, Tensor u, Tensor v) => manifold.Inner(x, u, v).Sum().Item();

    /// <summary>Re sum conj(u) v.</summary>
    public static double Dot(Tensor u, Tensor v) => (u.Conj() * v).Real().Sum().Item();
}
