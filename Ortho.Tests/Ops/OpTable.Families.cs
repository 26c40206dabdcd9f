using System.Numerics;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Ops;

public static partial class OpTable
{
    static OpRow Fourier(string name, Func<Tensor, Tensor> call, Func<Nd, Nd> reference, params Shape[] shapes)
        => new(name, x => call(x[0]), x => reference(x[0]), [.. shapes.Select(shape => new[] { shape })]) { IsComplex = true, Single = 2e-6, Double = 1e-14 };

    static Complex Phase(double turns) => Complex.FromPolarCoordinates(1, 2 * Math.PI * turns);

    // The defining sum along the last dimension, for output bins 0 .. bins - 1.
    static Nd Dft(Nd x, int bins, double sign, double scale = 1)
    {
        var n = x.Shape[^1];
        return Nd.Of(x.Shape.With(-1, bins), i => scale * SumOf(Enumerable.Range(0, n).Select(t => x[[.. i[..^1], t]] * Phase(sign * t * i[^1] / n))));
    }

    // The orthonormal cosine transform along the last dimension by its sum, or its inverse.
    static Nd Cosines(Nd x, bool inverse)
    {
        var n = x.Shape[^1];
        double Cosine(int place, int frequency) => Math.Sqrt((frequency == 0 ? 1.0 : 2) / n) * Math.Cos(Math.PI * (2 * place + 1) * frequency / (2 * n));
        return Nd.Of(x.Shape, i => SumOf(Enumerable.Range(0, n).Select(t => x[[.. i[..^1], t]] * (inverse ? Cosine(i[^1], t) : Cosine(t, i[^1])))));
    }

    // The real signal of a half spectrum: the missing bins are the conjugates of those that are there.
    static Nd RealInverse(Nd x, int n)
        => Nd.Of(x.Shape.With(-1, n), i => SumOf(Enumerable.Range(0, n).Select(k =>
        {
            var bin = 2 * k <= n ? x[[.. i[..^1], k]] : Complex.Conjugate(x[[.. i[..^1], n - k]]);
            return (k == 0 || 2 * k == n ? bin.Real : bin) * Phase((double)k * i[^1] / n);
        })).Real / n);

    static Nd Swap(Nd x) => Nd.Of([.. x.Shape[..^2], x.Shape[^1], x.Shape[^2]], i => x[[.. i[..^2], i[^1], i[^2]]]);

    static Nd Circular2d(Nd x, Nd k)
    {
        var (h, w, kh, kw) = (x.Shape[2], x.Shape[3], k.Shape[2], k.Shape[3]);
        return Nd.Of([x.Shape[0], k.Shape[0], h, w], i => SumOf(
            from c in Enumerable.Range(0, k.Shape[1])
            from p in Enumerable.Range(0, kh)
            from q in Enumerable.Range(0, kw)
            select k[i[1], c, p, q] * x[i[0], c, (i[2] + p - kh / 2 + h) % h, (i[3] + q - kw / 2 + w) % w]));
    }

    // conj(DFT of the kernel) times the phase of its centre, over the half spectrum: [h (w / 2 + 1), out, in].
    static Nd SymbolOf(Nd k, int h, int w)
    {
        var bins = w / 2 + 1;
        return Nd.Of([h * bins, k.Shape[0], k.Shape[1]], i =>
        {
            var (a, b) = (i[0] / bins, i[0] % bins);
            return SumOf(
                from p in Enumerable.Range(0, k.Shape[2])
                from q in Enumerable.Range(0, k.Shape[3])
                select k[i[1], i[2], p, q] * Phase((double)a * (p - k.Shape[2] / 2) / h + (double)b * (q - k.Shape[3] / 2) / w));
        });
    }

