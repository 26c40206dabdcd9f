using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Certification;

/// <summary>The exact range of a linear map's singular values.</summary>
/// <param name="Smallest">Smallest of the min(rows, columns) singular values.</param>
/// <param name="Largest">Largest singular value: the Lipschitz constant of the layer in L2.</param>
public readonly record struct Spectrum(double Smallest, double Largest)
{
    /// <summary>The largest distance of a singular value from 1.</summary>
    public double OrthogonalityError => Math.Max(Math.Abs(Largest - 1), Math.Abs(1 - Smallest));

    /// <summary>Largest over smallest singular value.</summary>
    public double Condition => Largest / Smallest;

    /// <summary>The singular values of one matrix or of all matrices of a batch (the blocks of a block-diagonal map), in float64.</summary>
    /// <param name="matrices">Real or complex [..., rows, columns].</param>
    public static Spectrum OfMatrix(Tensor matrices)
    {
        ArgumentNullException.ThrowIfNull(matrices);
        using (Graph.NoGrad())
        {
            using var scope = new TensorScope();
            // Certification is an offline judgement: it is made in float64 on the CPU whatever the layer computes in.
            var wide = matrices.Detach().To(Device.Cpu).To(matrices.DType.IsComplex ? DType.Complex128 : DType.Float64);
            var values = wide.SingularValues().ToArray<double>();
            return new(values.Min(), values.Max());
        }
    }
}

/// <summary>A layer whose linear part can be judged exactly.</summary>
public interface ICertifiable : ILipschitz
{
    /// <summary>The exact range of its singular values.</summary>
    Spectrum Certify();

    /// <inheritdoc/>
    double ILipschitz.LipschitzBound() => Certify().Largest;
}
