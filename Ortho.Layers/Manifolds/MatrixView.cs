using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Manifolds;

/// <summary>Weights [outputs, inputs, ...] as matrices [outputs, inputs * ...] of another manifold, transposed where they are wide: so that
/// the weight of any linear layer, or a convolution's kernel, has orthonormal rows or columns, whichever are fewer.</summary>
/// <remarks>A kernel that is orthogonal as a matrix makes a convolution that is at most sqrt(kernel positions)-Lipschitz, and orthogonal
/// only where windows do not overlap (stride = kernel size): the constraint of orthogonal regularisation by reshaped kernels.</remarks>
public sealed class MatrixView : Manifold
{
    /// <summary>A view.</summary>
    /// <param name="matrices">A manifold of tall or square matrices.</param>
    /// <param name="dimensions">Dimensions of one weight: 2 for a linear layer's, 4 for the kernel of a two-dimensional
    /// convolution.</param>
    /// <exception cref="TensorArgumentException">The manifold is not one of matrices.</exception>
    public MatrixView(Manifold matrices, int dimensions = 2)
    {
        ArgumentNullException.ThrowIfNull(matrices);
        if (matrices.PointRank != 2)
            throw new TensorArgumentException(nameof(MatrixView), nameof(matrices), matrices.GetType().Name, "a manifold of matrices");
        ArgumentOutOfRangeException.ThrowIfLessThan(dimensions, 2);
        (Matrices, PointRank) = (matrices, dimensions);
    }

    /// <summary>Where the matrices live.</summary>
    public Manifold Matrices { get; }

    /// <inheritdoc/>
    public override int PointRank { get; }

    /// <inheritdoc/>
    protected override string Expected => $"[..., outputs, inputs{string.Concat(Enumerable.Repeat(", *", PointRank - 2))}] whose matrices "
        + $"[outputs, inputs * ...], or their transposes, are points of {Matrices.GetType().Name}";

    /// <inheritdoc/>
    public override bool Holds(Shape shape) => shape.Rank >= PointRank && Matrices.Holds(MatrixShape(shape));

    /// <inheritdoc/>
    public override long Dimension(Shape shape) => Matrices.Dimension(MatrixShape(shape));

    /// <summary>The shape of the matrices of weights of a shape.</summary>
    internal Shape MatrixShape(Shape shape)
    {
        var lead = shape.Rank - PointRank;
        var (outputs, inputs) = (shape[lead], checked((int)shape[(lead + 1)..].ElementCount));
        return shape[..lead].Concat(IsWide(shape) ? [inputs, outputs] : [outputs, inputs]);
    }

    /// <summary>The matrices of weights.</summary>
    internal Tensor ToMatrix(Tensor x)
    {
        var matrix = x.Flatten(x.Rank - PointRank + 1);
        return IsWide(x.Shape) ? matrix.H : matrix;
    }

    /// <summary>The weights, of a shape, of their matrices.</summary>
    internal Tensor FromMatrix(Tensor matrix, Shape shape) => (IsWide(shape) ? matrix.H : matrix).Reshape([.. shape]);

    bool IsWide(Shape shape) => shape[shape.Rank - PointRank] < shape[(shape.Rank - PointRank + 1)..].ElementCount;

    Tensor Map(Func<Tensor[], Tensor> function, params Tensor[] x) => FromMatrix(function([.. x.Select(ToMatrix)]), x[0].Shape);

    // A number for each point has the dimensions of the weight.
    Tensor Each(Tensor perMatrix) => perMatrix.Reshape([.. perMatrix.Shape[..^2], .. Enumerable.Repeat(1, PointRank)]);

    /// <inheritdoc/>
    public override Tensor Project(Tensor x, Tensor u)
    {
        Check(nameof(Project), x, u);
        return Map(at => Matrices.Project(at[0], at[1]), x, u);
    }

    /// <inheritdoc/>
    public override Tensor Gradient(Tensor x, Tensor gradient)
    {
        Check(nameof(Gradient), x, gradient);
        return Map(at => Matrices.Gradient(at[0], at[1]), x, gradient);
    }

    /// <inheritdoc/>
    public override Tensor Hessian(Tensor x, Tensor gradient, Tensor hessian, Tensor v)
    {
        Check(nameof(Hessian), x, gradient, hessian, v);
        return Map(at => Matrices.Hessian(at[0], at[1], at[2], at[3]), x, gradient, hessian, v);
    }

    /// <inheritdoc/>
    public override Tensor Inner(Tensor x, Tensor u, Tensor v)
    {
        Check(nameof(Inner), x, u, v);
        return Each(Matrices.Inner(ToMatrix(x), ToMatrix(u), ToMatrix(v)));
    }

    /// <inheritdoc/>
    public override Tensor Retract(Tensor x, Tensor v)
    {
        Check(nameof(Retract), x, v);
        return Map(at => Matrices.Retract(at[0], at[1]), x, v);
    }

    /// <summary>That of the matrices.</summary>
    public override Tensor Transport(Tensor x, Tensor y, Tensor v)
    {
        Check(nameof(Transport), x, y, v);
        return Map(at => Matrices.Transport(at[0], at[1], at[2]), x, y, v);
    }

    /// <inheritdoc/>
    public override Tensor Deviation(Tensor x)
    {
        Check(nameof(Deviation), x);
        return Each(Matrices.Deviation(ToMatrix(x)));
    }

    /// <inheritdoc/>
    public override Tensor ProjectOnto(Tensor x)
    {
        Check(nameof(ProjectOnto), x);
        return Map(at => Matrices.ProjectOnto(at[0]), x);
    }

    /// <inheritdoc/>
    public override Tensor Sample(Shape shape, Generator generator, DType dtype = DType.Float32, Device? device = null)
    {
        CheckSample(shape, generator, dtype);
        return FromMatrix(Matrices.Sample(MatrixShape(shape), generator, dtype, device), shape);
    }
}