    static IEnumerable<OpRow> Fourier() =>
    [
        Fourier("Fft", x => x.Fft(), x => Dft(x, x.Shape[^1], -1), [3, 8], [2, 15], [1, 1], [2, 7], [2, 30]) with { IsReal = false },
        Fourier("Fft", x => x.Fft(0), x => Swap(Dft(Swap(x), x.Shape[0], -1)), [12, 3]) with { IsReal = false },
        Fourier("Ifft", x => x.Ifft(), x => Dft(x, x.Shape[^1], 1, 1.0 / x.Shape[^1]), [3, 8], [2, 15]) with { IsReal = false },
        Fourier("Rfft", x => x.Rfft(), x => Dft(x, x.Shape[^1] / 2 + 1, -1), [3, 8], [2, 15], [2, 7]) with { IsComplex = false },
        Fourier("Irfft", x => x.Irfft(8), x => RealInverse(x, 8), [3, 5]) with { IsReal = false },
        Fourier("Irfft", x => x.Irfft(9), x => RealInverse(x, 9), [3, 5]) with { IsReal = false },
        Fourier("Fft2", x => x.Fft2(), x => Swap(Dft(Swap(Dft(x, x.Shape[^1], -1)), x.Shape[^2], -1)), [2, 4, 6]) with { IsReal = false },
        Fourier("Ifft2", x => x.Ifft2(), x => Swap(Dft(Swap(Dft(x, x.Shape[^1], 1, 1.0 / x.Shape[^1])), x.Shape[^2], 1, 1.0 / x.Shape[^2])), [2, 4, 6]) with { IsReal = false },
        Fourier("Rfft2", x => x.Rfft2(), x => Swap(Dft(Swap(Dft(x, x.Shape[^1] / 2 + 1, -1)), x.Shape[^2], -1)), [2, 4, 6], [3, 5]) with { IsComplex = false },
        Fourier("Irfft2", x => x.Irfft2(4, 6), x => RealInverse(Swap(Dft(Swap(x), 4, 1, 0.25)), 6), [2, 4, 4]) with { IsReal = false },
        Fourier("Dct", x => x.Dct(), x => Cosines(x, inverse: false), [3, 8], [2, 15], [2, 2], [3, 1], [2, 7]) with { IsComplex = false },
        Fourier("Dct", x => x.Dct(0, DctType.III), x => Swap(Cosines(Swap(x), inverse: true)), [6, 3], [5, 2]) with { IsComplex = false },
        Fourier("Idct", x => x.Idct(), x => Cosines(x, inverse: true), [3, 8], [2, 15], [2, 2], [3, 1], [2, 3]) with { IsComplex = false },
        Fourier("Idct", x => x.Idct(-1, DctType.III), x => Cosines(x, inverse: false), [3, 4]) with { IsComplex = false },
        new("CircularConv1d", x => x[0].CircularConv1d(x[1]), x => Nd.Of([x[0].Shape[0], x[1].Shape[0], x[0].Shape[2]], i => SumOf(
            from c in Enumerable.Range(0, x[1].Shape[1])
            from t in Enumerable.Range(0, x[1].Shape[2])
            select x[1][i[1], c, t] * x[0][i[0], c, (i[2] + t - x[1].Shape[2] / 2 + x[0].Shape[2]) % x[0].Shape[2]])),
            [[2, 3, 8], [4, 3, 3]], [[2, 1, 5], [1, 1, 5]], [[1, 2, 6], [2, 2, 2]]) { Single = 3e-6, Double = 2e-14 },
        new("CircularConv2d", x => x[0].CircularConv2d(x[1]), x => Circular2d(x[0], x[1]), [[2, 3, 6, 5], [2, 3, 3, 3]], [[1, 1, 4, 4], [2, 1, 2, 4]]) { Single = 3e-6, Double = 2e-14 },
        new("CausalConv1d", x => x[0].CausalConv1d(x[1]), x => Nd.Of(x[0].Shape, i => SumOf(
            from s in Enumerable.Range(0, Math.Min(i[2] + 1, x[1].Shape[1]))
            select x[1][i[1], s] * x[0][i[0], i[1], i[2] - s])),
            [[2, 3, 7], [3, 4]], [[1, 2, 5], [2, 5]], [[3, 1, 4], [1, 1]]) { Single = 3e-6, Double = 2e-14 },
        new("CausalConv1d", x => x[0].CausalConv1d(x[1]), x => Nd.Of([x[0].Shape[0], x[1].Shape[0], x[0].Shape[2]], i => SumOf(
            from c in Enumerable.Range(0, x[1].Shape[1])
            from s in Enumerable.Range(0, Math.Min(i[2] + 1, x[1].Shape[2]))
            select x[1][i[1], c, s] * x[0][i[0], c, i[2] - s])),
            [[2, 3, 6], [2, 3, 3]], [[1, 1, 5], [2, 1, 5]]) { Single = 3e-6, Double = 2e-14 },
        new("ConvolutionSymbol", x => Tensor.ConvolutionSymbol(x[0], 6, 5), x => SymbolOf(x[0], 6, 5), [[[2, 3, 3, 3]]]) { Single = 3e-6, Double = 2e-14 },
        new("ApplySymbol", x => Tensor.ApplySymbol(Tensor.ConvolutionSymbol(x[1], 4, 6), x[0]), x => Circular2d(x[0], x[1]), [[[2, 3, 4, 6], [2, 3, 3, 3]]]) { Single = 3e-6, Double = 2e-14 },
    ];

