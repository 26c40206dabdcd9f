using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>A set of matrices (or vectors) that free numbers describe: a differentiable map onto it, the way back, membership and a random
/// element.</summary>
/// <remarks>All are batched: leading dimensions are matrices of their own. A parametrization with numbers of its own (buffers, as
/// <see cref="DynamicTrivialization"/> has) is a <see cref="Module"/> as well, so that whoever holds it saves and moves them.</remarks>
public interface IParametrization
{
    /// <summary>The value that free numbers stand for. Differentiable. BFloat16 and Half are computed in float32 and rounded
    /// once.</summary>
    /// <param name="free">Free numbers, of the shape <see cref="FreeShape"/>.</param>
    /// <exception cref="TensorArgumentException">The shape or dtype does not fit.</exception>
    Tensor Forward(Tensor free);

    /// <summary>Free numbers that give a value: <c>Forward(Inverse(value)) = value</c>. Not differentiable; computed on the host in
    /// float64.</summary>
    /// <exception cref="TensorArgumentException">The value is not in the set (see <see cref="Membership.Tolerance"/>), or not reached by
    /// the map.</exception>
    Tensor Inverse(Tensor value);

    /// <summary>How far a value is from the set (from its closure where it is open): 0 in it, of the order of the Frobenius distance near
    /// it, the largest of a batch. Judged on the host in float64.</summary>
    double Error(Tensor value);

    /// <summary>A random element of the set: uniformly distributed where that has a meaning, else as stated.</summary>
    /// <param name="shape">Of the value.</param>
    /// <param name="generator">Source of random numbers.</param>
    /// <param name="dtype">Of the value.</param>
    /// <param name="device">The CPU when null.</param>
    Tensor Sample(Shape shape, Generator generator, DType dtype = DType.Float32, Device? device = null);

    /// <summary>The shape of the free numbers of values of a shape: the same, unless stated.</summary>
    Shape FreeShape(Shape value) => value;
}

/// <summary>A parametrization of matrices with orthonormal columns, Q^H Q = I, or orthonormal rows where there are fewer of them.</summary>
public interface IOrthogonalParametrization : IParametrization;

/// <summary>Whether values belong to a set.</summary>
public static class Membership
{
    extension(IParametrization set)
    {
        /// <summary>Whether a value is within a distance of the set; see <see cref="IParametrization.Error"/>.</summary>
        public bool Contains(Tensor value, double tolerance) => set.Error(value) <= tolerance;
    }

    /// <summary>The distance up to which a value of a dtype counts as an element of a set, per unit of its Frobenius norm (and at least 1
    /// unit): far above its rounding, far below what a mistake makes.</summary>
    public static double Tolerance(DType dtype) => dtype.RealType switch
    {
        DType.Float64 => 1e-8,
        DType.Half => 1e-2,
        DType.BFloat16 => 3e-2,
        _ => 1e-4,
    };
}
