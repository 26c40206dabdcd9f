using Ortho.Kernels.Indexing;
using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>Diagonals and triangles of matrices.</summary>
[OpFamily("structure")]
public static class DiagonalOps
{
    extension(Tensor x)
    {
        /// <summary>The diagonals of the planes of two dimensions, which disappear; elements (i, i + offset) as a new last dimension; a
        /// view.</summary>
        /// <exception cref="TensorArgumentException">There are fewer than two dimensions, or the two are one.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor Diagonal(int offset = 0, int dimension1 = -2, int dimension2 = -1)
        {
            var (a, b) = Plane("Diagonal", x.Shape, dimension1, dimension2);
            var (rows, columns, strides) = (x.Shape[a], x.Shape[b], x.Layout.Strides.ToArray());
            var (down, right) = (Math.Max(0, -offset), Math.Max(0, offset));
            var length = (int)Math.Max(0, Math.Min((long)rows - down, (long)columns - right));
            int[] rest = [.. Enumerable.Range(0, x.Rank).Where(d => d != a && d != b)];
            var (extents, apart) = (new List<int>(), new List<long>());
            foreach (var d in rest)
            {
                extents.Add(x.Shape[d]);
                apart.Add(strides[d]);
            }
            var start = length == 0 ? x.Layout.Offset : x.Layout.Offset + down * strides[a] + right * strides[b];
            var layout = Layout.Strided([.. extents, length], [.. apart, strides[a] + strides[b]], start);
            var shape = x.Shape;
            return Graph.Record("Diagonal", x.View(layout), (x, g => SliceOps.Embed("Diagonal", g, shape, y => y.Diagonal(offset, a, b))));
        }

        /// <summary>A copy with the elements of <see cref="Diagonal"/> replaced.</summary>
        /// <param name="source">Of x's dtype; it broadcasts to the diagonals.</param>
        /// <param name="offset">As for Diagonal.</param>
        /// <param name="dimension1">As for Diagonal.</param>
        /// <param name="dimension2">As for Diagonal.</param>
        /// <exception cref="TensorArgumentException">The source does not fit.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor DiagonalScatter(Tensor source, int offset = 0, int dimension1 = -2, int dimension2 = -1)
            => SliceOps.Overwrite("DiagonalScatter", x, y => y.Diagonal(offset, dimension1, dimension2), source);

        /// <summary>Square matrices, planes of two dimensions of the result, with the last dimension as a diagonal and zeros
        /// elsewhere.</summary>
        /// <exception cref="TensorArgumentException">The tensor is a scalar, or the two dimensions are one.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor DiagEmbed(int offset = 0, int dimension1 = -2, int dimension2 = -1)
        {
            if (x.Rank == 0)
                throw new TensorArgumentException("DiagEmbed", nameof(x), "a scalar", "at least one dimension");
            var side = x.Shape[^1] + Math.Abs(offset);
            var like = x.Shape.Concat([side]);
            var (a, b) = Plane("DiagEmbed", like, dimension1, dimension2);
            var rest = new Queue<int>(x.Shape[..^1]);
            Shape shape = [.. Enumerable.Range(0, like.Rank).Select(d => d == a || d == b ? side : rest.Dequeue())];
            return SliceOps.Embed("DiagEmbed", x, shape, y => y.Diagonal(offset, a, b));
        }

        /// <summary>The matrix with this vector as a diagonal, or the diagonal of this matrix.</summary>
        /// <exception cref="TensorArgumentException">Neither a vector nor a matrix.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor Diag(int offset = 0) => x.Rank switch
        {
            1 => x.DiagEmbed(offset),
            2 => x.Diagonal(offset),
            _ => throw new TensorArgumentException("Diag", nameof(x), $"{x.Shape}", "a vector or a matrix"),
        };

        /// <summary>The sum of the diagonal of the last two dimensions; of integers and truth values as Int64.</summary>
        /// <exception cref="TensorArgumentException">There are fewer than two dimensions.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor Trace() => x.Rank >= 2
            ? x.Diagonal().Sum([-1])
            : throw new TensorArgumentException("Trace", nameof(x), $"{x.Shape}", "at least two dimensions");

        /// <summary>The lower triangle of the last two dimensions: elements (i, j) with j - i &lt;= diagonal; zeros elsewhere.</summary>
        /// <exception cref="TensorArgumentException">There are fewer than two dimensions.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor Tril(int diagonal = 0)
            => Graph.Record("Tril", Triangle.Run("Tril", x, diagonal, upper: false), (x, g => g.Tril(diagonal)));

        /// <summary>The upper triangle of the last two dimensions: elements (i, j) with j - i &gt;= diagonal; zeros elsewhere.</summary>
        /// <exception cref="TensorArgumentException">There are fewer than two dimensions.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor Triu(int diagonal = 0)
            => Graph.Record("Triu", Triangle.Run("Triu", x, diagonal, upper: true), (x, g => g.Triu(diagonal)));
    }

    static (int, int) Plane(string operation, Shape shape, int dimension1, int dimension2)
    {
        if (shape.Rank < 2)
            throw new TensorArgumentException(operation, "x", $"{shape}", "at least two dimensions");
        var (a, b) = (shape.Axis(dimension1, operation), shape.Axis(dimension2, operation));
        return a != b ? (a, b) : throw new TensorArgumentException(operation, nameof(dimension2), $"{dimension2} beside {dimension1}",
            "two different dimensions");
    }
}