    static Nd Adjoint(Nd x) => Nd.Map(v => Complex.Conjugate(v[0]), Swap(x));

    static Nd Identity(int n) => Nd.Of([n, n], i => i[0] == i[1] ? 1 : 0);

    // Batches of well-conditioned squares: the sampled numbers plus a multiple of the identity.
    static Nd Dominant(int operand, Nd x) => operand == 0 ? Nd.Of(x.Shape, i => x[i] + (i[^1] == i[^2] ? 6 : 0)) : x;

    // Gaussian elimination with pivoting.
    static Nd SolveOf(Nd a, Nd b)
    {
        var n = a.Shape[^1];
        var solved = new Dictionary<string, Complex[,]>();
        return Nd.Of(b.Shape, i =>
        {
            var key = string.Join(",", i[..^2]);
            if (!solved.TryGetValue(key, out var x))
                solved[key] = x = Eliminate((r, c) => a[[.. i[..^2], r, c]], (r, c) => b[[.. i[..^2], r, c]], n, b.Shape[^1]);
            return x[i[^2], i[^1]];
        });
    }

    static Complex[,] Eliminate(Func<int, int, Complex> a, Func<int, int, Complex> b, int n, int columns)
    {
        var m = new Complex[n, n + columns];
        for (var r = 0; r < n; r++)
        {
            for (var c = 0; c < n + columns; c++)
                m[r, c] = c < n ? a(r, c) : b(r, c - n);
        }
        for (var k = 0; k < n; k++)
        {
            var pivot = Enumerable.Range(k, n - k).MaxBy(r => m[r, k].Magnitude);
            for (var c = 0; c < n + columns; c++)
                (m[k, c], m[pivot, c]) = (m[pivot, c], m[k, c]);
            for (var r = 0; r < n; r++)
            {
                if (r == k)
                    continue;
                var factor = m[r, k] / m[k, k];
                for (var c = k; c < n + columns; c++)
                    m[r, c] -= factor * m[k, c];
            }
        }
        var x = new Complex[n, columns];
        for (var r = 0; r < n; r++)
        {
            for (var c = 0; c < columns; c++)
                x[r, c] = m[r, n + c] / m[r, r];
        }
        return x;
    }

