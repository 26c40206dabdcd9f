using System.Numerics;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Ops;

public static partial class OpTable
{
    // NumPy's rule: a vector is a row on the left and a column on the right.
    static Nd AnyProduct(Nd a, Nd b)
    {
        var (left, right) = (a.Shape.Rank == 1 ? new Nd([1, a.Shape[0]], a.Data) : a, b.Shape.Rank == 1 ? new Nd([b.Shape[0], 1], b.Data) : b);
        var y = Product(left, right);
        var shape = y.Shape.Span.ToArray().ToList();
        if (b.Shape.Rank == 1)
            shape.RemoveAt(shape.Count - 1);
        if (a.Shape.Rank == 1)
            shape.RemoveAt(shape.Count - (b.Shape.Rank == 1 ? 1 : 2));
        return new([.. shape], y.Data);
    }

    static OpRow Products(string name, Func<Tensor[], Tensor> call, Func<Nd[], Nd> reference, params Shape[][] shapes)
        => new(name, call, reference, shapes) { IsComplex = true, IsInteger = true, Single = 3e-6, Double = 2e-14 };

    static OpRow Linear(string name, Func<Tensor[], Tensor> call, Func<Nd[], Nd> reference, params Shape[][] shapes)
        => new(name, call, reference, shapes) { IsComplex = true, Single = 1e-5, Double = 5e-14, Gradient = 1e-7 };

    static Nd Plus(Nd x, double diagonal) => Nd.Of(x.Shape, i => x[i] + (i[^1] == i[^2] ? diagonal : 0));

    static Nd Join(params Nd[] parts) => new([parts.Sum(part => part.Data.Length)], [.. parts.SelectMany(part => part.Data)]);

    static Tensor Join(params Tensor[] parts) => Tensor.Concat([.. parts.Select(part => part.Flatten())], 0);

    static Nd Lower(Nd x) => Nd.Of(x.Shape, i => i[^1] <= i[^2] ? x[i] : 0);

    static Nd InverseOf(Nd x) => SolveOf(x, Nd.Of(x.Shape, i => i[^1] == i[^2] ? 1 : 0));

    static Nd Gram(Nd x) => Product(Adjoint(x), x);

    static Nd Power(Nd x, int exponent)
        => exponent < 0 ? Power(InverseOf(x), -exponent) : exponent == 0 ? Nd.Of(x.Shape, i => i[^1] == i[^2] ? 1 : 0) : Product(x, Power(x, exponent - 1));

    // Doolittle's elimination with partial pivoting, by the sum of a number's parts: L above U^T, which have the same number of columns.
    static Nd LuOf(Nd x)
    {
        var (m, n, k) = (x.Shape[0], x.Shape[1], Math.Min(x.Shape[0], x.Shape[1]));
        var rows = Enumerable.Range(0, m).Select(i => Enumerable.Range(0, n).Select(j => x[i, j]).ToArray()).ToList();
        var lower = rows.Select(_ => new Complex[k]).ToList();
        for (var c = 0; c < k; c++)
        {
            var pivot = Enumerable.Range(c, m - c).MaxBy(i => Math.Abs(rows[i][c].Real) + Math.Abs(rows[i][c].Imaginary));
            (rows[c], rows[pivot], lower[c], lower[pivot]) = (rows[pivot], rows[c], lower[pivot], lower[c]);
            lower[c][c] = 1;
            for (var i = c + 1; i < m; i++)
            {
                lower[i][c] = rows[i][c] / rows[c][c];
                for (var j = 0; j < n; j++)
                    rows[i][j] -= lower[i][c] * rows[c][j];
            }
        }
        return Nd.Of([m + n, k], i => i[0] < m ? lower[i[0]][i[1]] : i[0] - m < i[1] ? 0 : rows[i[1]][i[0] - m]);
    }

    // Denman and Beavers 1976: y tends to the square root and z to its inverse.
    static (Nd Root, Nd Inverse) RootsOf(Nd a)
    {
        var (y, z) = (a, Identity(a.Shape[0]));
        for (var step = 0; step < 30; step++)
            (y, z) = (Nd.Map(v => (v[0] + v[1]) / 2, y, InverseOf(z)), Nd.Map(v => (v[0] + v[1]) / 2, z, InverseOf(y)));
        return (y, z);
    }

