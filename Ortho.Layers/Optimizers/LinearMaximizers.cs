using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Optimizers;

/// <summary>A convex set over which linear functions can be maximised: all that <see cref="FrankWolfe"/> needs of it.</summary>
public interface ILinearMaximizer
{
    /// <summary>An element S of the set with the largest inner product with G; any of them where there are several.</summary>
    /// <param name="g">Real, in the form of an element.</param>
    /// <returns>Of g's shape, dtype and device.</returns>
    /// <exception cref="TensorArgumentException">g does not have the form of an element.</exception>
    Tensor Maximize(Tensor g);

    /// <summary>That inner product, the support function of the set; read from the device.</summary>
    /// <param name="g">Real, in the form of an element.</param>
    double SupportValue(Tensor g);
}

/// <summary>How polar factors are found.</summary>
public enum PolarMethod
{
    /// <summary>By singular value decomposition: U V^T, also for matrices without full rank.</summary>
    Svd,

    /// <summary>By forty steps of the quintic Newton-Schulz iteration, products only: exact for condition numbers to about 1e9 in
    /// float64. Directions that a matrix lacks stay 0, which maximises as well.</summary>
    NewtonSchulz,
}

static class LinearMaximizers
{
    internal static Tensor Matrix(string domain, Tensor g)
        => g is { Rank: >= 2 } && g.DType.IsFloatingPoint ? g
            : throw new TensorArgumentException(domain, nameof(g), $"{g.DType} {g.Shape}", "a real matrix [..., m, n]");

    internal static Tensor Real(string domain, Tensor g)
        => g.DType.IsFloatingPoint && g.ElementCount > 0 ? g
            : throw new TensorArgumentException(domain, nameof(g), $"{g.DType} {g.Shape}", "a real tensor with elements");

    internal static double Radius(double radius)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(radius);
        return radius;
    }
}

/// <summary>Matrices whose largest singular value is at most a radius: the convex hull of the orthogonal matrices, for radius 1.
/// Maximised by the polar factor U V^T of G = U S V^T; the value is the nuclear norm.</summary>
/// <param name="radius">The radius; of each matrix of a batch.</param>
/// <param name="method">How the polar factor is found.</param>
/// <exception cref="ArgumentOutOfRangeException">The radius is not positive.</exception>
public sealed class SpectralBall(double radius = 1, PolarMethod method = PolarMethod.Svd) : ILinearMaximizer
{
    // Each step multiplies small singular values by 15/8: 1e-9 of the Frobenius norm is at 1 after 34, and four more square the error away.
    static readonly NewtonSchulzSchedule steps = NewtonSchulzSchedule.Quintic(40);

    readonly double radius = LinearMaximizers.Radius(radius);

    /// <inheritdoc/>
    public Tensor Maximize(Tensor g)
    {
        LinearMaximizers.Matrix("SpectralBall", g);
        if (method == PolarMethod.NewtonSchulz)
            return g.NewtonSchulz(steps) * radius;
        var (u, _, v) = g.Svd();
        return u.MatMul(v.H) * radius;
    }

    /// <inheritdoc/>
    public double SupportValue(Tensor g) => LinearMaximizers.Matrix("SpectralBall", g).SingularValues().Sum().Item() * radius;
}

/// <summary>Matrices whose singular values have at most a radius as their sum. Maximised by u_1 v_1^T, the leading singular vectors; the
/// value is the largest singular value.</summary>
/// <param name="radius">The radius; of each matrix of a batch.</param>
/// <exception cref="ArgumentOutOfRangeException">The radius is not positive.</exception>
public sealed class NuclearBall(double radius = 1) : ILinearMaximizer
{
    readonly double radius = LinearMaximizers.Radius(radius);

    /// <inheritdoc/>
    public Tensor Maximize(Tensor g)
    {
        var (u, _, v) = LinearMaximizers.Matrix("NuclearBall", g).Svd();
        return u.Narrow(-1, 0, 1).MatMul(v.Narrow(-1, 0, 1).H) * radius;
    }

    /// <inheritdoc/>
    public double SupportValue(Tensor g) => LinearMaximizers.Matrix("NuclearBall", g).SingularValues().Narrow(-1, 0, 1).Sum().Item() * radius;
}

/// <summary>Tensors of which the Euclidean norm of all elements is at most a radius. Maximised by G / |G|, by 0 for G = 0; the value is
/// |G|.</summary>
/// <param name="radius">The radius.</param>
/// <exception cref="ArgumentOutOfRangeException">The radius is not positive.</exception>
public sealed class FrobeniusBall(double radius = 1) : ILinearMaximizer
{
    readonly double radius = LinearMaximizers.Radius(radius);

    /// <inheritdoc/>
    public Tensor Maximize(Tensor g) => g * (radius / (LinearMaximizers.Real("FrobeniusBall", g).Norm() + 1e-30));

    /// <inheritdoc/>
    public double SupportValue(Tensor g) => LinearMaximizers.Real("FrobeniusBall", g).Norm().Item() * radius;
}

/// <summary>Tensors of which the magnitudes of all elements have at most a radius as their sum. Maximised by the sign of one largest
/// element, the first of equals; the value is the largest magnitude.</summary>
/// <param name="radius">The radius.</param>
/// <exception cref="ArgumentOutOfRangeException">The radius is not positive.</exception>
public sealed class L1Ball(double radius = 1) : ILinearMaximizer
{
    readonly double radius = LinearMaximizers.Radius(radius);

    /// <inheritdoc/>
    public Tensor Maximize(Tensor g)
    {
        var flat = LinearMaximizers.Real("L1Ball", g).Flatten();
        var place = flat.Abs().ArgMax();
        return (place.OneHot(flat.Shape[0], g.DType) * (flat.Take(place).Sign() * radius)).Reshape([.. g.Shape.Span]);
    }

    /// <inheritdoc/>
    public double SupportValue(Tensor g) => LinearMaximizers.Real("L1Ball", g).Abs().Max().Item() * radius;
}

/// <summary>Tensors without negative elements whose sum over the last dimension is a total: a simplex for each row. Maximised by a
/// vertex, at the largest element of each row (the first of equals); the value is the sum of these elements.</summary>
/// <param name="total">The total.</param>
/// <exception cref="ArgumentOutOfRangeException">The total is not positive.</exception>
public sealed class SimplexVertices(double total = 1) : ILinearMaximizer
{
    readonly double total = LinearMaximizers.Radius(total);

    /// <inheritdoc/>
    public Tensor Maximize(Tensor g) => Rows(g).ArgMax().OneHot(g.Shape[^1], g.DType) * total;

    /// <inheritdoc/>
    public double SupportValue(Tensor g) => Rows(g).Max(-1).Values.Sum().Item() * total;

    static Tensor Rows(Tensor g) => LinearMaximizers.Real("SimplexVertices", g) is { Rank: > 0 } ? g
        : throw new TensorArgumentException("SimplexVertices", nameof(g), $"of shape {g.Shape}", "at least one dimension");
}