    // Modified Gram-Schmidt with a positive diagonal, Q above R.
    static Nd GramSchmidt(Nd a)
    {
        var (m, n) = (a.Shape[0], a.Shape[1]);
        var (q, r) = (new Complex[m, n], new Complex[n, n]);
        for (var j = 0; j < n; j++)
        {
            for (var i = 0; i < m; i++)
                q[i, j] = a[i, j];
            for (var k = 0; k < j; k++)
            {
                r[k, j] = SumOf(Enumerable.Range(0, m).Select(i => Complex.Conjugate(q[i, k]) * q[i, j]));
                for (var i = 0; i < m; i++)
                    q[i, j] -= r[k, j] * q[i, k];
            }
            r[j, j] = Math.Sqrt(Enumerable.Range(0, m).Sum(i => q[i, j].Magnitude * q[i, j].Magnitude));
            for (var i = 0; i < m; i++)
                q[i, j] /= r[j, j];
        }
        return Nd.Of([m + n, n], i => i[0] < m ? q[i[0], i[1]] : r[i[0] - m, i[1]]);
    }

    // The signs of R's diagonal are a convention; with a positive one the decomposition is unique.
    static Tensor PositiveQr(Tensor x)
    {
        var (q, r) = x.Qr();
        var signs = r.Detach().Diagonal().Real().Sign().To(x.DType);
        return Tensor.Concat([q * signs, signs.Unsqueeze(-1) * r], 0);
    }

    static Nd Reflections(Nd v, int columns)
    {
        var (d, r) = (v.Shape[0], v.Shape[1]);
        var q = Identity(d);
        for (var k = 0; k < r; k++)
        {
            var size = Enumerable.Range(0, d).Sum(i => v[i, k].Magnitude * v[i, k].Magnitude);
            var column = k;
            q = Product(q, Nd.Of([d, d], i => (i[0] == i[1] ? 1 : 0) - 2 * v[i[0], column] * Complex.Conjugate(v[i[1], column]) / size));
        }
        return Nd.Of([d, columns], i => q[i]);
    }

    static Nd Trapezoid(Nd v) => Nd.Of(v.Shape, i => i[0] == i[1] ? 1 : i[0] > i[1] ? v[i] : 0);

    static Nd Coupled(Nd x, int iterations)
    {
        var (y, z) = (x, Plus(Nd.Of(x.Shape, _ => 0), 1));
        for (var step = 0; step < iterations; step++)
        {
            var r = Plus(Nd.Map(v => -0.5 * v[0], Product(z, y)), 1.5);
            (y, z) = (Product(y, r), Product(r, z));
        }
        return z;
    }

    static Nd Polynomial(Nd x, double[] coefficients, int steps)
    {
        var norm = Math.Sqrt(x.Data.Sum(v => v.Magnitude * v.Magnitude));
        var y = Nd.Map(v => v[0] / norm, x);
        for (var step = 0; step < steps; step++)
        {
            var (power, sum) = (y, Nd.Map(v => v[0] * coefficients[0], y));
            foreach (var c in coefficients.Skip(1))
            {
                power = Product(Product(y, Adjoint(y)), power);
                sum = Nd.Map(v => v[0] + c * v[1], sum, power);
            }
            y = sum;
        }
        return y;
    }

