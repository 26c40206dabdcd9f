using Ortho.Kernels.Linalg;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Orthogonal;

/// <summary>Householder QR of batches of real or complex matrices.</summary>
/// <remarks>
/// R's diagonal is real; each entry has the sign opposite to the real part of the pivot it replaces (LAPACK's convention), except that a
/// column with nothing below its pivot is left as it is. Zero and dependent columns are ordinary: nothing is divided by zero.
/// Matrices with few columns are factored whole (<see cref="ByColumns"/>); larger ones are halved by columns until they are narrow, and
/// the halves meet in matrix products (Elmroth and Gustavson 2000). Both are the same arithmetic in the same order on every device.
/// </remarks>
public static class Qr
{
    // Width of the panels of matrices that are not factored whole.
    const int Panel = 16;

    /// <summary>Whether matrices with this many columns are factored whole: up to 128. On the host that is faster than by blocks in
    /// batches (measured; a single matrix breaks even at about 100); a device gives each matrix a group of threads.</summary>
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
            if (k > 0)
                ByColumns.Run<SmallQr>(a.DType, a.Device, batch, new(m, n, x, r), new(m, k, null, q), option: k);
        }
        else
        {
            (var v, var t, r) = Factor(x, k);
            q = Matrices.Minus(Matrices.Identity(m, k, a.DType, a.Device), Matrices.Product(v, Matrices.Product(t, Matrices.H(Matrices.Rows(v, 0, k)))));
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
        if (k > 0)
            ByColumns.Run<SmallQr>(a.DType, a.Device, batch, new(m, n, x, r), new(m, 0), option: k);
        return Matrices.Unbatched(r, a);
    }

    /// <summary>The compact form: H_0 ... H_(k-1) = I - V T V^H maps R, extended by zeros, to a.</summary>
    /// <returns>V [..., m, k], lower trapezoidal with unit diagonal; T [..., k, k], upper triangular; R [..., k, n].</returns>
    /// <exception cref="TensorArgumentException">As for <see cref="Reduced"/>.</exception>
    public static (Tensor V, Tensor T, Tensor R) Compact(Tensor a)
    {
        var x = Matrices.Batched(a, "Qr", nameof(a));
        var (v, t, r) = Factor(x, Math.Min(x.Shape[1], x.Shape[2]));
        return (Matrices.Unbatched(v, a), Matrices.Unbatched(t, a), Matrices.Unbatched(r, a));
    }

    static (Tensor V, Tensor T, Tensor R) Factor(Tensor x, int k)
    {
        var (batch, m, n) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        var (v, t, r) = (Matrices.Zeros([batch, m, k], x), Matrices.Zeros([batch, k, k], x), Matrices.Zeros([batch, k, n], x));
        Halve(Matrices.Columns(x, 0, k), v, t, Matrices.Columns(r, 0, k));
        if (n > k)
            Copy.Into(Matrices.Columns(r, k, n - k), Matrices.Rows(Reflected(v, t, Matrices.Columns(x, k, n - k)), 0, k));
        return (v, t, r);
    }

    // All arguments are views of the right size; v, t and r hold zeros.
    static void Halve(Tensor x, Tensor v, Tensor t, Tensor r)
    {
        var (m, n) = (x.Shape[1], x.Shape[2]);
        if (n <= Panel)
        {
            PerMatrix.Run<PanelQr>(x.DType, x.Device, x.Shape[0], new(m, n, x, r), new(m, n, null, v), new(n, n, null, t));
            return;
        }
        var p = (n / 2 + Panel - 1) / Panel * Panel;
        var (v1, t1) = (Matrices.Columns(v, 0, p), Matrices.Corner(t, 0, p, 0, p));
        Halve(Matrices.Columns(x, 0, p), v1, t1, Matrices.Corner(r, 0, p, 0, p));
        var rest = Reflected(v1, t1, Matrices.Columns(x, p, n - p));
        Copy.Into(Matrices.Corner(r, 0, p, p, n - p), Matrices.Rows(rest, 0, p));
        var (v2, t2) = (Matrices.Corner(v, p, m - p, p, n - p), Matrices.Corner(t, p, n - p, p, n - p));
        Halve(Matrices.Rows(rest, p, m - p), v2, t2, Matrices.Corner(r, p, n - p, p, n - p));
        rest.Dispose();
        // (I - V1 T1 V1^H)(I - V2 T2 V2^H) = I - [V1 V2] [[T1, -T1 V1^H V2 T2], [0, T2]] [V1 V2]^H
        var across = Matrices.Product(t1, Matrices.Product(Matrices.Product(Matrices.H(Matrices.Rows(v1, p, m - p)), v2), t2));
        Copy.Into(Matrices.Corner(t, 0, p, p, n - p), Matrices.Negative(across));
    }

    /// <summary>(I - V T V^H)^H x.</summary>
    internal static Tensor Reflected(Tensor v, Tensor t, Tensor x)
        => Matrices.Minus(x, Matrices.Product(v, Matrices.Product(Matrices.H(t), Matrices.Product(Matrices.H(v), x))));
}
