namespace Ortho.Layers.Parametrizations;

/// <summary>The angles of a rotation's plane rotations. Clements et al. 2016, algorithm of figure 2, for real matrices: the antidiagonals
/// below the diagonal are made zero from the corner on, in turn by rotations of columns and of rows.</summary>
static class GivensMesh
{
    /// <summary>The angles [n, n / 2] of a rotation [n, n], in the order of <see cref="Givens"/>.</summary>
    public static double[] Angles(double[] q, int n)
    {
        var u = (double[])q.Clone();
        // L_last ... L_1 u R_1 ... R_last = signs, each rotation of rows or columns p and p + 1.
        var (left, right) = (new List<(int Pair, double Angle)>(), new List<(int Pair, double Angle)>());
        for (var i = 1; i < n; i++)
        {
            for (var j = 1; j <= i; j++)
            {
                if (i % 2 == 1)
                    right.Add(NullByColumns(u, n, n - j, i - j));
                else
                    left.Add(NullByRows(u, n, n - 1 + j - i, j - 1));
            }
        }
        double[] signs = [.. Enumerable.Range(0, n).Select(i => u[i * n + i] < 0 ? -1.0 : 1)];
        // u = L_1^T ... L_last^T signs R_last^T ... R_1^T. The signs go to the left, where a rotation with one of them turns around.
        var (layers, filled, width) = (new double[n * (n / 2)], new int[n], n / 2);
        foreach (var (pair, angle) in right)
            Place(pair, -angle);
        for (var k = left.Count - 1; k >= 0; k--)
            Place(left[k].Pair, -left[k].Angle * signs[left[k].Pair] * signs[left[k].Pair + 1]);
        Absorb(layers, signs, n);
        return layers;

        // The next layer for this pair that comes after all before it.
        void Place(int pair, double angle)
        {
            var layer = Math.Max(filled[pair], filled[pair + 1]);
            if (layer % 2 != pair % 2)
                layer++;
            layers[layer * width + pair / 2] = angle;
            filled[pair] = filled[pair + 1] = layer + 1;
        }
    }

    // Signs on the left, an even number of them negative: half turns of neighbouring pairs, which belong to the last two layers.
    static void Absorb(double[] layers, double[] signs, int n)
    {
        var half = new bool[n];
        for (var i = 0; i + 1 < n; i++)
        {
            half[i] = signs[i] < 0;
            if (half[i])
                signs[i + 1] = -signs[i + 1];
        }
        var (width, last) = (n / 2, n - 1);
        // Those of the last layer but one pass through the last, where a pair with one sign turns around.
        for (var pair = last % 2; pair + 1 < n; pair += 2)
        {
            var (before, after) = (pair > 0 && half[pair - 1], pair + 2 < n && half[pair + 1]);
            ref var angle = ref layers[last * width + pair / 2];
            angle = (before != after ? -angle : angle) + (half[pair] ? Math.PI : 0);
        }
        for (var pair = (last - 1) % 2; last > 0 && pair + 1 < n; pair += 2)
            layers[(last - 1) * width + pair / 2] += half[pair] ? Math.PI : 0;
    }

    // u <- u R with u[row, column] = 0, R in the plane of that column and the next.
    static (int Pair, double Angle) NullByColumns(double[] u, int n, int row, int column)
    {
        var (a, b) = (u[row * n + column], u[row * n + column + 1]);
        // [a, b] [c, -s; s, c] = [c a + s b, ...].
        var angle = Math.Atan2(-a, b);
        var (sine, cosine) = Math.SinCos(angle);
        for (var i = 0; i < n; i++)
        {
            (a, b) = (u[i * n + column], u[i * n + column + 1]);
            (u[i * n + column], u[i * n + column + 1]) = (cosine * a + sine * b, cosine * b - sine * a);
        }
        return (column, angle);
    }

    // u <- L u with u[row, column] = 0, L in the plane of the row before and that row.
    static (int Pair, double Angle) NullByRows(double[] u, int n, int row, int column)
    {
        var (a, b) = (u[(row - 1) * n + column], u[row * n + column]);
        // [c, -s; s, c] [a; b] = [..., s a + c b].
        var angle = Math.Atan2(-b, a);
        var (sine, cosine) = Math.SinCos(angle);
        for (var i = 0; i < n; i++)
        {
            (a, b) = (u[(row - 1) * n + i], u[row * n + i]);
            (u[(row - 1) * n + i], u[row * n + i]) = (cosine * a - sine * b, sine * a + cosine * b);
        }
        return (row - 1, angle);
    }
}
