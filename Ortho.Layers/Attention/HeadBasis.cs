using Ortho.Autograd;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>For each head an orthogonal basis U and a mean m of its vectors, so that the first r coordinates U^T (x - m) stand for a
/// vector: trained for every r, the leading directions carry most.</summary>
/// <remarks>U is the Cayley map of free numbers: with A = X - X^T it is (I - A/2)^-1 (I + A/2) for free numbers -X / 2, the map of Lin et
/// al. 2025. What is called a head may serve several heads of queries, as in <see cref="Attention"/>.</remarks>
public sealed class HeadBasis : Module
{
    readonly Parametrized rotation;
    readonly Cached<ValueTuple> basis;

    /// <summary>The identity and means 0.</summary>
    /// <param name="heads">How many heads have a basis of their own.</param>
    /// <param name="features">Features of a head.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    public HeadBasis(int heads, int features, DType dtype = DType.Float32)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(heads, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(features, 1);
        (Heads, Features) = (heads, features);
        var eye = Tensor.Eye(features, dtype: dtype).Expand(heads, features, features);
        rotation = Register("rotation", new Parametrized(new Cayley(), eye));
        Mean = Register("mean", Tensor.Zeros([heads, features], dtype), ParameterRole.Vector);
        basis = new([Free], _ => OrthogonalParametrization.Polished(rotation.Value));
    }

    /// <summary>How many heads there are.</summary>
    public int Heads { get; }

    /// <summary>Features of a head.</summary>
    public int Features { get; }

    /// <summary>Free numbers of the Cayley map [heads, features, features].</summary>
    public Parameter Free => rotation.Free;

    /// <summary>m [heads, features].</summary>
    public Parameter Mean { get; }

    /// <summary>U [heads, features, features]; column k is direction k.</summary>
    public Tensor Basis => basis.Of(default);

    /// <summary>What the coordinates within all ranks tell of x: x itself.</summary>
    /// <param name="x">[..., heads, items, features].</param>
    public override Tensor Forward(Tensor x) => Vectors(Coordinates(x));

    /// <summary>U^T (x - m), the coordinates beyond a head's rank set to 0.</summary>
    /// <param name="x">[..., heads, items, features].</param>
    /// <param name="ranks">Int64 [heads]: how many coordinates count; all when null.</param>
    /// <exception cref="TensorArgumentException">Shapes do not fit.</exception>
    public Tensor Coordinates(Tensor x, Tensor? ranks = null) => Coordinates(x, Basis, ranks);

    /// <summary>U^T x without the mean: what a query becomes whose products with keys are taken in coordinates.</summary>
    /// <param name="x">[..., heads or a multiple, items, features].</param>
    /// <exception cref="TensorArgumentException">Shapes do not fit.</exception>
    public Tensor Directions(Tensor x) => Directions(x, Basis);

    /// <summary>U c + m: the vectors of coordinates.</summary>
    /// <param name="coordinates">[..., heads or a multiple, items, features].</param>
    /// <exception cref="TensorArgumentException">Shapes do not fit.</exception>
    public Tensor Vectors(Tensor coordinates) => Vectors(coordinates, Basis);

    /// <summary>The principal directions of samples, the widest first, and their mean: of all bases these lose least at every rank, in mean
    /// squared distance. Signs are chosen so that the Cayley map reaches the basis.</summary>
    /// <param name="samples">[samples, heads, features].</param>
    /// <remarks>Computed on the host in float64: initialisation, not a training path.</remarks>
    /// <exception cref="TensorArgumentException">Shapes do not fit, or there is no sample.</exception>
    public void InitializeFromPca(Tensor samples)
    {
        ArgumentNullException.ThrowIfNull(samples);
        if (samples.Rank != 3 || samples.Shape[0] == 0 || samples.Shape[1] != Heads || samples.Shape[2] != Features)
            throw new TensorArgumentException("HeadBasis.InitializeFromPca", nameof(samples), $"{samples.Shape}",
                $"[samples, {Heads}, {Features}]");
        using var pause = Graph.NoGrad();
        using var scope = new TensorScope();
        var x = samples.Detach().To(Device.Cpu).To(DType.Float64).Transpose(0, 1);
        var mean = x.Mean([1], keepDimensions: true);
        var centered = x - mean;
        var (_, vectors) = (centered.T.MatMul(centered) / samples.Shape[0]).Eigh();
        Assign(vectors.Flip(-1), mean.Squeeze(1));
    }

    /// <summary>Sets basis and means.</summary>
    /// <param name="directions">U [heads, features, features], orthogonal; columns may be negated to be within reach of the Cayley
    /// map.</param>
    /// <param name="mean">m [heads, features].</param>
    /// <exception cref="TensorArgumentException">Shapes do not fit, or a matrix is not orthogonal.</exception>
    public void Assign(Tensor directions, Tensor mean)
    {
        ArgumentNullException.ThrowIfNull(directions);
        ArgumentNullException.ThrowIfNull(mean);
        using var pause = Graph.NoGrad();
        using var scope = new TensorScope();
        var wide = directions.Detach().To(Device.Cpu).To(DType.Float64);
        if (wide.Shape != Free.Value.Shape)
            throw new TensorArgumentException("HeadBasis.Assign", nameof(directions), $"{wide.Shape}", $"{Free.Value.Shape}");
        // In the dtype given: how exactly orthogonal it must be depends on it.
        var free = rotation.Parametrization.Inverse(ColumnSigns.ForCayley(wide).To(directions.DType));
        Free.Assign(free.To(Free.Value.DType));
        Mean.Assign(mean.Detach().To(Device.Cpu).To(Mean.Value.DType));
    }

    // The basis is given: while gradients are recorded each call of Basis solves anew.
    internal Tensor Coordinates(Tensor x, Tensor basis, Tensor? ranks)
    {
        Require(nameof(x), x);
        return Masked(Attention.Shared("HeadBasis", x, Heads, rows => (rows - Mean.Value.Unsqueeze(1)).MatMul(basis)), ranks);
    }

    internal Tensor Directions(Tensor x, Tensor basis)
    {
        Require(nameof(x), x);
        return Attention.Shared("HeadBasis", x, Heads, rows => rows.MatMul(basis));
    }

    internal Tensor Vectors(Tensor coordinates, Tensor basis)
    {
        Require(nameof(coordinates), coordinates);
        return Attention.Shared("HeadBasis", coordinates, Heads, rows => rows.MatMul(basis.T) + Mean.Value.Unsqueeze(1));
    }

    Tensor Masked(Tensor coordinates, Tensor? ranks)
    {
        if (ranks is null)
            return coordinates;
        if (ranks.Rank != 1 || ranks.Shape[0] != Heads)
            throw new TensorArgumentException("HeadBasis", nameof(ranks), $"{ranks.Shape}", $"[{Heads}]");
        var beyond = Tensor.Arange(Features, ranks.DType, ranks.Device).GreaterEqual(ranks.Unsqueeze(-1));
        return coordinates.MaskedFill(beyond.Unsqueeze(1), 0);
    }

    void Require(string name, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x, name);
        if (x.Rank < 3 || x.Shape[^1] != Features || x.Shape[^3] % Heads != 0)
            throw new TensorArgumentException("HeadBasis", name, $"{x.Shape}", $"[..., {Heads} or a multiple, items, {Features}]");
    }
}
