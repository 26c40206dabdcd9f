using System.Runtime.CompilerServices;
using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Manifolds;

/// <summary>A Riemannian manifold whose points and tangent vectors are tensors: what optimizers need to stay on it. Absil, Mahony and
/// Sepulchre 2008.</summary>
/// <remarks>
/// The last <see cref="PointRank"/> dimensions are one point; all before them are a batch, and a tensor is a point of the product of as
/// many copies. Tangent vectors have the shape of their point. Everything is a composition of differentiable operations on the device of
/// its arguments, except <see cref="Error"/>, which is judged on the host.
/// </remarks>
public abstract class Manifold
{
    /// <summary>How many of the last dimensions make one point: 2 for matrices, 1 for vectors, 0 for numbers.</summary>
    public abstract int PointRank { get; }

    /// <summary>What shape points have, in words, for messages.</summary>
    protected abstract string Expected { get; }

    /// <summary>Whether a tensor of this shape can hold points.</summary>
    public abstract bool Holds(Shape shape);

    /// <summary>Degrees of freedom of a real tensor of points of this shape, those of all points of a batch together.</summary>
    public abstract long Dimension(Shape shape);

    /// <summary>The tangent vector at x nearest to u, in the Euclidean distance: the orthogonal projection.</summary>
    /// <param name="x">Points.</param>
    /// <param name="u">Any tensor of x's shape.</param>
    public abstract Tensor Project(Tensor x, Tensor u);

    /// <summary>The Riemannian gradient: the tangent vector r with <c>Inner(x, r, v)</c> = Re &lt;gradient, v&gt; for every tangent
    /// v.</summary>
    /// <param name="x">Points.</param>
    /// <param name="gradient">The Euclidean gradient of the cost.</param>
    public virtual Tensor Gradient(Tensor x, Tensor gradient) => Project(x, gradient);

    /// <summary>The Riemannian Hessian of the cost, applied to v: the covariant derivative of the gradient along v.</summary>
    /// <param name="x">Points.</param>
    /// <param name="gradient">The Euclidean gradient of the cost at x.</param>
    /// <param name="hessian">The Euclidean Hessian of the cost at x, applied to v.</param>
    /// <param name="v">A tangent vector at x.</param>
    public abstract Tensor Hessian(Tensor x, Tensor gradient, Tensor hessian, Tensor v);

    /// <summary>The metric at each point of a batch, real; the point's dimensions stay with extent 1, so that it multiplies
    /// vectors.</summary>
    /// <param name="x">Points.</param>
    /// <param name="u">A tangent vector at x.</param>
    /// <param name="v">A tangent vector at x.</param>
    public abstract Tensor Inner(Tensor x, Tensor u, Tensor v);

    /// <summary>A point that moves from x along v: R(0) = x, R'(0) = v.</summary>
    /// <param name="x">Points.</param>
    /// <param name="v">A tangent vector at x, the whole step.</param>
    public abstract Tensor Retract(Tensor x, Tensor v);

    /// <summary>A tangent vector at y that stands for v at x. Where not stated otherwise the projection, which keeps no lengths.</summary>
    /// <param name="x">Points.</param>
    /// <param name="y">Points, where the step ended.</param>
    /// <param name="v">A tangent vector at x.</param>
    public virtual Tensor Transport(Tensor x, Tensor y, Tensor v)
    {
        Check(nameof(Transport), x, y, v);
        return Project(y, v);
    }

    /// <summary>How far each tensor of a point's shape is from the manifold, 0 on it; of the shape of <see cref="Inner"/>.</summary>
    /// <param name="x">Of a shape that holds points.</param>
    public abstract Tensor Deviation(Tensor x);

    /// <summary>The largest <see cref="Deviation"/>, in float64 on the host.</summary>
    /// <param name="x">Of a shape that holds points.</param>
    public double Error(Tensor x)
    {
        Check(nameof(Error), x);
        if (x.ElementCount == 0)
            return 0;
        using var pause = Graph.NoGrad();
        using var scope = new TensorScope();
        return Deviation(x.Detach().To(Device.Cpu).To(x.DType.IsComplex ? DType.Complex128 : DType.Float64)).Max().Item();
    }

    /// <summary>The point of the manifold nearest to x, in the Euclidean distance.</summary>
    /// <param name="x">Of a shape that holds points.</param>
    public abstract Tensor ProjectOnto(Tensor x);

    /// <summary>Random points: uniform where the manifold is compact.</summary>
    /// <param name="shape">Of a shape that holds points.</param>
    /// <param name="generator">Source of the numbers.</param>
    /// <param name="dtype">Floating-point or complex.</param>
    /// <param name="device">The CPU when null.</param>
    public abstract Tensor Sample(Shape shape, Generator generator, DType dtype = DType.Float32, Device? device = null);

    /// <summary>Refuses points and vectors that do not belong together.</summary>
    /// <exception cref="TensorArgumentException">x is of a shape that holds no points or not differentiable, or another tensor has another
    /// shape, dtype or device.</exception>
    protected void Check(string operation, Tensor x, Tensor? a = null, Tensor? b = null, Tensor? c = null,
        [CallerArgumentExpression(nameof(a))] string nameOfA = "", [CallerArgumentExpression(nameof(b))] string nameOfB = "",
        [CallerArgumentExpression(nameof(c))] string nameOfC = "")
    {
        ArgumentNullException.ThrowIfNull(x);
        operation = $"{GetType().Name}.{operation}";
        if (!x.DType.IsDifferentiable)
            throw new TensorArgumentException(operation, nameof(x), $"{x.DType}", "a floating-point or complex tensor");
        Check(operation, x.Shape);
        Like(a, nameOfA);
        Like(b, nameOfB);
        Like(c, nameOfC);

        void Like(Tensor? other, string name)
        {
            if (other is not null && (other.Shape != x.Shape || other.DType != x.DType || other.Device != x.Device))
                throw new TensorArgumentException(operation, name, $"{other.DType} {other.Shape} on {other.Device}",
                    $"{x.DType} {x.Shape} on {x.Device}, like x");
        }
    }

    void Check(string operation, Shape shape)
    {
        if (!Holds(shape))
            throw new TensorArgumentException(operation, "x", $"of shape {shape}", Expected);
    }

    /// <summary>Refuses what <see cref="Sample"/> cannot make.</summary>
    protected void CheckSample(Shape shape, Generator generator, DType dtype)
    {
        ArgumentNullException.ThrowIfNull(generator);
        Check($"{GetType().Name}.{nameof(Sample)}", shape);
        if (!dtype.IsDifferentiable)
            throw new TensorArgumentException($"{GetType().Name}.{nameof(Sample)}", nameof(dtype), $"{dtype}",
                "a floating-point or complex dtype");
    }

    /// <summary>Re sum conj(u) v over the dimensions of a point, which stay with extent 1.</summary>
    private protected static Tensor Dot(Tensor u, Tensor v, int rank)
    {
        var products = u.DType.IsComplex ? (u.Conj() * v).Real() : u * v;
        return rank == 0 ? products : products.Sum(rank == 1 ? [-1] : [-2, -1], keepDimensions: true);
    }

    /// <summary>Standard normal numbers; complex ones with such real and imaginary parts.</summary>
    private protected static Tensor Normal(Shape shape, Generator generator, DType dtype, Device? device)
    {
        var real = dtype.IsHalfPrecision ? DType.Float32 : dtype.RealType;
        var x = Tensor.Normal(shape, generator, dtype: real, device: device);
        return dtype.IsComplex ? Tensor.Complex(x, Tensor.Normal(shape, generator, dtype: real, device: device)) : x;
    }
}
