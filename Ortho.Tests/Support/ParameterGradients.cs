using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Tensors;

namespace Ortho.Tests.Support;

/// <summary>Gradients of a module's parameters against central differences.</summary>
static class ParameterGradients
{
    /// <summary>Fails when a gradient of a scalar loss differs from the central difference by more than the tolerance, relative to 1 + its
    /// size.</summary>
    /// <param name="module">Its parameters are Float64.</param>
    /// <param name="loss">A function of the parameters as they are.</param>
    /// <param name="tolerance">Largest difference.</param>
    /// <param name="samples">Elements of each parameter that are tried.</param>
    public static void Check(Module module, Func<Tensor> loss, double tolerance = 1e-8, int samples = 6)
    {
        module.ZeroGrad();
        loss().Backward();
        foreach (var (name, parameter) in module.NamedParameters())
        {
            var (at, gradient) = (parameter.Value.ToArray<double>(), parameter.Value.Grad?.ToArray<double>());
            Assert.That(gradient, Is.Not.Null, $"{name} has no gradient");
            var stride = Math.Max(1, at.Length / samples);
            for (var element = 0; element < at.Length; element += stride)
            {
                var slope = (Shifted(1e-5) - Shifted(-1e-5)) / 2e-5;
                parameter.Assign(Tensor.From(at, parameter.Value.Shape));
                Assert.That(gradient![element], Is.EqualTo(slope).Within(tolerance * (1 + Math.Abs(slope))), $"{name}, element {element}");

                double Shifted(double by)
                {
                    double[] moved = [.. at];
                    moved[element] += by;
                    parameter.Assign(Tensor.From(moved, parameter.Value.Shape));
                    using var pause = Graph.NoGrad();
                    return loss().Item();
                }
            }
        }
    }
}
