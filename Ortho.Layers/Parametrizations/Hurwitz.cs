using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>Matrices whose eigenvalues all have a real part below -a: K (S - I / 2) - a I with K Hermitian positive definite (as
/// <see cref="PositiveDefinite"/>) and S skew-Hermitian. Real and complex. Free numbers [..., 2 n, n]: those of K, then those of
/// S.</summary>
/// <remarks>
/// P = K^-1 is a Lyapunov function: P (A + a I) + (A + a I)^H P = -I. Each such A has exactly one (Lyapunov 1892; compare Gillis and Sharma
/// 2017), so each is reached, by one K and S. An open set: <c>Error</c> is what the largest real part exceeds -a by. Samples have a K from
/// <see cref="PositiveDefinite"/> and the S of normal numbers.
/// </remarks>
/// <param name="margin">a, 0 or more.</param>
public sealed class Hurwitz(double margin = 0) : Parametrization
{
    /// <summary>a.</summary>
    public double Margin { get; } = margin >= 0 ? margin
        : throw new ArgumentOutOfRangeException(nameof(margin), margin, "Hurwitz: 0 or more.");

    /// <inheritdoc/>
    protected override string Elements => $"matrices whose eigenvalues have real parts below {-Margin}";

    /// <inheritdoc/>
    public override Shape FreeShape(Shape value) => value.With(value.Rank - 2, 2 * value[^2]);

    /// <inheritdoc/>
    protected override string? Misfit(Shape value) => NotSquare(value);

    /// <inheritdoc/>
    protected override string? FreeMisfit(Shape free) => free.Rank < 2 || free[^2] != 2 * free[^1] ? "[..., 2 n, n]" : null;

    /// <inheritdoc/>
    protected override Tensor Map(Tensor free)
    {
        var n = free.Shape[^1];
        var l = PositiveDefinite.Factor(free.Narrow(-2, 0, n));
        return Join(free.Narrow(-2, n, n), inner => l.MatMul(l.H.MatMul(inner)));
    }

    // K (S - I / 2) - a I.
    Tensor Join(Tensor s, Func<Tensor, Tensor> times)
    {
        var eye = Tensor.Eye(s.Shape[^1], dtype: s.DType, device: s.Device);
        var product = times((s - s.H) * 0.5 - eye * 0.5);
        return Margin == 0 ? product : product - eye * Margin;
    }

    /// <inheritdoc/>
    protected override Tensor Unmap(Tensor value)
    {
        var a = value + Tensor.Eye(value.Shape[^1], dtype: value.DType) * Margin;
        var p = Lyapunov(a);
        // P A = S - I / 2.
        var product = p.MatMul(a);
        var k = p.Inverse();
        return Tensor.Concat([PositiveDefinite.FreeFactor((k + k.H) * 0.5), (product - product.H) * 0.5], -2);
    }

    // The P with P A + A^H P = -I by the matrix sign iteration: A <- (A + A^-1) / 2 goes to -I, Q <- (Q + A^-H Q A^-1) / 2 goes from I
    // to 2 P. Roberts 1980.
    static Tensor Lyapunov(Tensor a)
    {
        var eye = Tensor.Eye(a.Shape[^1], dtype: a.DType);
        var inverses = new List<Tensor>();
        for (var at = a; inverses.Count < 60 && Largest(at + eye) > 1e-13 * a.Shape[^1]; at = (at + inverses[^1]) * 0.5)
            inverses.Add(at.Inverse());
        var p = Solve(eye.Expand([.. a.Shape.Span]));
        // What rounding has left of the equation, twice.
        for (var k = 0; k < 2; k++)
        {
            var product = p.MatMul(a);
            p += Solve(eye + product + product.H);
        }
        return p;

        Tensor Solve(Tensor right) => inverses.Aggregate(right, (q, inverse) => (q + inverse.H.MatMul(q).MatMul(inverse)) * 0.5) * 0.5;
    }

    /// <inheritdoc/>
    protected override double Distance(Tensor value) => (value.EigVals().Real() + Margin).Relu().Max().Item();

    /// <inheritdoc/>
    protected override Tensor Draw(Shape shape, Generator generator, DType dtype, Device? device)
        => Join(NormalMatrix.Of(shape, generator, dtype, device), new PositiveDefinite().Sample(shape, generator, dtype, device).MatMul);
}
