using Ortho.Autograd;
using Ortho.Tensors;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Support;

/// <summary>Linear maps as matrices: what no layer can be wrong about.</summary>
static class ImpulseResponses
{
    /// <summary>The matrix [outputs, inputs] of a linear map, its answers to all unit impulses, in float64.</summary>
    /// <param name="map">Of a batch of inputs.</param>
    /// <param name="input">The shape of one input.</param>
    /// <param name="dtype">What it computes in.</param>
    public static Tensor Matrix(Func<Tensor, Tensor> map, Shape input, DType dtype = DType.Float64)
    {
        using (Graph.NoGrad())
        {
            var count = (int)input.ElementCount;
            var impulses = Tensor.Eye(count, dtype: dtype).Reshape([count, .. input]);
            return Wide(map(impulses).Flatten(1)).T.Contiguous();
        }
    }

    /// <summary>The least and the largest singular value.</summary>
    public static (double Smallest, double Largest) Range(Tensor matrix)
    {
        var values = matrix.SingularValues().ToArray<double>();
        return (values.Min(), values.Max());
    }
}
