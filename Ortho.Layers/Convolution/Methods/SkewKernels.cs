using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Tensors;

namespace Ortho.Layers.ConvolutionMethods;

/// <summary>Kernels whose convolution is skew-symmetric, on a torus and with zeros around the images.</summary>
static class SkewKernels
{
    /// <summary>(V - V') / 2 with V' the kernel of the adjoint: channels exchanged, taps turned round.</summary>
    public static Tensor Of(Tensor v) => (v - v.Transpose(0, 1).Flip(2, 3)) * 0.5;

    /// <summary>The least of the largest singular values of four matrices of a skew kernel's numbers; sqrt(h w) times it bounds the
    /// convolution's norm for any size of image. Singla and Feizi 2021.</summary>
    /// <remarks>The adjoint's kernel is the negative one, so the matrices are two and, permuted, their negative transposes: two
    /// norms.</remarks>
    public static Tensor FourNorms(Tensor kernel)
    {
        var (m, c, h, w) = (kernel.Shape[0], kernel.Shape[1], kernel.Shape[2], kernel.Shape[3]);
        return Tensor.Minimum(GramIteration.Bound(kernel.Permute(0, 2, 1, 3).Reshape(m * h, c * w)),
            GramIteration.Bound(kernel.Reshape(m, c * h * w)));
    }

    /// <summary>A random square kernel of c channels.</summary>
    public static FreeNumbers Initial(int c, Extent2 kernel, Generator generator, DType dtype)
        => new("weight", Tensor.Normal([c, c, kernel.Height, kernel.Width], generator,
            deviation: 1 / Math.Sqrt((double)c * kernel.Height * kernel.Width), dtype: dtype), ParameterRole.Convolution);

    /// <summary>Refuses even kernels, whose middle is no tap.</summary>
    public static void RequireOdd(string method, ConvolutionShape shape)
    {
        if (shape.Kernel.Height % 2 == 0 || shape.Kernel.Width % 2 == 0)
            throw new TensorArgumentException(method, "kernelSize", $"{shape.Kernel}", "odd: a skew-symmetric kernel has a middle");
    }
}
