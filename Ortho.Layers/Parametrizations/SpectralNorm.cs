using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>Matrices of one largest singular value: c W / s with s = Re u^H W v, u and v from power iteration, which goes on by a few steps
/// with each training step. Real and complex. Miyato, Kataoka, Koyama and Yoshida 2018.</summary>
/// <remarks>
/// <para>u and v are buffers. They move while the module trains and gradients are recorded; evaluation uses them as they are. No gradient
/// passes through them, as s has none where they are singular vectors.</para>
/// <para>s is at most the largest singular value, so the value's norm is c or more, by what the iteration has not caught up: <c>Error</c>
/// tells. For a bound that always holds, use a map with a certificate (<see cref="AlmostOrthogonal"/> or any orthogonal one).</para>
/// </remarks>
public sealed class SpectralNorm : Module, IParametrization
{
    readonly ModuleBuffer left, right;
    readonly int iterations;

    /// <summary>The matrices of a shape.</summary>
    /// <param name="shape">[..., rows, columns].</param>
    /// <param name="generator">Source of the first u and v.</param>
    /// <param name="norm">c.</param>
    /// <param name="iterations">Steps of power iteration with each step of training.</param>
    /// <param name="dtype">Of u and v: that of the free numbers (Float32 for 16-bit ones).</param>
    /// <exception cref="TensorArgumentException">The shape is not that of matrices, or the dtype not one that is computed in.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The norm or the number of iterations is not positive.</exception>
    public SpectralNorm(Shape shape, Generator generator, double norm = 1, int iterations = 1, DType dtype = DType.Float32)
    {
        ArgumentNullException.ThrowIfNull(generator);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(norm);
        ArgumentOutOfRangeException.ThrowIfLessThan(iterations, 1);
        if (shape.Rank < 2 || shape.ElementCount == 0)
            throw new TensorArgumentException(nameof(SpectralNorm), nameof(shape), $"{shape}", "[..., rows, columns], no extent 0");
        if (!dtype.HasArithmetic)
            throw new TensorArgumentException(nameof(SpectralNorm), nameof(dtype), $"{dtype}", "Float32, Float64, Complex64 or Complex128");
        (Norm, Shape, this.iterations) = (norm, shape, iterations);
        using var pause = Graph.NoGrad();
        left = RegisterBuffer("u", Unit(NormalMatrix.Of(shape.With(shape.Rank - 1, 1), generator, dtype, null)));
        right = RegisterBuffer("v", Unit(NormalMatrix.Of(shape[..^2].Concat([shape[^1], 1]), generator, dtype, null)));
    }

    /// <summary>c.</summary>
    public double Norm { get; }

    /// <summary>Of the values.</summary>
    public Shape Shape { get; }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor free)
    {
        ArgumentNullException.ThrowIfNull(free);
        Require(nameof(SpectralNorm), nameof(free), free.Shape, free.DType);
        if (free.DType.IsHalfPrecision)
            return Forward(free.To(DType.Float32)).To(free.DType);
        if (IsTraining && Graph.IsRecording)
            Iterate(free.Detach(), iterations);
        // Constants of their own: the gradient must not see the buffers move at the next step.
        var (u, v) = (left.Value.Clone(), right.Value.Clone());
        var s = u.H.MatMul(free.MatMul(v)).Real();
        return free * (Norm / s).To(free.DType);
    }

    void Iterate(Tensor w, int steps)
    {
        using var pause = Graph.NoGrad();
        using var scope = new TensorScope();
        var u = left.Value;
        Tensor v = right.Value;
        for (var k = 0; k < steps; k++)
        {
            v = Unit(w.H.MatMul(u));
            u = Unit(w.MatMul(v));
        }
        left.Assign(u);
        right.Assign(v);
    }

    /// <summary>The value itself; u and v become its singular vectors.</summary>
    public Tensor Inverse(Tensor value)
    {
        var error = Error(value);
        if (!(error <= Membership.Tolerance(value.DType) * Math.Max(1, Norm)))
            throw new TensorArgumentException($"{nameof(SpectralNorm)}.Inverse", nameof(value), $"at distance {error:0.###e+0}",
                $"matrices of largest singular value {Norm}");
        using var pause = Graph.NoGrad();
        using var scope = new TensorScope();
        var (u, _, v) = Judged(value).Svd();
        left.Assign(u.Narrow(-1, 0, 1).To(left.Value.DType));
        right.Assign(v.Narrow(-1, 0, 1).To(right.Value.DType));
        return scope.Keep(value.Detach().Clone());
    }

    /// <summary>|s - c| for the largest singular value s of the value.</summary>
    public double Error(Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        Require($"{nameof(SpectralNorm)}.Error", nameof(value), value.Shape, value.DType);
        using var pause = Graph.NoGrad();
        using var scope = new TensorScope();
        return (Judged(value).SingularValues().Narrow(-1, 0, 1) - Norm).Abs().Max().Item();
    }

    /// <summary>Normal numbers, scaled.</summary>
    public Tensor Sample(Shape shape, Generator generator, DType dtype = DType.Float32, Device? device = null)
    {
        Require($"{nameof(SpectralNorm)}.Sample", nameof(shape), shape, dtype);
        using var pause = Graph.NoGrad();
        if (dtype.IsHalfPrecision)
            return Sample(shape, generator, DType.Float32, device).To(dtype);
        var w = NormalMatrix.Of(shape, generator, dtype, device);
        return w * (Norm / w.SingularValues().Narrow(-1, 0, 1).Unsqueeze(-1)).To(dtype);
    }

    static Tensor Judged(Tensor value) => value.Detach().To(Device.Cpu).To(value.DType.IsComplex ? DType.Complex128 : DType.Float64);

    static Tensor Unit(Tensor x) => x * (1 / (x.Norm([-2, -1], keepDimensions: true) + 1e-30)).To(x.DType);

    void Require(string operation, string argument, Shape shape, DType dtype)
    {
        if (shape != Shape)
            throw new TensorArgumentException(operation, argument, $"{shape}", $"{Shape}");
        if (!dtype.IsDifferentiable || dtype.IsComplex != left.Value.DType.IsComplex)
            throw new TensorArgumentException(operation, argument, $"{dtype}",
                $"a dtype that is {(left.Value.DType.IsComplex ? "complex" : "floating-point")}, as u and v");
    }
}