    static double NormOf(Nd x, NormOrder order)
    {
        var columns = Enumerable.Range(0, x.Shape[1]).Select(j => Enumerable.Range(0, x.Shape[0]).Sum(i => x[i, j].Magnitude));
        var rows = Enumerable.Range(0, x.Shape[0]).Select(i => Enumerable.Range(0, x.Shape[1]).Sum(j => x[i, j].Magnitude));
        var values = SingularValuesOf(x).Data.Select(value => value.Real);
        return order switch
        {
            NormOrder.Frobenius => Math.Sqrt(x.Data.Sum(v => v.Magnitude * v.Magnitude)),
            NormOrder.Nuclear => values.Sum(),
            NormOrder.One => columns.Max(),
            NormOrder.MinusOne => columns.Min(),
            NormOrder.Two => values.Max(),
            NormOrder.MinusTwo => values.Min(),
            NormOrder.Infinity => rows.Max(),
            _ => rows.Min(),
        };
    }

    // Separated by 6 along the diagonal.
    static Nd Separated(Nd x) => Nd.Of(x.Shape, i => x[i] + (i[^1] == i[^2] ? 6 * i[^1] : 0));

    // What is left of the eigendecomposition when the order and the phases of vectors do not count: the matrix, and the projection on the
    // unit vector of the largest eigenvalue.
    static Tensor EigParts(Tensor x)
    {
        var (values, vectors) = x.Eig();
        var top = vectors.IndexSelect(1, values.Detach().Abs().ArgMax(0).Reshape(1));
        return Join((vectors * values.Unsqueeze(0)).MatMul(vectors.Inverse()), top.MatMul(top.H));
    }

    static Nd EigReference(Nd x)
    {
        var u = Nd.Of([x.Shape[0], 1], i => 1 + 0.1 * i[0]);
        for (var k = 0; k < 2000; k++)
        {
            u = Product(x, u);
            var size = Math.Sqrt(u.Data.Sum(c => c.Magnitude * c.Magnitude));
            u = Nd.Map(c => c[0] / size, u);
        }
        return Join(x, Product(u, Adjoint(u)));
    }

