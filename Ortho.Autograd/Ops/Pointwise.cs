using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;
using PointwiseKernel = Ortho.Kernels.Skeletons.Pointwise;

namespace Ortho.Autograd;

/// <summary>Element-by-element functions, with NumPy broadcasting. Tensors are floating-point or, where stated, complex.</summary>
/// <remarks>Each is one line that names its formula; values, gradients and higher gradients follow from the formula.</remarks>
[OpFamily("pointwise")]
public static class PointwiseOps
{
    // ---- recording, once for all pointwise functions

    /// <summary>y = P(operands), differentiable to any order in every tensor operand.</summary>
    /// <param name="operation">Name, for messages.</param>
    /// <param name="operands">Tensors and numbers, as many as the function's arity (at most three).</param>
    /// <exception cref="TensorArgumentException">A tensor is neither floating-point nor complex, or dtypes, devices or shapes do not fit.</exception>
    public static Tensor Apply<P>(string operation, params ReadOnlySpan<Operand> operands) where P : struct, IPointwise
    {
        foreach (var operand in operands)
        {
            if (operand.Tensor is { DType.IsDifferentiable: false } tensor)
                throw new TensorArgumentException(operation, "operand", $"{tensor.DType}", "a floating-point or complex tensor; convert with To(dtype)");
        }
        return Numeric<P>(operation, operands);
    }

    // The same for tensors of any dtype.
    internal static Tensor Numeric<P>(string operation, params ReadOnlySpan<Operand> operands) where P : struct, IPointwise
    {
        var y = PointwiseKernel.Run<P>(operation, operands);
        if (!Graph.IsRecording)
            return y;
        var kept = operands.ToArray();
        var inputs = new List<Input>();
        for (var k = 0; k < kept.Length; k++)
        {
            if (kept[k].Tensor is not { } input || !Graph.Wants(input))
                continue;
            inputs.Add(k switch
            {
                0 => (input, g => Weigh<Partial<P, First>>(operation, g, kept).SumTo(input.Shape)),
                1 => (input, g => Weigh<Partial<P, Second>>(operation, g, kept).SumTo(input.Shape)),
                _ => (input, g => Weigh<Partial<P, Third>>(operation, g, kept).SumTo(input.Shape)),
            });
        }
        return Graph.Record(operation, y, [.. inputs]);
    }

    // weight * conj(P(operands)): linear in the weight, and in the operands again a pointwise function. This is where derivatives of
    // every order come from; the types nest one level deeper each time.
    static Tensor Weigh<P>(string operation, Tensor weight, Operand[] operands) where P : struct, IPointwise
    {
        var y = PointwiseKernel.Run<Weighted<P>>(operation, [weight, .. operands]);
        if (!Graph.IsRecording)
            return y;
        var inputs = new List<Input>
        {
            (weight, h => Weigh<P>(operation, h.Conj(), operands).Conj().SumTo(weight.Shape)),
        };
        for (var k = 0; k < operands.Length; k++)
        {
            if (operands[k].Tensor is not { } input || !Graph.Wants(input))
                continue;
            inputs.Add(k switch
            {
                0 => (input, h => Weigh<Partial<P, First>>(operation, h.Conj() * weight, operands).SumTo(input.Shape)),
                1 => (input, h => Weigh<Partial<P, Second>>(operation, h.Conj() * weight, operands).SumTo(input.Shape)),
                _ => (input, h => Weigh<Partial<P, Third>>(operation, h.Conj() * weight, operands).SumTo(input.Shape)),
            });
        }
        return Graph.Record(operation, y, [.. inputs]);
    }

    internal static Tensor Real<P>(string operation, params ReadOnlySpan<Operand> operands) where P : struct, IPointwise
    {
        foreach (var operand in operands)
        {
            if (operand.Tensor is { DType.IsComplex: true } tensor)
                throw new TensorArgumentException(operation, "operand", $"{tensor.DType}", "a real tensor");
        }
        return Apply<P>(operation, operands);
    }

    extension(Tensor x)
    {
        /// <summary>e^x. Real or complex.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Exp() => Apply<Unary<Exp>>("Exp", x);

        /// <summary>Natural logarithm.</summary>
        [Op]
        public Tensor Log() => Real<Unary<Log>>("Log", x);

        /// <summary>log(1 + x), accurate near zero.</summary>
        [Op]
        public Tensor Log1p() => Real<Unary<Log1p>>("Log1p", x);

        /// <summary>e^x - 1, accurate near zero.</summary>
        [Op]
        public Tensor Expm1() => Real<Unary<Expm1>>("Expm1", x);

        /// <summary>Sine of x in radians.</summary>
        [Op]
        public Tensor Sin() => Real<Unary<Sin>>("Sin", x);

        /// <summary>Cosine of x in radians.</summary>
        [Op]
        public Tensor Cos() => Real<Unary<Cos>>("Cos", x);

        /// <summary>Hyperbolic tangent.</summary>
        [Op]
        public Tensor Tanh() => Real<Unary<Tanh>>("Tanh", x);

        /// <summary>Error function.</summary>
        [Op]
        public Tensor Erf() => Real<Unary<Erf>>("Erf", x);

        /// <summary>Square root. Real or complex (principal branch).</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Sqrt() => Apply<Unary<Sqrt>>("Sqrt", x);

        /// <summary>1 / x. Real or complex.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Reciprocal() => Apply<Unary<Reciprocal>>("Reciprocal", x);

        /// <summary>Logistic function 1 / (1 + e^-x).</summary>
        [Op]
        public Tensor Sigmoid() => Real<Unary<Sigmoid>>("Sigmoid", x);

        /// <summary>max(x, 0); its gradient at 0 is 0.</summary>
        [Op]
        public Tensor Relu() => Real<UnarySlope<Relu>>("Relu", x);

        /// <summary>x / (1 + e^-x). Elfwing et al. 2017.</summary>
        [Op]
        public Tensor Silu() => Real<Unary<Silu>>("Silu", x);

        /// <summary>x (1 + erf(x / sqrt 2)) / 2. Hendrycks and Gimpel 2016.</summary>
        [Op]
        public Tensor Gelu() => Real<Unary<Gelu>>("Gelu", x);

        /// <summary>GELU in its tanh form. Hendrycks and Gimpel 2016.</summary>
        [Op]
        public Tensor GeluTanh() => Real<Unary<GeluTanh>>("GeluTanh", x);

        /// <summary>log(1 + e^x).</summary>
        [Op]
        public Tensor Softplus() => Real<UnarySlope<Softplus>>("Softplus", x);

        /// <summary>x to a constant power.</summary>
        [Op]
        public Tensor Pow(double exponent) => Real<Binary<Power>>("Pow", x, exponent);

        /// <summary>x to the power of another tensor; differentiable in both where x is positive.</summary>
        [Op]
        public Tensor Pow(Tensor exponent) => Real<Binary<Power>>("Pow", x, exponent);
    }
}
