using System.Runtime.CompilerServices;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Autograd;

/// <summary>What users add to the library: a pointwise formula, and functions with derivative rules of their own. The README shows both.</summary>
[TestFixture, Category("Devices")]
public class CustomOpTests
{
    static IEnumerable<string> Kinds => Devices.Kinds;

    /// <summary>1 / (1 + x^2), in the algebra of lanes.</summary>
    public readonly struct Lorentz : IUnary
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Apply<T>(T x) where T : struct, ILane<T> => T.Of(1) / T.Fma(x, x, T.Of(1));
    }

    /// <summary>GELU of x + bias, scaled.</summary>
    public readonly struct BiasGeluScale : ITernary
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Apply<T>(T x, T bias, T scale) where T : struct, ILane<T> => Gelu.Apply(x + bias) * scale;
    }

    [TestCaseSource(nameof(Kinds))]
    public void A_chain_as_one_formula_gives_the_bits_of_the_chain(string kind)
    {
        var device = Devices.Of(kind);
        var (x, b) = (Tensor.Uniform([5, 37], new Generator(1), -2, 2).To(device), Tensor.Uniform([37], new Generator(2), -2, 2).To(device));
        var (one, chain) = (PointwiseOps.Apply<Ternary<BiasGeluScale>>("BiasGeluScale", x, b, 1.5), (x + b).Gelu() * 1.5);
        Assert.That(one.ToArray<float>(), Is.EqualTo(chain.ToArray<float>()));
        var wide = x.To(DType.Float64).To(Device.Cpu);
        Assert.That(GradientCheck.Run(t => PointwiseOps.Apply<Ternary<BiasGeluScale>>("BiasGeluScale", t[0], t[1], 1.5), [wide, b.To(DType.Float64).To(Device.Cpu)], 1e-4, 2).Error, Is.LessThan(1e-8));
    }

    static Tensor LorentzOf(Tensor x) => PointwiseOps.Apply<Unary<Lorentz>>("Lorentz", x);

    // |x|, with 1 for its derivative where others have 0: a subgradient of one's own choice.
    static Tensor AbsWithSlopeAtZero(Tensor x)
    {
        Tensor y;
        using (Graph.NoGrad())
            y = x.Abs();
        return Graph.Record("AbsWithSlopeAtZero", y, (x, g => Tensor.Where(x.Less(Tensor.Zeros([], x.DType, x.Device)), -g, g)));
    }

    // (a b, a + b) as one function with two outputs.
    static (Tensor Product, Tensor Sum) ProductAndSum(Tensor a, Tensor b)
    {
        Tensor product, sum;
        using (Graph.NoGrad())
            (product, sum) = (a * b, a + b);
        Graph.Record("ProductAndSum", [product, sum],
            (a, g => Both(g[0] is { } p ? p * b : null, g[1])),
            (b, g => Both(g[0] is { } p ? p * a : null, g[1])));
        return (product, sum);

        static Tensor Both(Tensor? x, Tensor? y) => x is null ? y! : y is null ? x : x + y;
    }

    [TestCaseSource(nameof(Kinds))]
    public void A_formula_runs_everywhere_with_its_derivatives(string kind)
    {
        var device = Devices.Of(kind);
        double[] at = [-2, -0.5, 0, 0.25, 3];
        var x = Tensor.From(at, [5], device);
        Assert.That(LorentzOf(x).ToArray<double>(), Is.EqualTo(at.Select(v => 1 / (1 + v * v))).Within(1e-15));
        Assert.That(Derivatives.Gradient(v => LorentzOf(v).Sum(), x).ToArray<double>(), Is.EqualTo(at.Select(v => -2 * v / Math.Pow(1 + v * v, 2))).Within(1e-15));
        Assert.That(GradientCheck.Run(v => LorentzOf(v[0]), [x], 1e-4, order: 2).Error, Is.LessThan(1e-8));
        Assert.That(LorentzOf(x.To(DType.Half)).DType, Is.EqualTo(DType.Half));
    }

    [Test]
    public void A_rule_of_ones_own_replaces_the_composed_one()
    {
        var x = Tensor.From([-1.0, 0, 2], [3]).RequiresGrad();
        AbsWithSlopeAtZero(x).Sum().Backward();
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new[] { -1.0, 1, 1 }));
    }

    [Test]
    public void Several_outputs_share_a_rule()
    {
        Tensor[] at = [Tensor.Normal([3, 2], new Generator(1), dtype: DType.Float64), Tensor.Normal([3, 2], new Generator(2), dtype: DType.Float64)];
        foreach (var use in (Func<Tensor, Tensor, Tensor>[])[(p, s) => p.Exp() * s, (p, _) => p.Sin(), (_, s) => s.Square()])
        {
            var found = GradientCheck.Run(x => ProductAndSum(x[0], x[1]) is var (p, s) ? use(p, s) : x[0], at, 1e-4, order: 2);
            Assert.That(found.Error, Is.LessThan(1e-8), found.Where);
        }
    }
}
