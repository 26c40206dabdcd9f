using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Gpu;
using Ortho.Layers.Losses;
using Ortho.Tensors;

namespace Ortho.Tests.Ops;

/// <summary>Bad input is refused before anything is computed, by a message that names the operation, what was given and what was expected.</summary>
[TestFixture]
public class BadInputTests
{
    static Tensor F(params int[] shape) => Tensor.Ones(shape);

    static Tensor C(params int[] shape) => Tensor.Ones(shape, DType.Complex64);

    static Tensor I(params int[] shape) => Tensor.Zeros(shape, DType.Int64);

    static Tensor B(params int[] shape) => Tensor.Zeros(shape, DType.Bool);

    static IEnumerable<TestCaseData> Calls()
    {
        (string Operation, Action Call)[] calls =
        [
            ("Add", () => _ = F(2, 3) + F(4)),
            ("Subtract", () => _ = F(2, 3) - F(2)),
            ("Multiply", () => _ = F(3) * F(2)),
            ("Divide", () => _ = F(3) / F(2)),
            ("Multiply", () => _ = F(3) * Tensor.Ones([3], DType.Float32, GpuDevice.Simulator)),
            ("Log", () => _ = C(3).Log()),
            ("Relu", () => _ = C(3).Relu()),
            ("Exp", () => _ = I(3).Exp()),
            ("Maximum", () => _ = Tensor.Maximum(F(3), F(2))),
            ("Where", () => _ = Tensor.Where(F(3), F(3), F(3))),
            ("Pow", () => _ = F(3).Pow(F(2))),
            ("Subtract", () => _ = B(3) - B(3)),
            ("Negate", () => _ = -B(3)),
            ("Add", () => _ = Tensor.Zeros([3], DType.Int32) + (1L << 40)),
            ("Abs", () => _ = B(3).Abs()),
            ("Clamp", () => _ = B(3).Clamp(0, 1)),
            ("Clamp", () => _ = C(3).Clamp(0, 1)),
            ("Square", () => _ = B(3).Square()),
            ("Maximum", () => _ = Tensor.Maximum(C(3), C(3))),
            ("Minimum", () => _ = Tensor.Minimum(B(3), B(3))),
            ("FloorDivide", () => _ = I(3).FloorDivide(I(2))),
            ("Remainder", () => _ = C(3).Remainder(C(3))),
            ("Fmod", () => _ = B(3).Fmod(B(3))),
            ("BitAnd", () => _ = F(3) & F(3)),
            ("BitOr", () => _ = I(3) | F(3)),
            ("BitXor", () => _ = I(3) ^ I(2)),
            ("BitNot", () => _ = ~F(3)),
            ("Less", () => _ = C(3).Less(C(3))),
            ("LessEqual", () => _ = C(3).LessEqual(1)),
            ("Greater", () => _ = F(3).Greater(F(2))),
            ("GreaterEqual", () => _ = C(3).GreaterEqual(F(3))),
            ("EqualTo", () => _ = F(3).EqualTo(F(2))),
            ("NotEqual", () => _ = F(3).NotEqual(Tensor.Ones([3], DType.Float32, GpuDevice.Simulator))),
            ("IsNan", () => _ = I(3).IsNan()),
            ("IsInf", () => _ = I(3).IsInf()),
            ("IsFinite", () => _ = B(3).IsFinite()),
            ("Max", () => _ = B(3).Max()),
            ("Min", () => _ = C(3).Min()),
            ("Any", () => _ = F(3).Any([1])),
            ("All", () => _ = F(3).All([0, 0])),
            ("Sum", () => _ = F(2, 3).Sum([2])),
            ("Sum", () => _ = F(2, 3).Sum([0, -2])),
            ("Max", () => _ = F(2, 0).Max([1])),
            ("LogSumExp", () => _ = C(2).LogSumExp()),
            ("MatMul", () => _ = F(2, 3).MatMul(F(4, 5))),
            ("MatMul", () => _ = F(3).MatMul(F(3, 5))),
            ("MatMul", () => _ = F(2, 3).MatMul(C(3, 5))),
            ("MatMul", () => _ = F(2, 2, 3).MatMul(F(3, 3, 5))),
            ("Transpose", () => _ = F(2).T),
            ("Permute", () => _ = F(2, 3).Permute(0, 0)),
            ("Reshape", () => _ = F(2, 3).Reshape(4, -1)),
            ("Squeeze", () => _ = F(2, 3).Squeeze(0)),
            ("Unsqueeze", () => _ = F(2).Unsqueeze(3)),
            ("Slice", () => _ = F(4).Slice(0, 3, 2)),
            ("Slice", () => _ = F(4).Slice(0, 0, 4, 0)),
            ("Expand", () => _ = F(2).Expand(3, 3)),
            ("SumTo", () => _ = F(2).SumTo([3])),
            ("Concat", () => _ = Tensor.Concat([F(2), F(2, 2)], 0)),
            ("Concat", () => _ = Tensor.Concat([], 0)),
            ("Complex", () => _ = Tensor.Complex(F(2), F(3))),
            ("Imag", () => _ = F(2).Imag()),
            ("Cast", () => _ = C(2).To(DType.Float32)),
            ("Diagonal", () => _ = F(2).Diagonal()),
            ("Gather", () => _ = F(2, 3).Gather(1, F(2, 1))),
            ("Gather", () => _ = F(2, 3).Gather(1, I(3, 1))),
            ("Gather", () => _ = F(2, 3).Gather(1, Tensor.From<long>([0, 3], [2, 1]))),
            ("IndexSelect", () => _ = F(2, 3).IndexSelect(1, I(2, 2))),
            ("ArgMax", () => _ = F(2, 0).ArgMax(1)),
            ("Fft", () => _ = I(4).Fft()),
            ("Rfft", () => _ = C(4).Rfft()),
            ("Irfft", () => _ = C(4).Irfft(12)),
            ("CircularConv1d", () => _ = F(1, 2, 8).CircularConv1d(F(3, 1, 3))),
            ("CircularConv2d", () => _ = F(1, 2, 4, 4).CircularConv2d(F(3, 2, 5, 5))),
            ("Qr", () => _ = F(3).Qr()),
            ("Solve", () => _ = F(3, 2).Solve(F(3, 1))),
            ("TriangularSolve", () => _ = F(3, 3).TriangularSolve(F(2, 1), upper: true)),
            ("Inverse", () => _ = F(3, 2).Inverse()),
            ("Svd", () => _ = F(3).Svd()),
            ("Eigh", () => _ = F(3, 2).Eigh()),
            ("Cholesky", () => _ = F(3, 2).Cholesky()),
            ("Lu", () => _ = F(3, 2).Lu()),
            ("MatrixExp", () => _ = F(3, 2).MatrixExp()),
            ("HouseholderProduct", () => _ = F(3).HouseholderProduct()),
            ("NewtonSchulz", () => _ = F(3).NewtonSchulz()),
            ("RequiresGrad", () => _ = I(3).RequiresGrad()),
            ("Backward", () => F(3).Backward()),
            ("Backward", () => F(3).RequiresGrad().Backward()),
            ("CrossEntropy", () => _ = F(3, 4).CrossEntropy(I(2))),
            ("Uniform", () => _ = Tensor.Uniform([2], new Generator(1), dtype: DType.Int32)),
            ("From", () => _ = Tensor.From(new float[3], [2])),
            ("Item", () => _ = F(3).Item()),
            ("AsSpan", () => _ = F(3).AsSpan<double>()),
        ];
        return calls.Index().Select(call => new TestCaseData(call.Item.Operation, call.Item.Call).SetArgDisplayNames($"{call.Item.Operation} {call.Index}"));
    }

    [TestCaseSource(nameof(Calls))]
    public void Is_refused_by_a_message_that_helps(string operation, Action call)
    {
        var refusal = Assert.Throws<TensorArgumentException>(() => call());
        Assert.Multiple(() =>
        {
            Assert.That(refusal!.Message, Does.StartWith($"{operation}: ").And.Contain("expected"));
            Assert.That(refusal.Operation, Is.EqualTo(operation));
        });
    }
}
