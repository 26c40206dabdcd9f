using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>Signs of columns that bring an orthogonal matrix within reach of the Cayley map: determinant 1, no eigenvalue near
/// -1.</summary>
/// <remarks>For bases whose directions have no sign: principal directions, singular vectors. Computed on the host in float64.</remarks>
static class ColumnSigns
{
    // Smallest over largest singular value of Q + I below which Cayley's inverse loses its digits.
    const double WellConditioned = 1e-6;

    /// <summary>The matrices with some columns negated.</summary>
    /// <param name="q">Float64 on the CPU, [..., n, n], orthogonal.</param>
    public static Tensor ForCayley(Tensor q)
    {
        var n = q.Shape[^1];
        using var pause = Graph.NoGrad();
        return Tensor.Stack([.. q.Reshape(-1, n, n).Unbind().Select(One)]).Reshape([.. q.Shape]);
    }

    static Tensor One(Tensor q)
    {
        var n = q.Shape[0];
        if (q.Det().Item() < 0)
            q = Negated(q, 0);
        var (size, isGood) = Judge(q);
        // A pair of columns keeps the determinant. Each accepted pair brings Q + I further from being singular, so that this ends.
        for (var first = 0; first < n && !isGood; first++)
        {
            for (var second = first + 1; second < n && !isGood; second++)
            {
                var candidate = Negated(q, first, second);
                var judged = Judge(candidate);
                if (judged.Size > size + 1e-3)
                    (q, (size, isGood)) = (candidate, judged);
            }
        }
        return q;
    }

    // The logarithm of |det(Q + I)|, with a floor for what is lost altogether: it counts the eigenvalues that are -1.
    static (double Size, bool IsGood) Judge(Tensor q)
    {
        var values = (q + Tensor.Eye(q.Shape[0], dtype: DType.Float64)).SingularValues().ToArray<double>();
        return (values.Sum(value => Math.Log(Math.Max(value, 1e-12))), values.Min() > WellConditioned * values.Max());
    }

    static Tensor Negated(Tensor q, params int[] columns)
    {
        var signs = new double[q.Shape[1]];
        Array.Fill(signs, 1);
        foreach (var column in columns)
            signs[column] = -1;
        return q * Tensor.From(signs, [signs.Length]);
    }
}