    // Square roots of the eigenvalues of the Gram matrix, by cyclic Jacobi rotations of the columns.
    static Nd SingularValuesOf(Nd a)
    {
        if (a.Shape[0] < a.Shape[1])
            a = Adjoint(a);
        var (m, n) = (a.Shape[0], a.Shape[1]);
        var columns = Enumerable.Range(0, n).Select(j => Enumerable.Range(0, m).Select(i => a[i, j]).ToArray()).ToArray();
        for (var sweep = 0; sweep < 60; sweep++)
        {
            for (var p = 0; p < n; p++)
            {
                for (var q = p + 1; q < n; q++)
                {
                    var (x, y) = (columns[p], columns[q]);
                    var (alpha, beta) = (x.Sum(v => v.Magnitude * v.Magnitude), y.Sum(v => v.Magnitude * v.Magnitude));
                    var gamma = SumOf(x.Zip(y, (u, v) => Complex.Conjugate(u) * v));
                    if (gamma.Magnitude < 1e-17 * Math.Sqrt(alpha * beta))
                        continue;
                    var zeta = (beta - alpha) / (2 * gamma.Magnitude);
                    var t = (zeta >= 0 ? 1 : -1) / (Math.Abs(zeta) + Math.Sqrt(1 + zeta * zeta));
                    var cos = 1 / Math.Sqrt(1 + t * t);
                    var sin = cos * t * (gamma / gamma.Magnitude);
                    (columns[p], columns[q]) = ([.. x.Zip(y, (u, v) => cos * u - Complex.Conjugate(sin) * v)], [.. x.Zip(y, (u, v) => sin * u + cos * v)]);
                }
            }
        }
        var values = columns.Select(column => Math.Sqrt(column.Sum(v => v.Magnitude * v.Magnitude))).OrderDescending().ToArray();
        return Nd.Of([n], i => values[i[0]]);
    }

    // S beside the projections on the leading left and right singular vectors.
    static Tensor SvdParts(Tensor x)
    {
        var (u, s, v) = x.Svd();
        var (first, right) = (u.Slice(1, 0, 1), v.Slice(1, 0, 1));
        var part = first.MatMul(right.H);
        return Tensor.Concat([s.To(x.DType), part.Flatten(), first.MatMul(first.H).Flatten()], 0);
    }

    static Nd SvdReference(Nd x)
    {
        var values = SingularValuesOf(x);
        var (m, n) = (x.Shape[0], x.Shape[1]);
        // Power iteration on x x^H for the leading vector.
        var gram = Product(x, Adjoint(x));
        var u = Nd.Of([m, 1], i => 1 + 0.1 * i[0]);
        for (var k = 0; k < 4000; k++)
        {
            u = Product(gram, u);
            var size = Math.Sqrt(u.Data.Sum(c => c.Magnitude * c.Magnitude));
            u = Nd.Map(c => c[0] / size, u);
        }
        var v = Nd.Map(c => c[0] / values.Data[0], Product(Adjoint(x), u));
        var (part, projection) = (Product(u, Adjoint(v)), Product(u, Adjoint(u)));
        return new([values.Data.Length + m * n + m * m], [.. values.Data, .. part.Data, .. projection.Data]);
    }

    static Nd Hermitian(Nd x) => Nd.Map(v => (v[0] + v[1]) / 2, x, Adjoint(x));

    // Eigenvalues beside the projection on the top eigenvector.
    static Tensor EighParts(Tensor x)
    {
        var (values, vectors) = x.Eigh();
        var top = vectors.Slice(1, vectors.Shape[1] - 1);
        return Tensor.Concat([values.To(x.DType), top.MatMul(top.H).Flatten()], 0);
    }

    static Nd EighReference(Nd x)
    {
        var n = x.Shape[0];
        var shifted = Nd.Map(v => v[0], Nd.Of([n, n], i => Hermitian(x)[i] + (i[0] == i[1] ? 20 : 0)));
        var values = SingularValuesOf(shifted).Data.Select(v => v - 20).Reverse().ToArray();
        var u = Nd.Of([n, 1], i => 1 + 0.1 * i[0]);
        for (var k = 0; k < 4000; k++)
        {
            u = Product(shifted, u);
            var size = Math.Sqrt(u.Data.Sum(c => c.Magnitude * c.Magnitude));
            u = Nd.Map(c => c[0] / size, u);
        }
        return new([n + n * n], [.. values, .. Product(u, Adjoint(u)).Data]);
    }

