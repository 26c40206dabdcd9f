using Ortho.Autograd.Contractions;
using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>Einstein sums, and the products of vectors and arrays that have names.</summary>
[OpFamily("matrix")]
public static class ContractionOps
{
    extension(Tensor)
    {
        /// <summary>The sum over repeated subscripts of the product of all operands: <c>Tensor.Einsum("bij,bjk->bik", x, y)</c>.</summary>
        /// <param name="subscripts">For each operand a letter for each dimension, separated by commas; behind an arrow the letters of the
        /// result, otherwise those that occur once, in alphabetical order. A letter twice in one operand is its diagonal. An ellipsis
        /// stands for any further dimensions, which broadcast; where the result has none they are summed.</param>
        /// <param name="operands">Numbers; dtypes are promoted. Dimensions of one letter have one extent, or 1.</param>
        /// <remarks>Operands are contracted two at a time, by batched matrix products, in the order that takes the fewest multiplications
        /// (up to four operands; beyond, the cheapest pair first).</remarks>
        /// <exception cref="TensorArgumentException">The subscripts are malformed or do not fit the operands.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex | Numbers.Integer)]
        public static Tensor Einsum(string subscripts, params Tensor[] operands)
        {
            ArgumentNullException.ThrowIfNull(operands);
            var read = Subscripts.Read(subscripts, [.. operands.Select(operand => operand.Shape)]);
            return Contraction.Run("Einsum", operands, read.Inputs, read.Output);
        }
    }

    extension(Tensor a)
    {
        /// <summary>The sum over the last dimensions of a and the first of b; the other dimensions of a, then those of b are
        /// left.</summary>
        /// <param name="b">The right factor.</param>
        /// <param name="dimensions">How many are summed.</param>
        /// <exception cref="TensorArgumentException">There are fewer dimensions, or their extents differ.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex | Numbers.Integer)]
        public Tensor TensorDot(Tensor b, int dimensions = 2)
        {
            ArgumentNullException.ThrowIfNull(b);
            return dimensions >= 0 && dimensions <= a.Rank && dimensions <= b.Rank
                ? a.TensorDot(b, [.. Enumerable.Range(a.Rank - dimensions, dimensions)], [.. Enumerable.Range(0, dimensions)])
                : throw new TensorArgumentException("TensorDot", nameof(dimensions), $"{dimensions} for {a.Shape} and {b.Shape}",
                    $"0 to {Math.Min(a.Rank, b.Rank)}");
        }

        /// <summary>The sum over pairs of dimensions of a and b; the other dimensions of a, then those of b are left.</summary>
        /// <param name="b">The right factor.</param>
        /// <param name="dimensionsA">Dimensions of a.</param>
        /// <param name="dimensionsB">Those of b that belong to them.</param>
        /// <exception cref="TensorArgumentException">Their numbers or extents differ, or one is named twice.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex | Numbers.Integer)]
        public Tensor TensorDot(Tensor b, int[] dimensionsA, int[] dimensionsB)
        {
            ArgumentNullException.ThrowIfNull(b);
            ArgumentNullException.ThrowIfNull(dimensionsA);
            ArgumentNullException.ThrowIfNull(dimensionsB);
            int[] p = [.. dimensionsA.Select(d => a.Shape.Axis(d, "TensorDot"))];
            int[] q = [.. dimensionsB.Select(d => b.Shape.Axis(d, "TensorDot"))];
            var isPairing = p.Length == q.Length && p.Distinct().Count() == p.Length && q.Distinct().Count() == q.Length;
            if (!isPairing || p.Zip(q).Any(pair => a.Shape[pair.First] != b.Shape[pair.Second]))
            {
                throw new TensorArgumentException("TensorDot", nameof(dimensionsB),
                    $"[{string.Join(", ", dimensionsB)}] of {b.Shape} beside [{string.Join(", ", dimensionsA)}] of {a.Shape}",
                    "as many dimensions of the same extents, none twice");
            }
            int[] labelsA = [.. Enumerable.Range(1, a.Rank)];
            int Label(int d) => Array.IndexOf(q, d) is >= 0 and var k ? labelsA[p[k]] : a.Rank + 1 + d;
            int[] labelsB = [.. Enumerable.Range(0, b.Rank).Select(Label)];
            return Contraction.Run("TensorDot", [a, b], [labelsA, labelsB], [.. labelsA.Except(labelsB), .. labelsB.Except(labelsA)]);
        }

