using System.Numerics;

namespace Ortho.Kernels.Linalg;

/// <summary>One matrix on its way to the Schur form h = z^H a z, triangular: balancing, reduction to Hessenberg form by reflections, and the
/// complex QR iteration with single shifts. Golub and Van Loan, chapter 7.</summary>
sealed class SchurForm
{
    // QR steps that one eigenvalue may take; a handful do. Every tenth takes another shift, which breaks cycles.
    const int StepsPerValue = 60;

    readonly Complex[,] h;
    readonly Complex[,]? z;
    readonly double[] scales;
    readonly int n;

    /// <summary>Takes a matrix [n, n], row by row; z is made when vectors are wanted.</summary>
    public SchurForm(ReadOnlySpan<Complex> a, int n, bool vectors)
    {
        this.n = n;
        h = new Complex[n, n];
        for (var i = 0; i < n * n; i++)
            h[i / n, i % n] = a[i];
        scales = new double[n];
        Array.Fill(scales, 1);
        z = vectors ? new Complex[n, n] : null;
        for (var i = 0; vectors && i < n; i++)
            z![i, i] = 1;
    }

    /// <summary>The eigenvalues [n] and, unless that is empty, the matrix [n, n] of eigenvectors; NaN where there is no answer.</summary>
    public void Solve(Span<Complex> values, Span<Complex> vectors)
    {
        var isFinite = true;
        foreach (var element in h)
            isFinite &= Complex.IsFinite(element);
        if (isFinite)
        {
            Balance();
            Reduce();
            isFinite = Iterate();
        }
        if (!isFinite)
        {
            values.Fill(new(double.NaN, double.NaN));
            vectors.Fill(new(double.NaN, double.NaN));
            return;
        }
        for (var i = 0; i < n; i++)
            values[i] = h[i, i];
        if (z is not null)
            Substitute(vectors);
    }

    // Powers of two on the diagonal make rows and columns of about one norm: exact, and kinder to small eigenvalues.
    // Parlett and Reinsch 1969.
    void Balance()
    {
        for (var done = false; !done;)
        {
            done = true;
            for (var i = 0; i < n; i++)
            {
                double row = 0, column = 0;
                for (var j = 0; j < n; j++)
                {
                    if (j == i)
                        continue;
                    row += Size(h[i, j]);
                    column += Size(h[j, i]);
                }
                if (row == 0 || column == 0)
                    continue;
                var factor = Math.Pow(2, Math.Round(Math.Log2(row / column) / 2));
                if (column * factor + row / factor >= 0.95 * (column + row) || !double.IsNormal(factor) || !double.IsNormal(scales[i] * factor))
                    continue;
                done = false;
                scales[i] *= factor;
                for (var j = 0; j < n; j++)
                    h[i, j] /= factor;
                for (var j = 0; j < n; j++)
                    h[j, i] *= factor;
            }
        }
    }

    // Reflections from both sides: zeros below the first subdiagonal.
    void Reduce()
    {
        var v = new Complex[n];
        for (var k = 0; k < n - 2; k++)
        {
            double largest = 0, tail = 0;
            for (var i = k + 1; i < n; i++)
                largest = Math.Max(largest, Size(h[i, k]));
            if (largest == 0)
                continue;
            for (var i = k + 1; i < n; i++)
            {
                v[i] = h[i, k] / largest;
                tail += Square(v[i]);
            }
            var head = Complex.Abs(v[k + 1]);
            var norm = Math.Sqrt(tail);
            // v = x + phase(x_1) |x| e_1: nothing cancels.
            var phase = head == 0 ? Complex.One : v[k + 1] / head;
            v[k + 1] += phase * norm;
            var weight = 2 / (tail + 2 * head * norm + norm * norm);
            for (var j = k; j < n; j++)
            {
                var dot = Complex.Zero;
                for (var i = k + 1; i < n; i++)
                    dot += Complex.Conjugate(v[i]) * h[i, j];
                dot *= weight;
                for (var i = k + 1; i < n; i++)
                    h[i, j] -= v[i] * dot;
            }
            FromTheRight(h, v, k, weight);
            if (z is not null)
                FromTheRight(z, v, k, weight);
            for (var i = k + 2; i < n; i++)
                h[i, k] = 0;
        }
    }

    void FromTheRight(Complex[,] x, Complex[] v, int k, double weight)
    {
        for (var i = 0; i < n; i++)
        {
            var dot = Complex.Zero;
            for (var j = k + 1; j < n; j++)
                dot += x[i, j] * v[j];
            dot *= weight;
            for (var j = k + 1; j < n; j++)
                x[i, j] -= dot * Complex.Conjugate(v[j]);
        }
    }

