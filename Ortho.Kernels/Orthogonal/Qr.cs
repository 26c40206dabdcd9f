using Ortho.Kernels.Gpu;
using Ortho.Kernels.Linalg;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Orthogonal;

/// <summary>Householder QR of batches of real or complex matrices.</summary>
/// <remarks>
/// R's diagonal is real; each entry has the sign opposite to the real part of the pivot it replaces (LAPACK's convention), except that a
/// column with nothing below its pivot is left as it is. Zero and dependent columns are ordinary: nothing is divided by zero.
/// Matrices with few columns are factored whole (<see cref="ByColumns"/>, and on devices <see cref="RegisterQr"/>); larger ones by blocks of
/// columns, whose reflections meet the columns that follow in matrix products (<see cref="Reflections"/>). All are the same arithmetic in the
/// same order on every device.
/// </remarks>
public static class Qr
{
    /// <summary>Whether matrices with this many columns are factored whole: up to 128 (measured).</summary>
    internal static bool IsSmall(int columns) => columns <= 128;

    /// <summary>a [..., m, n] = Q R with Q [..., m, k] of orthonormal columns and R [..., k, n] upper triangular, k = min(m, n).</summary>
    /// <exception cref="TensorArgumentException">Fewer than two dimensions, or a dtype that is neither floating-point nor complex.</exception>
    public static (Tensor Q, Tensor R) Reduced(Tensor a)
    {
        var x = Matrices.Batched(a, "Qr", nameof(a));
        var (batch, m, n) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        var k = Math.Min(m, n);
        Tensor q, r;
        if (IsSmall(k))
        {
            (q, r) = (Tensor.Empty([batch, m, k], a.DType, a.Device), Tensor.Empty([batch, k, n], a.DType, a.Device));
            Small(x, r, q);
        }
        else
        {
            (var reflections, r) = Factor(x, k);
            q = reflections.Columns(0, k);
        }
        return (Matrices.Unbatched(q, a), Matrices.Unbatched(r, a));
    }

    /// <summary>R alone.</summary>
    /// <exception cref="TensorArgumentException">As for <see cref="Reduced"/>.</exception>
    public static Tensor Triangle(Tensor a)
    {
        var x = Matrices.Batched(a, "Qr", nameof(a));
        var (batch, m, n) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        var k = Math.Min(m, n);
        if (!IsSmall(k))
            return Matrices.Unbatched(Factor(x, k).R, a);
        var r = Tensor.Empty([batch, k, n], a.DType, a.Device);
        Small(x, r, null);
        return Matrices.Unbatched(r, a);
    }

    // r [batch, k, n] and, if wanted, q [batch, m, k] are written.
    static void Small(Tensor x, Tensor r, Tensor? q)
    {
        var (batch, m, n, k) = (x.Shape[0], x.Shape[1], x.Shape[2], r.Shape[1]);
        if (batch == 0 || k == 0 || (x.Device is GpuDevice gpu && RegisterQr.Run(gpu, x, r, q)))
            return;
        ByColumns.Run<SmallQr>(x.DType, x.Device, batch, new(m, n, x, r), new(m, q is null ? 0 : k, null, q), option: k);
    }

    /// <summary>The last m - min(m, n) columns of Q as a square matrix, [..., m, m - min(m, n)]: what completes <see cref="Reduced"/>'s Q.</summary>
    /// <exception cref="TensorArgumentException">As for <see cref="Reduced"/>.</exception>
    public static Tensor Complement(Tensor a)
    {
        var x = Matrices.Batched(a, "Qr", nameof(a));
        var k = Math.Min(x.Shape[1], x.Shape[2]);
        return Matrices.Unbatched(Factor(x, k).Reflections.Columns(k, x.Shape[1] - k), a);
    }

    /// <summary>Q as a product of reflections, that maps R, extended by zeros, to the matrices x [batch, m, n]; R [batch, k, n].</summary>
    internal static (Reflections Reflections, Tensor R) Factor(Tensor x, int k)
    {
        var (batch, m, n) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        var reflections = new Reflections(Matrices.Zeros([batch, m, k], x));
        var r = Matrices.Zeros([batch, k, n], x);
        // What is left to factor: the columns from `first` on, without the rows that are R's already.
        var rest = x;
        for (var first = 0; first < k; first += Reflections.Block)
        {
            var width = Math.Min(Reflections.Block, k - first);
            Panel(Matrices.Columns(rest, 0, width), Matrices.Corner(reflections.Vectors, first, m - first, first, width),
                reflections.Triangles[first / Reflections.Block], Matrices.Corner(r, first, width, first, width));
            if (first + width == n)
                break;
            var changed = reflections.ApplyBlock(first, Matrices.Columns(rest, width, n - first - width), adjoint: true);
            Copy.Into(Matrices.Corner(r, first, width, first + width, n - first - width), Matrices.Rows(changed, 0, width));
            rest = Matrices.Rows(changed, width, m - first - width);
        }
        return (reflections, r);
    }

    // Columns that are reduced one by one; wider panels are halved (measured).
    const int Narrow = 32;

    // All arguments are views of the right size; v, t and r hold zeros.
    static void Panel(Tensor x, Tensor v, Tensor t, Tensor r)
    {
        var (m, n) = (x.Shape[1], x.Shape[2]);
        if (n <= Narrow)
        {
            ByColumns.Run<PanelQr>(x.DType, x.Device, x.Shape[0], new(m, n, x, r), new(m, n, null, v), new(2 * n, n, null, t));
            return;
        }
        var p = n / 2;
        var (v1, t1) = (Matrices.Columns(v, 0, p), Matrices.Corner(t, 0, p, 0, p));
        Panel(Matrices.Columns(x, 0, p), v1, t1, Matrices.Corner(r, 0, p, 0, p));
        var rest = Reflections.Apply(v1, t1, Matrices.Columns(x, p, n - p), adjoint: true);
        Copy.Into(Matrices.Corner(r, 0, p, p, n - p), Matrices.Rows(rest, 0, p));
        var (v2, t2) = (Matrices.Corner(v, p, m - p, p, n - p), Matrices.Corner(t, p, n - p, p, n - p));
        Panel(Matrices.Rows(rest, p, m - p), v2, t2, Matrices.Corner(r, p, n - p, p, n - p));
        // (I - V1 T1 V1^H)(I - V2 T2 V2^H) = I - [V1 V2] [[T1, -T1 V1^H V2 T2], [0, T2]] [V1 V2]^H (Elmroth and Gustavson 2000)
        var across = Matrices.Product(t1, Matrices.Product(Matrices.Product(Matrices.H(Matrices.Rows(v1, p, m - p)), v2), t2));
        Copy.Into(Matrices.Corner(t, 0, p, p, n - p), Matrices.Negative(across));
    }
}
