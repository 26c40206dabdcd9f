using Ortho.Autograd;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;

namespace Ortho.Layers.Optimizers;

/// <summary>A fixed orthogonal basis of which a <see cref="DctSubspace"/> takes columns.</summary>
public enum SubspaceBasis
{
    /// <summary>Cosines: <c>Tensor.DctMatrix</c>.</summary>
    Dct,

    /// <summary>Sylvester's Hadamard matrix over the root of its size, a power of two.</summary>
    Hadamard,

    /// <summary>A random orthogonal matrix, uniformly distributed.</summary>
    RandomOrthogonal,
}

/// <summary>The r columns of a fixed orthogonal basis D [q, q] that carry most of a matrix G [m, q]: S = G D, the columns of S with the
/// largest norms, and back with the same columns of D. No singular value decomposition. Modoranu et al. 2025.</summary>
/// <remarks>
/// |G - S_I D_I^T|_F^2 = |G|_F^2 - sum over I of |S_k|^2: with norm 2 the choice is the best among columns of D and leaves at most (1 -
/// r/q) |G|_F^2; the lower bound is the singular value decomposition's. Measured for matrices 128 x 64 and r = 16, share of |G|_F^2 that
/// is left: white noise 0.716 (SVD 0.495), rows with cosine coefficients that fall as 1/(1 + k) 0.023 (SVD 0.019, Hadamard 0.035, a
/// random basis 0.43). Equal norms take the lower index first; indices are in ascending order. Choosing 64 of 512 columns for a matrix
/// 1024 x 512 takes 6 ms on one core, its singular value decomposition 3.4 s (<c>Ortho.Bench -- kernels --filter subspace</c>).
/// </remarks>
public sealed class DctSubspace
{
    // Below, a product with the basis is as fast as the transform.
    internal const int LeastForFft = 512;

    readonly FixedBasis basis;
    readonly int rank, norm;
    readonly Tensor previous;

    /// <summary>A subspace, of the first r columns until it is refreshed.</summary>
    /// <param name="size">q.</param>
    /// <param name="rank">r, at most q.</param>
    /// <param name="basis">Which basis.</param>
    /// <param name="norm">1 or 2: by which norm columns are chosen.</param>
    /// <param name="useFft">Whether G D is computed by the fast transform (cosines only); from q = 512 on when null.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <param name="device">Where it is; the CPU when null.</param>
    /// <param name="generator">Source of a random basis.</param>
    /// <exception cref="ArgumentException">A random basis without a generator, or a fast transform of another basis than
    /// cosines.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A rank that is not in 1 .. q, another norm, or a Hadamard matrix of a size that is no
    /// power of two.</exception>
    public DctSubspace(int size, int rank, SubspaceBasis basis = SubspaceBasis.Dct, int norm = 1, bool? useFft = null,
        DType dtype = DType.Float32,
        Device? device = null, Generator? generator = null)
    {
        this.basis = FixedBasis.Of(size, basis, useFft, dtype, device ?? Device.Cpu, generator);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rank, size);
        (this.rank, this.norm) = (rank, FixedBasis.Norm(norm));
        Indices = FixedBasis.First(rank, this.basis.Rows.Device);
        previous = FixedBasis.First(rank, this.basis.Rows.Device);
    }


    /// <summary>The chosen columns of D, ascending: Int64 [r], changed in place by <see cref="Refresh"/>.</summary>
    public Tensor Indices { get; }

    /// <summary>Chooses the columns for a matrix.</summary>
    /// <param name="g">[m, q].</param>
    /// <returns>G D_I [m, r].</returns>
    /// <exception cref="TensorArgumentException">The matrix does not fit.</exception>
    public Tensor Refresh(Tensor g)
    {
        Check("Refresh", g, basis.Size);
        var s = basis.Transform(g);
        previous.CopyFrom(Indices);
        Indices.CopyFrom(FixedBasis.Strongest(s, rank, norm));
        return FixedBasis.Pick(s, Indices);
    }

    /// <summary>G D_I [m, r] with the columns there are.</summary>
    /// <param name="g">[m, q].</param>
    /// <exception cref="TensorArgumentException">The matrix does not fit.</exception>
    public Tensor Project(Tensor g)
    {
        Check("Project", g, basis.Size);
        return g.MatMul(basis.Columns(Indices).T);
    }

    /// <summary>From the subspace back: L D_I^T [m, q].</summary>
    /// <param name="low">L [m, r].</param>
    /// <exception cref="TensorArgumentException">The matrix does not fit.</exception>
    public Tensor Lift(Tensor low)
    {
        Check("Lift", low, rank);
        return low.MatMul(basis.Columns(Indices));
    }

    /// <summary>What was remembered in the columns before the last <see cref="Refresh"/>, in those of now: L D_I'^T D_I. That matrix has
    /// an entry 1 where an index stayed and zeros elsewhere, so columns are moved, bit for bit, or become 0.</summary>
    /// <param name="state">L [m, r].</param>
    /// <exception cref="TensorArgumentException">The matrix does not fit.</exception>
    public Tensor Reindex(Tensor state)
    {
        Check("Reindex", state, rank);
        return FixedBasis.Reindex(state, previous, Indices);
    }

    void Check(string operation, Tensor x, int columns)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.Rank != 2 || x.Shape[1] != columns || x.DType != basis.Rows.DType || x.Device != basis.Rows.Device)
        {
            throw new TensorArgumentException($"DctSubspace.{operation}", nameof(x), $"{x.DType} {x.Shape} on {x.Device}",
                $"{basis.Rows.DType} [*, {columns}] on {basis.Rows.Device}");
        }
    }
}