    static IEnumerable<OpRow> Linalg() =>
    [
        Products("MatMul", x => x[0].MatMul(x[1]), x => AnyProduct(x[0], x[1]),
            [[5], [5]], [[3, 5], [5]], [[5], [5, 4]], [[5], [2, 5, 4]], [[2, 3, 5], [5]], [[2, 1, 3, 5], [4, 5, 2]], [[0], [0]], [[3, 0], [0]], [[33, 20], [20, 17]]),
        Products("MatMul", x => x[0].T.MatMul(x[1].T), x => Product(Swap(x[0]), Swap(x[1])), [[2, 5, 3], [4, 5]]),
        Products("Dot", x => x[0].Dot(x[1]), x => AnyProduct(x[0], x[1]), [[7], [7]], [[1], [1]], [[0], [0]]),
        Products("Mv", x => x[0].Mv(x[1]), x => AnyProduct(x[0], x[1]), [[3, 5], [5]], [[1, 1], [1]], [[0, 3], [3]]),
        Products("MatrixPower", x => x[0].MatrixPower(5), x => Power(x[0], 5), [[3, 3]], [[2, 2, 2]], [[1, 1]]) with { High = 1, Low = -1 },
        Products("MatrixPower", x => x[0].MatrixPower(0) + x[0] * x[0], x => Nd.Map(v => v[0] + v[1] * v[1], Power(x[0], 0), x[0]), [[2, 3, 3]]) with { IsComposed = true, IsInteger = false },
        Linear("MatrixPower", x => x[0].MatrixPower(-2), x => Power(x[0], -2), [[3, 3]], [[1, 1]]) with { Prepare = Dominant },
        Products("MultiDot", x => Tensor.MultiDot(x), x => x.Skip(1).Aggregate(x[0], AnyProduct), [[3, 4]], [[3, 2], [2, 5], [5, 1], [1, 4]], [[3], [3, 4], [4]], [[2, 3], [3]]),

        Linear("Qr", x => x[0].Qr(complete: true) is var (q, r) ? Join(q.MatMul(r), q.Detach().H.MatMul(q.Detach()), r.Tril(-1)) : x[0],
            x => Join(x[0], Identity(x[0].Shape[0]), Nd.Map(v => 0 * v[0], x[0])), [[5, 3]], [[3, 5]], [[3, 3]], [[2, 1]]) with { IsComposed = true },
        Linear("Svd", x => x[0].Svd(fullMatrices: true) is var (u, s, v) && Math.Min(x[0].Shape[0], x[0].Shape[1]) is var k
                ? Join((u.Narrow(1, 0, k) * s.To(x[0].DType)).MatMul(v.Narrow(1, 0, k).H), u.Detach().H.MatMul(u.Detach()), v.Detach().H.MatMul(v.Detach())) : x[0],
            x => Join(x[0], Identity(x[0].Shape[0]), Identity(x[0].Shape[1])), [[5, 3]], [[3, 5]], [[1, 2]]) with { IsComposed = true, Gradient = 1e-6 },
        Linear("Lu", x => x[0].Lu() is var (_, l, u) ? Tensor.Concat([l, u.T], 0) : x[0], x => LuOf(x[0]), [[4, 4]], [[5, 3]], [[3, 5]], [[1, 1]], [[20, 18]]),
        Linear("LuSolve", x => x[0].Lu() is var (p, l, u) ? Tensor.LuSolve(p, l, u, x[1]) : x[0], x => SolveOf(x[0], x[1]), [[2, 4, 4], [2, 4, 3]], [[1, 1], [1, 2]]) with { Prepare = Dominant, IsComposed = true },
        Linear("CholeskySolve", x => x[0].CholeskySolve(x[1]), x => SolveOf(Product(Lower(x[0]), Adjoint(Lower(x[0]))), x[1]), [[2, 4, 4], [2, 4, 3]], [[1, 1], [1, 2]]) with { Prepare = Dominant },
        Linear("CholeskyInverse", x => x[0].CholeskyInverse(), x => InverseOf(Product(Lower(x[0]), Adjoint(Lower(x[0])))), [[2, 4, 4]], [[1, 1]]) with { Prepare = Dominant },

        Linear("PseudoInverse", x => x[0].PseudoInverse(fullRank: true), x => x[0].Shape[0] >= x[0].Shape[1]
                ? SolveOf(Gram(x[0]), Adjoint(x[0])) : Adjoint(SolveOf(Gram(Adjoint(x[0])), x[0])), [[5, 3]], [[3, 5]], [[1, 1]]) with { Prepare = (_, x) => Plus(x, 3) },
        // Of rank 2: (b c)+ = c+ b+ for factors of full rank.
        Linear("PseudoInverse", x => x[0].MatMul(x[1]).PseudoInverse(0.05), x => Product(Adjoint(SolveOf(Gram(Adjoint(x[1])), x[1])), SolveOf(Gram(x[0]), Adjoint(x[0]))),
            [[5, 2], [2, 4]], [[3, 2], [2, 5]]) with { IsComposed = true, Prepare = (_, x) => Plus(x, 3) },
        Linear("LstSq", x => x[0].LstSq(x[1]), x => Product(x[0].Shape[0] >= x[0].Shape[1] ? SolveOf(Gram(x[0]), Adjoint(x[0])) : Adjoint(SolveOf(Gram(Adjoint(x[0])), x[0])), x[1]),
            [[5, 3], [5, 2]], [[3, 5], [3, 2]]) with { Prepare = (k, x) => k == 0 ? Plus(x, 3) : x },
        Linear("LstSq", x => x[0].LstSq(x[1], fullRank: true), x => Product(x[0].Shape[0] >= x[0].Shape[1] ? SolveOf(Gram(x[0]), Adjoint(x[0])) : Adjoint(SolveOf(Gram(Adjoint(x[0])), x[0])), x[1]),
            [[5, 3], [5, 2]], [[3, 5], [3, 2]]) with { Prepare = (k, x) => k == 0 ? Plus(x, 3) : x },

        Linear("SlogDet", x => x[0].SlogDet() is var (sign, log) ? Tensor.Stack([sign, log.To(sign.DType)], 0) : x[0],
            x => DetOf(x[0]) is var det ? new([2], [det / det.Magnitude, Math.Log(det.Magnitude)]) : x[0], [[4, 4]], [[1, 1]]) with { IsComposed = true },
        Linear("EigValsh", x => x[0].EigValsh(), x => new([x[0].Shape[0]], EighReference(x[0]).Data[..x[0].Shape[0]]), [[4, 4]], [[1, 1]]),
        Linear("Eig", x => EigParts(x[0]), x => EigReference(x[0]), [[4, 4]], [[1, 1]]) with { Prepare = (_, x) => Separated(x), Gradient = 1e-6 },
        Linear("EigVals", x => x[0].EigVals() is var l ? Join(l.Sum(), (l * l).Sum(), (l * l * l).Sum()) : x[0],
            x => Join([.. Enumerable.Range(1, 3).Select(k => Power(x[0], k)).Select(power => new Nd([], [SumOf(Enumerable.Range(0, power.Shape[0]).Select(i => power[i, i]))]))]),
            [[4, 4]], [[1, 1]], [[5, 5]]) with { Gradient = 1e-6 },
        Linear("MatrixRank", x => x[0].MatMul(x[1]).MatrixRank(0.05).To(x[0].DType), x => new([], [x[0].Shape[1]]), [[5, 2], [2, 4]], [[3, 1], [1, 3]], [[2, 2], [2, 2]]) with { IsComposed = true, Prepare = (_, x) => Plus(x, 3) },
        .. from order in Enum.GetValues<NormOrder>()
           select Linear("MatrixNorm", x => x[0].MatrixNorm(order), x => new([], [NormOf(x[0], order)]), [[5, 3]], [[3, 4]], [[1, 1]]),
        Linear("Cond", x => x[0].Cond(), x => new([], [NormOf(x[0], NormOrder.Two) / NormOf(x[0], NormOrder.MinusTwo)]), [[5, 3]], [[3, 3]], [[1, 1]]) with { Prepare = (_, x) => Plus(x, 3) },
        Linear("Cond", x => x[0].Cond(NormOrder.Infinity), x => new([], [NormOf(x[0], NormOrder.Infinity) * NormOf(InverseOf(x[0]), NormOrder.Infinity)]), [[3, 3]]) with { Prepare = (_, x) => Plus(x, 6) },
        Linear("MatrixSqrt", x => x[0].MatrixSqrt(), x => RootsOf(Hermitian(x[0])).Root, [[4, 4]], [[1, 1]]) with { Prepare = (_, x) => Plus(x, 9) },
        Linear("InverseSqrt", x => x[0].InverseSqrt(), x => RootsOf(Hermitian(x[0])).Inverse, [[4, 4]], [[1, 1]]) with { Prepare = (_, x) => Plus(x, 9) },
        Linear("PolarFactor", x => x[0].PolarFactor(), x => Product(x[0], RootsOf(Gram(x[0])).Inverse), [[5, 3]], [[4, 4]], [[1, 1]]) with { Prepare = (_, x) => Plus(x, 3) },
        Linear("PolarDecomposition", x => x[0].PolarDecomposition() is var (u, p) ? Join(u, p) : x[0], x => RootsOf(Gram(x[0])) is var (root, inverse) ? Join(Product(x[0], inverse), root) : x[0],
            [[5, 3]], [[4, 4]], [[1, 1]]) with { Prepare = (_, x) => Plus(x, 3) },
        Linear("Haar", x => Tensor.Haar([6, 3], new Generator(1), dtype: x[0].DType, device: x[0].Device) is var q ? q.H.MatMul(q) : x[0], _ => Identity(3), [[1]]) with { IsComposed = true },
        Linear("Haar", x => Tensor.Haar([2, 5, 5], new Generator(1), special: true, x[0].DType, x[0].Device).Det(), _ => Nd.Of([2], _ => 1), [[1]]) with { IsComposed = true },
    ];
}