    static Nd CholeskyOf(Nd x)
    {
        var n = x.Shape[^1];
        return Nd.Of(x.Shape, i =>
        {
            var a = Nd.Of([n, n], j => SumOf(Enumerable.Range(0, n).Select(k => x[[.. i[..^2], j[0], k]] * Complex.Conjugate(x[[.. i[..^2], j[1], k]]))) + (j[0] == j[1] ? 1 : 0));
            var l = new Complex[n, n];
            for (var r = 0; r < n; r++)
            {
                for (var c = 0; c <= r; c++)
                {
                    var sum = a[r, c] - SumOf(Enumerable.Range(0, c).Select(k => l[r, k] * Complex.Conjugate(l[c, k])));
                    l[r, c] = r == c ? Math.Sqrt(sum.Real) : sum / l[c, c];
                }
            }
            return l[i[^2], i[^1]];
        });
    }

    // By minors along the first row.
    static Complex DetOf(Nd x)
    {
        var n = x.Shape[0];
        return n == 1 ? x[0, 0] : SumOf(Enumerable.Range(0, n).Select(c =>
            (c % 2 == 0 ? 1 : -1) * x[0, c] * DetOf(Nd.Of([n - 1, n - 1], i => x[i[0] + 1, i[1] < c ? i[1] : i[1] + 1]))));
    }

    static Nd ExpOf(Nd x)
    {
        var small = Nd.Map(v => v[0] / 8, x);
        var (sum, term) = (Identity(x.Shape[0]), Identity(x.Shape[0]));
        for (var k = 1; k < 40; k++)
        {
            term = Nd.Map(v => v[0] / k, Product(term, small));
            sum = Nd.Map(v => v[0] + v[1], sum, term);
        }
        for (var k = 0; k < 3; k++)
            sum = Product(sum, sum);
        return sum;
    }

    static OpRow Qr(params Shape[][] shapes) => new("Qr", x => PositiveQr(x[0]), x => GramSchmidt(x[0]), shapes)
    {
        IsComplex = true, Single = 3e-6, Double = 2e-14, Gradient = 1e-7, Prepare = (_, x) => Nd.Of(x.Shape, i => x[i] + (i[0] == i[1] ? 4 : 0)),
    };

