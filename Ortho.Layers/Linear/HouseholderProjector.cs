using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>y = W x + b with W = g U V^T [outputs, inputs] of a fixed rank, U [outputs, rank] and V [inputs, rank] with orthonormal columns
/// made of reflections: W has that many singular values g and no other. Song, Zhang, Sebe and Wang 2023, "Householder projector for
/// unsupervised latent semantics discovery".</summary>
/// <remarks>
/// <para>In place of a generator's first matrix it leaves a handful of latent directions, V's columns, that all act with the same strength,
/// and none that does nothing: see <see cref="Directions"/> and <see cref="Analysis.LatentDirections"/>. Made from a trained matrix
/// (<see cref="FromWeight"/>), it is fine-tuned briefly. Measured on a small decoder (system 24, nine
/// seeds): path lengths of the four directions differ 1.1- to 2-fold, in each seed less than those of the trained matrix's top four singular
/// vectors (1.3- to 2.8-fold); those of all its sixteen differ 28- to 91-fold.</para>
/// <para>Orthogonality leaves a rotation of the directions free: <c>U V^T = (U R) (V R)^T</c>. What they mean is up to the rest of the
/// network.</para>
/// <para>The Frobenius norm of W is g sqrt(rank): choose g where a larger matrix is replaced. x is multiplied by V first, so W is not
/// formed.</para>
/// </remarks>
public sealed class HouseholderProjector : Module, ICertifiable
{
    readonly Parametrized left, right;

    /// <summary>A layer whose factors are near the first coordinates' axes, with zero bias.</summary>
    /// <param name="inputs">Features of x [..., inputs].</param>
    /// <param name="outputs">Features of y [..., outputs].</param>
    /// <param name="generator">Source of the reflections' vectors, normal with deviation 0.05 below their diagonal of 1.</param>
    /// <param name="rank">Columns of U and V.</param>
    /// <param name="bias">Whether b exists.</param>
    /// <param name="gain">g.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is not positive, or the rank larger than inputs or outputs.</exception>
    public HouseholderProjector(int inputs, int outputs, Generator generator, int rank = 10, bool bias = true, double gain = 1,
        DType dtype = DType.Float32)
        : this(Frame(outputs, rank, generator, dtype), Frame(inputs, rank, generator, dtype), bias ? Tensor.Zeros([outputs], dtype) : null,
            gain)
    {
    }

    HouseholderProjector(Tensor u, Tensor v, Tensor? bias, double gain)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(gain);
        (Gain, var dtype) = (gain, u.DType);
        left = Register("left", new Parametrized(new HouseholderFrame(u.Shape, dtype), u));
        right = Register("right", new Parametrized(new HouseholderFrame(v.Shape, dtype), v));
        Bias = bias is null ? null : Register("bias", bias, ParameterRole.Vector);
    }

    static Tensor Frame(int rows, int rank, Generator generator, DType dtype)
    {
        ArgumentNullException.ThrowIfNull(generator);
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(rank, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rank, rows);
        if (dtype is not (DType.Float32 or DType.Float64))
            throw new TensorArgumentException(nameof(HouseholderProjector), nameof(dtype), $"{dtype}", "Float32 or Float64");
        return Tensor.Normal([rows, rank], generator, deviation: 0.05, dtype: dtype).HouseholderFrame();
    }

    /// <summary>The layer that replaces a trained matrix: U and V are its first left and right singular vectors, all singular values become
    /// the gain.</summary>
    /// <param name="weight">A [outputs, inputs], decomposed on the host in float64.</param>
    /// <param name="bias">b [outputs], if there is one.</param>
    /// <param name="rank">How many singular vectors are kept.</param>
    /// <param name="gain">g.</param>
    /// <exception cref="TensorArgumentException">The weight is no matrix of Float32 or Float64, or the bias does not fit it.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The rank is larger than a side of the weight.</exception>
    public static HouseholderProjector FromWeight(Tensor weight, Tensor? bias, int rank, double gain = 1)
    {
        ArgumentNullException.ThrowIfNull(weight);
        if (weight.Rank != 2 || weight.DType is not (DType.Float32 or DType.Float64))
            throw new TensorArgumentException("HouseholderProjector.FromWeight", nameof(weight), $"{weight.DType} {weight.Shape}",
                "Float32 or Float64 [outputs, inputs]");
        if (bias is not null && (bias.Rank != 1 || bias.Shape[0] != weight.Shape[0] || bias.DType != weight.DType))
            throw new TensorArgumentException("HouseholderProjector.FromWeight", nameof(bias), $"{bias.DType} {bias.Shape}",
                $"{weight.DType} [{weight.Shape[0]}]");
        ArgumentOutOfRangeException.ThrowIfLessThan(rank, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rank, Math.Min(weight.Shape[0], weight.Shape[1]));
        using var pause = Graph.NoGrad();
        using var scope = new TensorScope();
        var (u, _, v) = weight.Detach().To(Device.Cpu).To(DType.Float64).Svd();
        var layer = new HouseholderProjector(Kept(u), Kept(v), bias?.Detach().To(Device.Cpu).Clone(), gain);
        _ = layer.To(weight.Device);
        return layer;

        Tensor Kept(Tensor vectors) => vectors.Narrow(1, 0, rank).To(weight.DType);
    }

    /// <summary>g.</summary>
    public double Gain { get; }

    /// <summary>b [outputs], if there is one.</summary>
    public Parameter? Bias { get; }

    /// <summary>U [outputs, rank].</summary>
    public Tensor Images => left.Value;

    /// <summary>V [inputs, rank]: the latent directions, orthonormal; a step along column j moves y by g along column j of
    /// <see cref="Images"/>.</summary>
    public Tensor Directions => right.Value;

    /// <summary>W [outputs, inputs].</summary>
    public Tensor Weight => Images.MatMul(Directions.T) * Gain;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        var v = Directions;
        if (x.Rank == 0 || x.Shape[^1] != v.Shape[0])
            throw new TensorArgumentException("HouseholderProjector", nameof(x), $"{x.Shape}", $"[..., {v.Shape[0]}]");
        var inner = LinearMap.Apply(x, v.T, null);
        return LinearMap.Apply(Gain == 1 ? inner : inner * Gain, Images, Bias?.Value);
    }

    /// <inheritdoc/>
    public Spectrum Certify()
    {
        using (Graph.NoGrad())
            return Spectrum.OfMatrix(Weight);
    }
}
