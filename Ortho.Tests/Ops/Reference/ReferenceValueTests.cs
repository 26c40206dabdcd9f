using System.Numerics;
using System.Text.Json;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Ops;

/// <summary>Values and gradients that NumPy, SciPy and PyTorch computed: <c>make-values.py</c> made <c>values.json</c>.</summary>
[TestFixture, Category("Kernels")]
public class ReferenceValueTests
{
    sealed record Array(string Type, int[] Shape, double[] Data)
    {
        public bool IsComplex => Type.StartsWith("complex", StringComparison.Ordinal);

        public Nd Values => new([.. Shape], IsComplex ? [.. Data.Chunk(2).Select(parts => new Complex(parts[0], parts[1]))] : [.. Data.Select(x => new Complex(x, 0))]);

        public Tensor On(Device device) => Values.ToTensor(IsComplex ? DType.Complex128 : Type.StartsWith("int", StringComparison.Ordinal) ? DType.Int64 : DType.Float64, device);
    }

    sealed record Case(string Name, string Op, string By, Array[] Operands, Array Result, Array[]? Gradients);

    sealed record File(string Libraries, Case[] Cases);

    static readonly File file = Read();

    static File Read()
    {
        using var stream = typeof(ReferenceValueTests).Assembly.GetManifestResourceStream("values.json")!;
        return JsonSerializer.Deserialize<File>(stream, new JsonSerializerOptions(JsonSerializerDefaults.Web))!;
    }

    static Tensor Definite(Tensor x) => x.MatMul(x.H) + Tensor.Eye(x.Shape[^1], dtype: x.DType, device: x.Device);

    static Tensor Sorted(Tensor x) => Tensor.From([.. x.ToArray<Complex>().OrderBy(value => value.Real).ThenBy(value => value.Imaginary)], x.Shape);

    static Tensor Reduced(Tensor[] x, ScatterReduction reduction, bool includeSelf) => x[0].ScatterReduce(0, x[2], x[1], reduction, includeSelf);