    static IEnumerable<OpRow> Orthogonal() =>
    [
        Qr([[5, 3]], [[4, 4]], [[1, 1]], [[40, 33]], [[60, 50]]),
        new("TriangularSolve", x => x[0].TriangularSolve(x[1], upper: true), x => SolveOf(Nd.Of(x[0].Shape, i => i[^1] >= i[^2] ? x[0][i] : 0), x[1]),
            [[2, 4, 4], [2, 4, 3]], [[1, 1], [1, 1]]) { IsComplex = true, Prepare = Dominant, Single = 3e-6, Double = 2e-14 },
        new("TriangularSolve", x => x[0].TriangularSolve(x[1], upper: false, unitDiagonal: true), x => SolveOf(Nd.Of(x[0].Shape, i => i[^1] == i[^2] ? 1 : i[^1] < i[^2] ? x[0][i] : 0), x[1]),
            [[2, 4, 4], [2, 4, 3]]) { IsComplex = true, Single = 1e-5, Double = 5e-14, Low = -1, High = 1 },
        new("Solve", x => x[0].Solve(x[1]), x => SolveOf(x[0], x[1]), [[2, 4, 4], [2, 4, 3]], [[1, 1], [1, 2]]) { IsComplex = true, Prepare = Dominant, Single = 3e-6, Double = 2e-14 },
        new("Inverse", x => x[0].Inverse(), x => SolveOf(x[0], Nd.Of(x[0].Shape, i => i[^1] == i[^2] ? 1 : 0)), [[2, 4, 4]], [[1, 1]], [[10, 10]]) { IsComplex = true, Prepare = Dominant, Single = 3e-6, Double = 2e-14 },
        new("SingularValues", x => x[0].SingularValues(), x => SingularValuesOf(x[0]), [[5, 3]], [[3, 5]], [[4, 4]]) { IsComplex = true, Single = 3e-6, Double = 2e-14 },
        // Singular and eigenvectors are unique up to a phase: what does not depend on it is compared.
        new("Svd", x => SvdParts(x[0]), x => SvdReference(x[0]), [[5, 3]], [[3, 5]], [[4, 4]]) { IsComposed = true, IsComplex = true, Single = 5e-6, Double = 5e-14, Gradient = 1e-6 },
        new("Eigh", x => EighParts(x[0]), x => EighReference(x[0]), [[4, 4]], [[1, 1]]) { IsComposed = true, IsComplex = true, Single = 5e-6, Double = 5e-14, Gradient = 1e-6 },
        new("Cholesky", x => (x[0].MatMul(x[0].H) + Tensor.Eye(x[0].Shape[^1], dtype: x[0].DType, device: x[0].Device)).Cholesky(), x => CholeskyOf(x[0]), [[4, 4]], [[2, 3, 3]]) { IsComposed = true, IsComplex = true, Single = 3e-6, Double = 2e-14 },
        new("Det", x => x[0].Det(), x => new([], [DetOf(x[0])]), [[4, 4]], [[1, 1]]) { IsComplex = true, Single = 3e-6, Double = 2e-14 },
        new("LogDet", x => x[0].LogDet(), x => new([], [Math.Log(DetOf(x[0]).Magnitude)]), [[4, 4]], [[1, 1]]) { IsComplex = true, Single = 5e-6, Double = 2e-14 },
        new("PseudoInverse", x => x[0].PseudoInverse(), x => x[0].Shape[0] >= x[0].Shape[1]
                ? SolveOf(Product(Adjoint(x[0]), x[0]), Adjoint(x[0])) : Adjoint(SolveOf(Product(x[0], Adjoint(x[0])), x[0])),
            [[5, 3]], [[3, 5]]) { IsComplex = true, Prepare = (_, x) => Nd.Of(x.Shape, i => x[i] + (i[0] == i[1] ? 3 : 0)), Single = 5e-6, Double = 5e-14 },
        new("MatrixExp", x => x[0].MatrixExp(), x => ExpOf(x[0]), [[4, 4]], [[1, 1]]) { IsComplex = true, Single = 5e-6, Double = 5e-14 },
        new("HouseholderProduct", x => x[0].HouseholderProduct(3), x => Reflections(x[0], 3), [[5, 3]], [[4, 4]]) { IsComplex = true, Single = 3e-6, Double = 2e-14, Low = 0.2 },
        new("HouseholderApply", x => x[0].HouseholderApply(x[1]), x => Product(Reflections(x[0], x[0].Shape[0]), x[1]), [[5, 3], [5, 2]]) { IsComplex = true, Single = 3e-6, Double = 2e-14, Low = 0.2 },
        new("HouseholderFrame", x => x[0].HouseholderFrame(), x => Reflections(Trapezoid(x[0]), x[0].Shape[1]), [[5, 3]]) { IsComplex = true, Single = 3e-6, Double = 2e-14 },
        new("NewtonSchulz", x => x[0].NewtonSchulz(NewtonSchulzSchedule.Muon(2)), x => Polynomial(x[0], [3.4445, -4.7750, 2.0315], 2), [[5, 3]], [[3, 5]], [[2, 5]]) { IsComplex = true, Single = 3e-6, Double = 2e-14 },
        new("CoupledNewtonSchulz", x => x[0].CoupledNewtonSchulz(3), x => Coupled(x[0], 3), [[5, 5]], [[2, 3, 3]], [[1, 1]])
            { IsComplex = true, Prepare = (_, x) => Nd.Of(x.Shape, i => x[i] * 0.2 + (i[^1] == i[^2] ? 1 : 0)), Single = 3e-6, Double = 2e-14 },
        new("Bjorck", x => x[0].Bjorck(0.5, 3), x => Polynomial(x[0], [1.5, -0.5], 3), [[5, 3]], [[3, 4]], [[6, 2]]) { IsComplex = true, Single = 3e-6, Double = 2e-14 },
    ];
}
