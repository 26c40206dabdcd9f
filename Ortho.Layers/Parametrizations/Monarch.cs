using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>Monarch matrices P L P^T R: with b blocks of size m, n = b m, x seen as b rows of m, R [b, m, m] multiplies each row, L [m, b,
/// b] each column: W[(i, j), (k, l)] = L[j, i, k] R[k, j, l]. Free numbers: R, then L. Real and complex. Dao et al. 2022.</summary>
/// <remarks>n (b + m) numbers and products instead of n^2. The way back is their algorithm 1: each m x m part of fixed (j, k) is of rank 1.
/// With an orthogonal map for all blocks the matrix is orthogonal; the map must reach matrices of either sign. Samples are products of the
/// blocks' samples, or of normal matrices of variance 1 / m and 1 / b.</remarks>
public sealed class Monarch : StructuredParametrization
{
    readonly int blocks, size;
    readonly IOrthogonalParametrization? map;

    /// <summary>Matrices [blocks size, blocks size].</summary>
    /// <param name="blocks">b.</param>
    /// <param name="size">m.</param>
    /// <param name="map">The map of every block; they are free when null.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive.</exception>
    public Monarch(int blocks, int size, IOrthogonalParametrization? map = null)
        : base(blocks * size, blocks * size, blocks * size * (blocks + size))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(blocks, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        (this.blocks, this.size) = (blocks, size);
        this.map = map is null ? null : OrthogonalParametrization.WithoutBuffers(nameof(Monarch), map);
    }

    /// <inheritdoc/>
    protected override string Elements => $"Monarch matrices of {blocks} {(map is null ? "" : "orthogonal ")}blocks of {size}";

    (Tensor R, Tensor L) Blocks(Tensor free)
    {
        var (count, lead) = (blocks * size * size, free.Shape.Span[..^1].ToArray());
        var r = free.Narrow(-1, 0, count).Reshape([.. lead, blocks, size, size]);
        var l = free.Narrow(-1, count, free.Shape[^1] - count).Reshape([.. lead, size, blocks, blocks]);
        return map is null ? (r, l) : (map.Forward(r), map.Forward(l));
    }

    Tensor Join(Tensor r, Tensor l)
        => (l.Transpose(-3, -2).Unsqueeze(-1) * r.Transpose(-3, -2).Unsqueeze(-4)).Reshape([.. r.Shape.Span[..^3], blocks * size,
            blocks * size]);

    /// <inheritdoc/>
    protected override Tensor Map(Tensor free) => Blocks(free) is var (r, l) ? Join(r, l) : free;

    private protected override Tensor Multiply(Tensor free, Tensor x)
    {
        var (r, l) = Blocks(free);
        // [vectors, k, l] to [k, vectors, j] to [j, vectors, i] to [vectors, i, j].
        var y = x.Reshape(-1, blocks, size).Permute(1, 0, 2).MatMul(r.T);
        return y.Permute(2, 1, 0).MatMul(l.T).Permute(1, 2, 0).Reshape(-1, blocks * size);
    }

    /// <inheritdoc/>
    protected override Tensor Unmap(Tensor value)
    {
        int[] lead = [.. value.Shape.Span[..^2]];
        // [..., i, j, k, l] to [..., j, k, i, l].
        var (u, s, v) = value.Reshape([.. lead, blocks, size, blocks, size]).MoveAxis(-4, -2).Svd();
        var scale = s.Narrow(-1, 0, 1).Unsqueeze(-1);
        // Columns of orthogonal blocks are of length 1.
        var own = map is null ? scale.Sqrt() : Tensor.Ones([], scale.DType);
        var l = (u.Narrow(-1, 0, 1) * own.To(value.DType)).Squeeze(-1).T;
        var r = (v.Narrow(-1, 0, 1).Conj() * (scale / own).To(value.DType)).Squeeze(-1).Transpose(-3, -2);
        return Tensor.Concat([Free(r), Free(l)], -1);

        Tensor Free(Tensor block) => (map?.Inverse(OrthogonalParametrization.Nearest(block)) ?? block).Reshape([.. lead, -1]);
    }

    /// <inheritdoc/>
    protected override double Distance(Tensor value)
        => map is null ? base.Distance(value) : Math.Max(new Monarch(blocks, size).Distance(value),
            OrthogonalParametrization.Skewness(value));

    /// <inheritdoc/>
    protected override Tensor Draw(Shape shape, Generator generator, DType dtype, Device? device)
    {
        return Join(Block(blocks, size), Block(size, blocks));

        Tensor Block(int count, int side)
        {
            var size = shape[..^2].Concat([count, side, side]);
            return map?.Sample(size, generator, dtype, device) ?? NormalMatrix.Of(size, generator, dtype, device) * (1 / Math.Sqrt(side));
        }
    }
}