    static readonly Dictionary<string, Func<Tensor[], Tensor>> calls = new()
    {
        ["silu"] = x => x[0].Silu(),
        ["gelu"] = x => x[0].Gelu(),
        ["gelu, tanh"] = x => x[0].GeluTanh(),
        ["softplus"] = x => x[0].Softplus(),
        ["pow"] = x => x[0].Pow(x[1]),
        ["complex quotient"] = x => x[0] / x[1],
        ["complex square root"] = x => x[0].Sqrt(),
        ["erf"] = x => x[0].Erf(),
        ["expm1"] = x => x[0].Expm1(),
        ["log1p"] = x => x[0].Log1p(),
        ["softmax"] = x => x[0].Softmax(1),
        ["logsumexp"] = x => x[0].LogSumExp([0, 2]),
        ["layer_norm"] = x => x[0].LayerNorm([5], x[1], x[2]),
        ["prod"] = x => x[0].Prod([1]),
        ["norm"] = x => x[0].Norm([0, 1]),
        ["permute"] = x => x[0].Permute(2, 0, 1),
        ["concat"] = x => Tensor.Concat([x[0], x[1], x[0]], 1),
        ["diagonal"] = x => x[0].Diagonal(),
        ["slice"] = x => x[0].Slice(1, 1, -1, 2),
        ["gather"] = x => x[0].Gather(1, x[1]),
        ["scatter_add"] = x => Tensor.Zeros([4, x[0].Shape[1]], x[0].DType).ScatterAdd(0, x[1], x[0]),
        ["argmax"] = x => x[0].ArgMax(1),
        ["sort"] = x => x[0].Sort(1).Values,
        ["less"] = x => x[0].Less(x[1]),
        ["arange"] = _ => Tensor.Arange(5, DType.Float64),
        ["eye"] = _ => Tensor.Eye(3, 4, DType.Float64),
        ["matmul"] = x => x[0].MatMul(x[1]),
        ["matmul of vectors"] = x => x[0].MatMul(x[1]),
        ["matmul of integers"] = x => x[0].MatMul(x[1]),
        ["multi_dot"] = x => Tensor.MultiDot(x),
        ["matrix_power"] = x => x[0].MatrixPower(-3),
        ["solve"] = x => x[0].Solve(x[1]),
        ["solve_triangular"] = x => x[0].TriangularSolve(x[1], upper: false),
        ["inverse"] = x => x[0].Inverse(),
        ["determinant"] = x => x[0].Det(),
        ["slogdet"] = x => x[0].SlogDet().LogAbs,
        ["singular values"] = x => x[0].SingularValues(),
        ["nuclear norm"] = x => x[0].MatrixNorm(NormOrder.Nuclear),
        ["condition number"] = x => x[0].Cond(),
        ["pseudo-inverse"] = x => x[0].PseudoInverse(),
        ["pseudo-inverse of rank 2"] = x => x[0].MatMul(x[1]).PseudoInverse(1e-8),
        ["matrix exponential"] = x => x[0].MatrixExp(),
        ["Hermitian eigenvalues"] = x => x[0].EigValsh(),
        ["sum of cubes of eigenvalues"] = x => x[0].EigVals() is var values ? (values * values * values).Sum() : x[0],
        ["cholesky"] = x => Definite(x[0]).Cholesky(),
        ["lu"] = x => x[0].Lu() is var (p, l, u) ? Tensor.Concat([p, l, u], 1) : x[0],
        ["least squares of rank 2"] = x => x[0].MatMul(x[1]).LstSq(x[2], 1e-8),
        ["matrix rank"] = x => x[0].MatMul(x[1]).MatrixRank(),
        ["matrix square root"] = x => Definite(x[0]).MatrixSqrt(),
        ["eigenvalues"] = x => Sorted(x[0].EigVals()),
        ["qr"] = x => x[0].Qr() is var (q, r) ? Tensor.Concat([q, r], 0) : x[0],
        ["qr, complex"] = x => x[0].Qr() is var (q, r) ? Tensor.Concat([q, r], 0) : x[0],
        ["polar"] = x => x[0].PolarDecomposition() is var (u, p) ? Tensor.Concat([u, p], 0) : x[0],
        ["householder_product"] = x => x[0].HouseholderFrame(),
        ["fft"] = x => x[0].Fft(),
        ["rfft"] = x => x[0].Rfft(),
        ["irfft"] = x => x[0].Irfft(9),
        ["ifft2"] = x => x[0].Ifft2(),
        ["pad, reflect"] = x => x[0].Pad([(2, 1)], PadMode.Reflect),
        ["pad, symmetric"] = x => x[0].Pad([(2, 1)], PadMode.Symmetric),
        ["pad, replicate"] = x => x[0].Pad([(2, 1)], PadMode.Replicate),
        ["pad, circular"] = x => x[0].Pad([(2, 1)], PadMode.Circular),
        ["unfold"] = x => x[0].Unfold(1, 3, 2),
        ["as_strided"] = x => x[0].AsStrided([2, 3, 2], [6, 1, 2], 1),
        ["diag_embed"] = x => x[0].DiagEmbed(-1, 0, 2),
        ["kron"] = x => x[0].Kron(x[1]),
        ["cross"] = x => x[0].Cross(x[1]),
        ["rot90"] = x => x[0].Rot90(3, 0, 2),
        ["take_along_axis"] = x => x[0].TakeAlongDim(x[1], 1),
        ["index, together"] = x => x[0].Index(TensorIndex.All, x[1], x[2]),
        ["index, apart"] = x => x[0].Index(x[1], TensorIndex.All, x[2]),
        ["index, a number apart"] = x => x[0].Index(1, TensorIndex.All, x[1]),
        ["index, a number beside"] = x => x[0].Index(TensorIndex.Ellipsis, 1, x[1], TensorIndex.NewAxis),
        ["index, backwards"] = x => x[0].Index(TensorIndex.Slice(3, 0, -2), TensorIndex.NewAxis, TensorIndex.Ellipsis, TensorIndex.Slice(step: -1)),
        ["index, positive"] = x => x[0].Index(TensorIndex.All, x[0].Select(0, 0).Greater(0)),
        ["index_put"] = x => x[0].IndexPut([Tensor.From<long>([0, 1], [2, 1]), x[2]], x[1], accumulate: true),
        ["scatter_reduce, sum, self"] = x => Reduced(x, ScatterReduction.Sum, true),
        ["scatter_reduce, sum, not self"] = x => Reduced(x, ScatterReduction.Sum, false),
        ["scatter_reduce, prod, self"] = x => Reduced(x, ScatterReduction.Product, true),
        ["scatter_reduce, prod, not self"] = x => Reduced(x, ScatterReduction.Product, false),
        ["scatter_reduce, mean, self"] = x => Reduced(x, ScatterReduction.Mean, true),
        ["scatter_reduce, mean, not self"] = x => Reduced(x, ScatterReduction.Mean, false),
        ["scatter_reduce, amax, self"] = x => Reduced(x, ScatterReduction.Max, true),
        ["scatter_reduce, amax, not self"] = x => Reduced(x, ScatterReduction.Max, false),
        ["scatter_reduce, amin, self"] = x => Reduced(x, ScatterReduction.Min, true),
        ["scatter_reduce, amin, not self"] = x => Reduced(x, ScatterReduction.Min, false),
        ["masked_scatter"] = x => x[0].MaskedScatter(x[0].Greater(0), x[1]),
        ["einsum of four"] = x => Tensor.Einsum("...ij,jk...,kl,l->i...", x),
        ["einsum of diagonals"] = x => Tensor.Einsum("iij,jk", x),
        ["tensordot"] = x => x[0].TensorDot(x[1], [0, 2], [2, 0]),
        ["circular convolution"] = x => x[0].CircularConv2d(x[1]),
        ["conv1d"] = x => x[0].Conv1d(x[1], x[2], stride: 2, padding: 3, dilation: 2),
        ["conv2d"] = x => x[0].Conv2d(x[1], x[2], stride: (2, 3), padding: (1, 2), dilation: (2, 1), groups: 2),
        ["conv2d, same"] = x => x[0].Conv2d(x[1], padding: Padding2.Same),
        ["conv2d, complex"] = x => x[0].Conv2d(x[1], x[2], padding: 1),
        ["conv_transpose1d"] = x => x[0].ConvTranspose1d(x[1], x[2], stride: 2, padding: 1, outputPadding: 1),
        ["conv_transpose2d"] = x => x[0].ConvTranspose2d(x[1], x[2], stride: (2, 3), padding: 1, outputPadding: (1, 0), dilation: (1, 2), groups: 2),
        ["conv_transpose2d, complex"] = x => x[0].ConvTranspose2d(x[1], stride: 2),
    };