        /// <summary>The sum over the last dimensions of both; without conjugation.</summary>
        /// <exception cref="TensorArgumentException">Their extents differ.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex | Numbers.Integer)]
        public Tensor Inner(Tensor b)
        {
            ArgumentNullException.ThrowIfNull(b);
            if (a.Rank == 0 || b.Rank == 0)
                return a * b;
            int[] left = [.. Enumerable.Range(2, a.Rank - 1)], right = [.. Enumerable.Range(1 + a.Rank, b.Rank - 1)];
            return a.Shape[^1] == b.Shape[^1]
                ? Contraction.Run("Inner", [a, b], [[.. left, 1], [.. right, 1]], [.. left, .. right])
                : throw new TensorArgumentException("Inner", nameof(b), $"{b.Shape} beside {a.Shape}",
                    $"a last dimension of {a.Shape[^1]}");
        }

        /// <summary>The sum of the products of the conjugated elements of a with those of b, in row-major order.</summary>
        /// <exception cref="TensorArgumentException">The numbers of elements differ.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex | Numbers.Integer)]
        public Tensor VDot(Tensor b)
        {
            ArgumentNullException.ThrowIfNull(b);
            return a.ElementCount == b.ElementCount
                ? Contraction.Run("VDot", [a.Conj().Reshape(-1), b.Reshape(-1)], [[1], [1]], [])
                : throw new TensorArgumentException("VDot", nameof(b), $"{b.Shape} beside {a.Shape}", $"{a.ElementCount} elements");
        }

        /// <summary>All products of an element of a with one of b, as a matrix; both in row-major order.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor Outer(Tensor b)
        {
            ArgumentNullException.ThrowIfNull(b);
            ArithmeticOps.RequireOneDevice("Outer", a, b);
            return a.Reshape(-1, 1) * b.Reshape(1, -1);
        }

        /// <summary>The Kronecker product: blocks of b, one for each element of a and weighted by it. The tensor of fewer dimensions gets
        /// leading ones.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor Kron(Tensor b)
        {
            ArgumentNullException.ThrowIfNull(b);
            ArithmeticOps.RequireOneDevice("Kron", a, b);
            var rank = Math.Max(a.Rank, b.Rank);
            int[] p = [.. Enumerable.Repeat(1, rank - a.Rank), .. a.Shape], q = [.. Enumerable.Repeat(1, rank - b.Rank), .. b.Shape];
            var (outer, inner) = (p.SelectMany(extent => new[] { extent, 1 }), q.SelectMany(extent => new[] { 1, extent }));
            return (a.Reshape([.. outer]) * b.Reshape([.. inner])).Reshape([.. p.Zip(q, (rows, columns) => checked(rows * columns))]);
        }

        /// <summary>The cross product of vectors of three elements along a dimension; the others broadcast.</summary>
        /// <exception cref="TensorArgumentException">The dimension's extent is not 3.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex | Numbers.Integer)]
        public Tensor Cross(Tensor b, int dimension = -1)
        {
            ArgumentNullException.ThrowIfNull(b);
            var dtype = DTypes.Promote(a.DType, b.DType);
            if (dtype.IsHalfPrecision)
                return a.To(DType.Float32).Cross(b.To(DType.Float32), dimension).To(dtype);
            if (a.Shape[dimension] != 3 || b.Shape[dimension] != 3)
                throw new TensorArgumentException("Cross", nameof(dimension), $"{dimension} of {a.Shape} and {b.Shape}", "extents of 3");
            return a.Roll(-1, dimension) * b.Roll(1, dimension) - a.Roll(1, dimension) * b.Roll(-1, dimension);
        }
    }
}