    // Shifted QR steps on the active block until its last subdiagonal element is negligible; then one eigenvalue fewer is to be found.
    bool Iterate()
    {
        var (last, steps) = (n - 1, 0);
        while (last > 0)
        {
            var first = last;
            for (; first > 0; first--)
            {
                var size = Size(h[first - 1, first - 1]) + Size(h[first, first]);
                if (size == 0)
                    size = BlockSize(last);
                if (Size(h[first, first - 1]) <= 1.1e-16 * size)
                {
                    h[first, first - 1] = 0;
                    break;
                }
            }
            if (first == last)
            {
                (last, steps) = (last - 1, 0);
                continue;
            }
            if (++steps > StepsPerValue)
                return false;
            Step(first, last, steps % 10 == 0 ? h[last, last] + Size(h[last, last - 1]) : Shift(last));
        }
        return true;
    }

    double BlockSize(int last)
    {
        var size = 0.0;
        for (var i = 0; i <= last; i++)
        {
            for (var j = 0; j <= last; j++)
                size = Math.Max(size, Size(h[i, j]));
        }
        return size;
    }

    // Wilkinson: the eigenvalue of the last two by two block that is nearer to its last element.
    Complex Shift(int last)
    {
        var (a, b, c, d) = (h[last - 1, last - 1], h[last - 1, last], h[last, last - 1], h[last, last]);
        var half = (a - d) / 2;
        var root = Complex.Sqrt(half * half + b * c);
        var sum = Square(half + root) >= Square(half - root) ? half + root : half - root;
        return sum == 0 ? d : d - b * c / sum;
    }

    // h - shift = Q R by Givens rotations, then R Q + shift; on all rows and columns, since eigenvectors need the whole Schur form.
    void Step(int first, int last, Complex shift)
    {
        var rotations = new (double Cos, Complex Sin)[last];
        for (var i = first; i <= last; i++)
            h[i, i] -= shift;
        for (var k = first; k < last; k++)
        {
            var (x, y) = (h[k, k], h[k + 1, k]);
            var (sizeX, norm) = (Complex.Abs(x), double.Hypot(Complex.Abs(x), Complex.Abs(y)));
            var phase = sizeX == 0 ? Complex.One : x / sizeX;
            var (cos, sin) = norm == 0 ? (1.0, Complex.Zero) : (sizeX / norm, phase * Complex.Conjugate(y) / norm);
            rotations[k] = (cos, sin);
            for (var j = k; j < n; j++)
            {
                var (p, q) = (h[k, j], h[k + 1, j]);
                h[k, j] = cos * p + sin * q;
                h[k + 1, j] = cos * q - Complex.Conjugate(sin) * p;
            }
        }
        for (var k = first; k < last; k++)
        {
            Turn(h, k, Math.Min(k + 2, last + 1), rotations[k]);
            if (z is not null)
                Turn(z, k, n, rotations[k]);
        }
        for (var i = first; i <= last; i++)
            h[i, i] += shift;
    }

    static void Turn(Complex[,] x, int k, int rows, (double Cos, Complex Sin) rotation)
    {
        for (var i = 0; i < rows; i++)
        {
            var (p, q) = (x[i, k], x[i, k + 1]);
            x[i, k] = rotation.Cos * p + Complex.Conjugate(rotation.Sin) * q;
            x[i, k + 1] = rotation.Cos * q - rotation.Sin * p;
        }
    }

    // Eigenvectors of the triangular h from the bottom up, turned back by z and the scales, then of norm 1.
    void Substitute(Span<Complex> vectors)
    {
        var smallest = Math.Max(BlockSize(n - 1) * 1.1e-16, 1e-300);
        var (x, y) = (new Complex[n], new Complex[n]);
        for (var k = 0; k < n; k++)
        {
            x[k] = 1;
            for (var i = k - 1; i >= 0; i--)
            {
                var sum = Complex.Zero;
                for (var j = i + 1; j <= k; j++)
                    sum -= h[i, j] * x[j];
                // Equal eigenvalues: the smallest difference that the arithmetic tells apart.
                var gap = h[i, i] - h[k, k];
                x[i] = sum / (Size(gap) < smallest ? smallest : gap);
                if (Size(x[i]) > 1e100)
                {
                    var shrink = 1 / Size(x[i]);
                    for (var j = i; j <= k; j++)
                        x[j] *= shrink;
                }
            }
            double largest = 0, norm = 0;
            for (var i = 0; i < n; i++)
            {
                y[i] = Complex.Zero;
                for (var j = 0; j <= k; j++)
                    y[i] += z![i, j] * x[j];
                y[i] *= scales[i];
                largest = Math.Max(largest, Size(y[i]));
            }
            for (var i = 0; i < n; i++)
                norm += Square(y[i] / largest);
            for (var i = 0; i < n; i++)
                vectors[i * n + k] = y[i] / largest / Math.Sqrt(norm);
        }
    }

    static double Size(Complex x) => Math.Abs(x.Real) + Math.Abs(x.Imaginary);

    static double Square(Complex x) => x.Real * x.Real + x.Imaginary * x.Imaginary;
}
