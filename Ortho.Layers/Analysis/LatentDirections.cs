using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Analysis;

/// <summary>Directions in a generator's latent space, and how far its output moves along them.</summary>
public static class LatentDirections
{
    /// <summary>SeFa: the right singular vectors of a generator's first matrix, strongest first. Shen and Zhou 2021.</summary>
    /// <param name="weight">A [outputs, inputs], decomposed on the host in float64.</param>
    /// <param name="count">How many, at most inputs: beyond the matrix's rank they move nothing.</param>
    /// <returns>Orthonormal columns [inputs, count].</returns>
    /// <exception cref="TensorArgumentException">The weight is no floating-point matrix.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The count is not in 1 to inputs.</exception>
    public static Tensor FromWeight(Tensor weight, int count)
    {
        ArgumentNullException.ThrowIfNull(weight);
        if (weight.Rank != 2 || !weight.DType.IsFloatingPoint)
            throw new TensorArgumentException("LatentDirections.FromWeight", nameof(weight), $"{weight.DType} {weight.Shape}",
                "floating-point [outputs, inputs]");
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, weight.Shape[1]);
        using var pause = Graph.NoGrad();
        var v = weight.Detach().To(Device.Cpu).To(DType.Float64).Svd(fullMatrices: true).V;
        return v.Narrow(1, 0, count).To(weight.DType).To(weight.Device).Clone();
    }

    /// <summary>The squared path length of each direction: the mean over latent codes w of |G(w + e d) - G(w)|^2 / e^2. (The published
    /// measure takes a learnt perceptual distance; this one is the plain squared distance.)</summary>
    /// <param name="generator">G: codes [batch, inputs] to outputs [batch, ...].</param>
    /// <param name="codes">w [batch, inputs].</param>
    /// <param name="directions">d, columns [inputs, count].</param>
    /// <param name="step">e.</param>
    /// <exception cref="TensorArgumentException">Codes and directions do not fit.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is zero or not finite.</exception>
    public static double[] PathLength(Func<Tensor, Tensor> generator, Tensor codes, Tensor directions, double step = 1)
    {
        ArgumentNullException.ThrowIfNull(generator);
        ArgumentNullException.ThrowIfNull(codes);
        ArgumentNullException.ThrowIfNull(directions);
        if (codes.Rank != 2 || codes.Shape[0] == 0)
            throw new TensorArgumentException("LatentDirections.PathLength", nameof(codes), $"{codes.Shape}",
                "[batch, inputs], one code or more");
        if (directions.Rank != 2 || directions.Shape[0] != codes.Shape[1])
            throw new TensorArgumentException("LatentDirections.PathLength", nameof(directions), $"{directions.Shape}",
                $"[{codes.Shape[1]}, count]");
        if (step == 0 || !double.IsFinite(step))
            throw new ArgumentOutOfRangeException(nameof(step), step, "LatentDirections.PathLength: a finite step that is not 0.");
        using var pause = Graph.NoGrad();
        using var scope = new TensorScope();
        var start = generator(codes);
        var lengths = new double[directions.Shape[1]];
        for (var k = 0; k < lengths.Length; k++)
        {
            using var inner = new TensorScope();
            var moved = generator(codes + directions.Select(1, k) * step) - start;
            lengths[k] = moved.To(DType.Float64).Square().Sum().Item() / (codes.Shape[0] * step * step);
        }
        return lengths;
    }
}
