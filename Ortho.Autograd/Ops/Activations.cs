using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>Activation functions of neural networks, element by element, of floating-point tensors.</summary>
[OpFamily("activation")]
public static class ActivationOps
{
    extension(Tensor x)
    {
        /// <summary>Logistic function 1 / (1 + e^-x).</summary>
        [Op]
        public Tensor Sigmoid() => PointwiseOps.Real<Unary<Sigmoid>>("Sigmoid", x);

        /// <summary>max(x, 0); its gradient at 0 is 0.</summary>
        [Op]
        public Tensor Relu() => PointwiseOps.Real<UnarySlope<Relu>>("Relu", x);

        /// <summary>x / (1 + e^-x). Elfwing et al. 2017.</summary>
        [Op]
        public Tensor Silu() => PointwiseOps.Real<Unary<Silu>>("Silu", x);

        /// <summary>x (1 + erf(x / sqrt 2)) / 2. Hendrycks and Gimpel 2016.</summary>
        [Op]
        public Tensor Gelu() => PointwiseOps.Real<Unary<Gelu>>("Gelu", x);

        /// <summary>GELU in its tanh form. Hendrycks and Gimpel 2016.</summary>
        [Op]
        public Tensor GeluTanh() => PointwiseOps.Real<Unary<GeluTanh>>("GeluTanh", x);

        /// <summary>log(1 + e^x).</summary>
        [Op]
        public Tensor Softplus() => PointwiseOps.Real<UnarySlope<Softplus>>("Softplus", x);

        /// <summary>x above 0, alpha (e^x - 1) below. Clevert et al. 2015.</summary>
        [Op]
        public Tensor Elu(double alpha = 1) => PointwiseOps.Real<Binary<Elu>>("Elu", x, alpha);

        /// <summary>x above 0, alpha (e^(x / alpha) - 1) below. Barron 2017.</summary>
        [Op]
        public Tensor Celu(double alpha = 1) => PointwiseOps.Real<Binary<Celu>>("Celu", x, alpha);

        /// <summary>1.0507 times (x above 0, 1.6733 (e^x - 1) below). Klambauer et al. 2017.</summary>
        [Op]
        public Tensor Selu() => PointwiseOps.Real<Unary<Selu>>("Selu", x);

        /// <summary>x above 0, slope x below. Maas et al. 2013.</summary>
        [Op]
        public Tensor LeakyRelu(double slope = 0.01) => PointwiseOps.Real<Binary<LeakyRelu>>("LeakyRelu", x, slope);

        /// <summary>x limited to [0, 6]. Krizhevsky 2010.</summary>
        [Op]
        public Tensor Relu6() => PointwiseOps.Real<Ternary<Clamp>>("Relu6", x, 0, 6);

        /// <summary>x limited to [low, high].</summary>
        [Op]
        public Tensor Hardtanh(double low = -1, double high = 1) => PointwiseOps.Real<Ternary<Clamp>>("Hardtanh", x, low, high);

        /// <summary>(x + 3) / 6, limited to [0, 1]. Howard et al. 2019.</summary>
        [Op]
        public Tensor Hardsigmoid() => PointwiseOps.Real<Unary<Hardsigmoid>>("Hardsigmoid", x);

        /// <summary>x times the hard sigmoid. Howard et al. 2019.</summary>
        [Op]
        public Tensor Hardswish() => PointwiseOps.Real<Unary<Hardswish>>("Hardswish", x);

        /// <summary>x tanh(log(1 + e^x)). Misra 2019.</summary>
        [Op]
        public Tensor Mish() => PointwiseOps.Real<Unary<Mish>>("Mish", x);

        /// <summary>log(1 / (1 + e^-x)), without overflow.</summary>
        [Op]
        public Tensor LogSigmoid() => PointwiseOps.Real<UnarySlope<LogSigmoid>>("LogSigmoid", x);

        /// <summary>x / (1 + |x|).</summary>
        [Op]
        public Tensor Softsign() => PointwiseOps.Real<Unary<Softsign>>("Softsign", x);

        /// <summary>x moved towards 0 by a threshold; 0 within it.</summary>
        [Op]
        public Tensor Softshrink(double threshold = 0.5) => PointwiseOps.Real<Binary<Softshrink>>("Softshrink", x, threshold);

        /// <summary>x; 0 where |x| is at most a threshold.</summary>
        [Op]
        public Tensor Hardshrink(double threshold = 0.5) => PointwiseOps.Real<Binary<Hardshrink>>("Hardshrink", x, threshold);

        /// <summary>x above a threshold, else a value.</summary>
        [Op]
        public Tensor Threshold(double threshold, double value) => PointwiseOps.Real<Ternary<Threshold>>("Threshold", x, threshold, value);

        /// <summary>x above 0, slope x below, the slope being learned: one number, or one for each channel (dimension 1 of x). He et al.
        /// 2015.</summary>
        /// <exception cref="TensorArgumentException">The slope is neither.</exception>
        [Op]
        public Tensor Prelu(Tensor slope)
        {
            if (slope.ElementCount == 1)
                return PointwiseOps.Real<Binary<LeakyRelu>>("Prelu", x, slope.Reshape());
            if (slope.Rank != 1 || x.Rank < 2 || slope.Shape[0] != x.Shape[1])
                throw new TensorArgumentException("Prelu", nameof(slope),
                    $"{slope.Shape} for {x.Shape}", "one number, or one for each element of dimension 1");
            return PointwiseOps.Real<Binary<LeakyRelu>>("Prelu", x, slope.Reshape([slope.Shape[0], .. Enumerable.Repeat(1, x.Rank - 2)]));
        }
    }
}