/// <summary>An orthogonal matrix D that is shared by everything of its size.</summary>
/// <param name="rows">D^T [q, q].</param>
/// <param name="useFft">Whether products with D are cosine transforms.</param>
sealed class FixedBasis(Tensor rows, bool useFft)
{
    /// <summary>D^T [q, q]: columns of D are read as rows.</summary>
    public Tensor Rows { get; } = rows;

    /// <summary>q.</summary>
    public int Size => Rows.Shape[0];

    public static FixedBasis Of(int size, SubspaceBasis basis, bool? useFft, DType dtype, Device device, Generator? generator)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        if (useFft == true && basis != SubspaceBasis.Dct)
            throw new ArgumentException($"DctSubspace: basis is {basis}, of which there is no fast transform here; expected Dct, or no useFft.", nameof(useFft));
        using var pause = Graph.NoGrad();
        var rows = basis switch
        {
            SubspaceBasis.Dct => Tensor.DctMatrix(size, DctType.III, dtype, device),
            SubspaceBasis.Hadamard => OrthogonalBases.Hadamard(size, dtype).To(device),
            SubspaceBasis.RandomOrthogonal => Tensor.Haar([size, size], generator
                ?? throw new ArgumentException("DctSubspace: a random basis without a generator; expected one.", nameof(generator)),
                    dtype: dtype, device: device),
            _ => throw new ArgumentOutOfRangeException(nameof(basis), basis, $"basis is {basis}; expected a SubspaceBasis."),
        };
        return new(TensorScope.Release(rows), basis == SubspaceBasis.Dct && (useFft ?? size >= DctSubspace.LeastForFft));
    }

    /// <summary>G D of matrices [..., q].</summary>
    public Tensor Transform(Tensor g) => useFft ? g.Dct() : g.MatMul(Rows.T);

    /// <summary>The first r indices [r], until others are chosen.</summary>
    public static Tensor First(int rank, Device device)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rank, 1);
        return TensorScope.Release(Tensor.Arange(rank, DType.Int64, device));
    }

    /// <summary>Refuses other norms than 1 and 2.</summary>
    public static int Norm(int norm)
        => norm is 1 or 2 ? norm : throw new ArgumentOutOfRangeException(nameof(norm), norm, $"norm is {norm}; expected 1 or 2.");

    /// <summary>D_I^T [..., r, q] for indices [..., r].</summary>
    public Tensor Columns(Tensor indices) => Rows.IndexSelect(0, indices.Flatten()).Reshape([.. indices.Shape, Size]);

    /// <summary>The columns [..., m, r] of S [..., m, q].</summary>
    public static Tensor Pick(Tensor s, Tensor indices) => s.TakeAlongDim(indices.Unsqueeze(-2), -1);

    /// <summary>What was remembered [..., m, r] in some columns, in those of now: moved where an index stayed, 0 elsewhere.</summary>
    public static Tensor Reindex(Tensor state, Tensor before, Tensor now)
    {
        var place = Tensor.Minimum(before.SearchSorted(now), Tensor.Full([], now.Shape[^1] - 1, DType.Int64, now.Device));
        return Pick(state, place) * before.TakeAlongDim(place, -1).EqualTo(now).To(state.DType).Unsqueeze(-2);
    }

    /// <summary>Indices [..., r], ascending, of the columns of S [..., m, q] with the largest norms.</summary>
    public static Tensor Strongest(Tensor s, int rank, int norm)
        => (norm == 1 ? s.Abs() : s.Square()).Sum([-2]).TopK(rank).Indices.Sort().Values;
}