    // A value of an op that does not exist yet waits for it.
    static IEnumerable<TestCaseData> Cases
        => from test in file.Cases
           where OpCatalog.All.Any(op => op.Name == test.Op)
           select new TestCaseData(test.Name).SetArgDisplayNames(test.Name);

    [TestCaseSource(nameof(Cases))]
    public void Another_library_agrees(string name)
    {
        var test = file.Cases.Single(test => test.Name == name);
        Assert.That(calls, Does.ContainKey(name), "the call that Ortho makes");
        // The op table compares devices bit by bit: here the CPU speaks for all.
        Tensor[] operands = [.. test.Operands.Select(operand => operand.On(Device.Cpu))];
        foreach (var operand in operands.Where(operand => test.Gradients is not null && operand.DType.IsDifferentiable))
            operand.RequiresGrad();
        var y = calls[name](operands);
        AreClose(Nd.From(y), test.Result.Values, "result");
        if (test.Gradients is null)
            return;
        var weight = Nd.Of([(int)y.ElementCount], i => 0.5 + i[0] % 3).ToTensor(y.DType, y.Device).Reshape([.. y.Shape.Span]);
        Tensor[] inputs = [.. operands.Where(operand => operand.WantsGrad)];
        foreach (var (gradient, expected) in Graph.Gradients([y], inputs, [weight]).Zip(test.Gradients))
            AreClose(Nd.From(gradient), expected.Values, "gradient");
    }

    static void AreClose(Nd actual, Nd expected, string what)
    {
        Assert.That(actual.Shape, Is.EqualTo(expected.Shape), what);
        // Two libraries, each with some rounding errors, on well-conditioned arguments.
        var bound = 1e-12 * (1 + expected.Data.Select(x => x.Magnitude).DefaultIfEmpty(0).Max());
        Assert.That(actual.Data.Zip(expected.Data, (a, b) => (a - b).Magnitude), Is.All.LessThan(bound), what);
    }

    [Test]
    public void Every_family_has_a_value_of_another_library()
    {
        var families = from test in file.Cases
                       from op in OpCatalog.All
                       where op.Name == test.Op
                       select op.Family;
        Assert.That(OpCatalog.All.Select(op => op.Family).Except(families), Is.Empty, "add a case to make-values.py");
        Assert.That(calls.Keys.Except(file.Cases.Select(test => test.Name)), Is.Empty, "calls without a value");
    }
}
