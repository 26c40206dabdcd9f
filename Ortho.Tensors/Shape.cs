using System.Collections;
using System.Runtime.CompilerServices;

namespace Ortho.Tensors;

/// <summary>The extents of a tensor, outermost first. An immutable value; <c>[2, 3]</c> is one.</summary>
[CollectionBuilder(typeof(Shape), nameof(Create))]
public readonly struct Shape : IEquatable<Shape>, IReadOnlyList<int>
{
    readonly int[]? extents;

    Shape(int[] extents) => this.extents = extents;

    /// <summary>The shape with these extents.</summary>
    /// <exception cref="ArgumentException">An extent is negative.</exception>
    public static Shape Create(ReadOnlySpan<int> extents)
    {
        foreach (var extent in extents)
        {
            if (extent < 0)
                throw new TensorArgumentException("Shape", nameof(extents), $"[{string.Join(", ", extents.ToArray())}]", "no negative extent");
        }
        return new(extents.ToArray());
    }

    /// <summary>The shape with these extents.</summary>
    public static implicit operator Shape(int[] extents) => Create(extents);

    /// <summary>Number of dimensions; 0 for a scalar.</summary>
    public int Rank => Span.Length;

    /// <summary>The extents.</summary>
    public ReadOnlySpan<int> Span => extents;

    /// <summary>Number of elements.</summary>
    public long ElementCount
    {
        get
        {
            long count = 1;
            foreach (var extent in Span)
                count = checked(count * extent);
            return count;
        }
    }

    int IReadOnlyCollection<int>.Count => Rank;

    /// <summary>Extent of a dimension; negative dimensions count from the end.</summary>
    public int this[int dimension] => Span[Axis(dimension, "Shape")];

    /// <summary>Extent of a dimension, counted from either end.</summary>
    public int this[Index dimension] => Span[dimension];

    /// <summary>The extents of a range of dimensions.</summary>
    public Shape this[Range range] => new(Span[range].ToArray());

    /// <summary>A dimension number in 0 .. Rank - 1 for one that may be negative.</summary>
    /// <exception cref="TensorArgumentException">The dimension does not exist.</exception>
    public int Axis(int dimension, string operation)
    {
        var axis = dimension < 0 ? dimension + Rank : dimension;
        return axis >= 0 && axis < Rank
            ? axis
            : throw new TensorArgumentException(operation, "dimension", $"{dimension} for shape {this}", $"-{Rank} to {Rank - 1}");
    }

    /// <summary>This shape followed by another.</summary>
    public Shape Concat(ReadOnlySpan<int> other) => new([.. Span, .. other]);

    /// <summary>This shape with one extent replaced.</summary>
    public Shape With(int dimension, int extent)
    {
        var changed = Span.ToArray();
        changed[Axis(dimension, "Shape")] = extent;
        return Create(changed);
    }

    /// <summary>Strides, in elements, of a dense row-major tensor of this shape.</summary>
    public long[] DenseStrides()
    {
        var strides = new long[Rank];
        long stride = 1;
        for (var d = Rank - 1; d >= 0; d--)
        {
            strides[d] = stride;
            stride *= Math.Max(1, Span[d]);
        }
        return strides;
    }

    /// <summary>The shape both broadcast to under NumPy's rule: aligned at the last dimension, extents equal or one of them 1.</summary>
    /// <exception cref="TensorArgumentException">They do not broadcast.</exception>
    public static Shape Broadcast(Shape a, Shape b, string operation)
    {
        if (a == b)
            return a;
        var rank = Math.Max(a.Rank, b.Rank);
        var result = new int[rank];
        for (var d = 1; d <= rank; d++)
        {
            var (ea, eb) = (d <= a.Rank ? a.Span[^d] : 1, d <= b.Rank ? b.Span[^d] : 1);
            result[^d] = ea == eb || eb == 1 ? ea
                : ea == 1 ? eb
                : throw new TensorArgumentException(operation, "shapes", $"{a} and {b}", "shapes that broadcast: aligned at the last dimension, extents equal or 1");
        }
        return new(result);
    }

    /// <inheritdoc/>
    public bool Equals(Shape other) => Span.SequenceEqual(other.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var extent in Span)
            hash.Add(extent);
        return hash.ToHashCode();
    }

    /// <summary>Same extents.</summary>
    public static bool operator ==(Shape a, Shape b) => a.Equals(b);

    /// <summary>Different extents.</summary>
    public static bool operator !=(Shape a, Shape b) => !a.Equals(b);

    /// <summary>The extents, for iteration and spreading.</summary>
    public IEnumerator<int> GetEnumerator() => ((IEnumerable<int>)(extents ?? [])).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public override string ToString() => $"[{string.Join(", ", Span.ToArray())}]";
}
