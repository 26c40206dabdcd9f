using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Util;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.Linalg;

/// <summary>A column of a matrix in the registers of one device thread, by quads of rows. Numbers of quads and of first rows are constants
/// where these are called, so that nothing is left of the questions about them.</summary>
/// <typeparam name="C">The type itself.</typeparam>
/// <typeparam name="T">The lane.</typeparam>
interface IRegisterColumn<C, T> where C : struct where T : struct, ILane<T>
{
    /// <summary>Quads of rows.</summary>
    static abstract int Quads { get; }

    /// <summary>A quad.</summary>
    static abstract Quad<T> Get(C column, int quad);

    /// <summary>The same column but for a quad.</summary>
    static abstract C With(C column, int quad, Quad<T> rows);

    /// <summary>All quads move up by one, which the first leaves; another one comes last.</summary>
    static abstract C Up(C column, Quad<T> last);

    /// <summary>All quads move down by one, which the last leaves; another one comes first.</summary>
    static abstract C Down(C column, Quad<T> first);

    /// <summary>Adds to a sum the products with v in all quads behind <paramref name="quad"/>, row by row.</summary>
    static abstract T Dot<E, F>(C column, int quad, ArrayView<Quad<E>> v, T sum) where E : unmanaged where F : struct, ICell<T, E>;

    /// <summary>The column plus a multiple of v in all quads behind <paramref name="quad"/>.</summary>
    static abstract C Plus<E, F>(C column, int quad, ArrayView<Quad<E>> v, T factor) where E : unmanaged where F : struct, ICell<T, E>;

    /// <summary>The column plus multiples of four others, one after the other, in all quads behind <paramref name="quad"/>.</summary>
    static abstract C Plus<E, F>(C column, int quad, ArrayView<Quad<E>> v0, ArrayView<Quad<E>> v1, ArrayView<Quad<E>> v2, ArrayView<Quad<E>> v3, Quad<T> factors)
        where E : unmanaged where F : struct, ICell<T, E>;

    /// <summary>Writes all quads behind <paramref name="quad"/>.</summary>
    static abstract void Put<E, F>(C column, int quad, ArrayView<Quad<E>> to) where E : unmanaged where F : struct, ICell<T, E>;

    /// <summary>A column of <paramref name="rows"/> rows that lie <paramref name="step"/> apart from <paramref name="start"/> on, of which this
    /// column's first is number <paramref name="first"/>; zeros behind the last.</summary>
    static abstract C Load<E, F>(ArrayView<E> from, int start, int step, int first, int rows)
        where E : unmanaged where F : struct, ICell<T, E>;

    /// <summary>Writes what <see cref="Load"/> reads: above row <paramref name="diagonal"/> the column's own numbers, there another one, and
    /// zeros below.</summary>
    static abstract void StoreUpper<E, F>(C column, ArrayView<E> to, int step, int first, int rows, int diagonal, E onDiagonal)
        where E : unmanaged where F : struct, ICell<T, E>;

    /// <summary>Writes what <see cref="Load"/> reads.</summary>
    static abstract void Store<E, F>(C column, ArrayView<E> to, int start, int step, int first, int rows)
        where E : unmanaged where F : struct, ICell<T, E>;

    /// <summary>A column of the identity whose zeros between the diagonal and row <paramref name="rows"/> are <paramref name="minusZero"/>.</summary>
    static abstract C Identity<E, F>(int first, int rows, int diagonal, E minusZero) where E : unmanaged where F : struct, ICell<T, E>;
}

/// <summary>Four rows.</summary>
struct FourRows<T> : IRegisterColumn<FourRows<T>, T> where T : struct, ILane<T>
{
    Quad<T> rows;

    public static int Quads { [MethodImpl(Inline.Always)] get => 1; }

    [MethodImpl(Inline.Always)] public static Quad<T> Get(FourRows<T> column, int quad) => column.rows;

    [MethodImpl(Inline.Always)] public static FourRows<T> With(FourRows<T> column, int quad, Quad<T> rows) => new() { rows = rows };

    [MethodImpl(Inline.Always)] public static FourRows<T> Up(FourRows<T> column, Quad<T> last) => new() { rows = last };

    [MethodImpl(Inline.Always)] public static FourRows<T> Down(FourRows<T> column, Quad<T> first) => new() { rows = first };

    [MethodImpl(Inline.Always)]
    public static T Dot<E, F>(FourRows<T> column, int quad, ArrayView<Quad<E>> v, T sum) where E : unmanaged where F : struct, ICell<T, E>
    {
        if (quad < 0)
        {
            var (factors, rows) = (v[0], column.rows);
            sum = T.Fma(F.Splat(factors.X), rows.X, sum);
            sum = T.Fma(F.Splat(factors.Y), rows.Y, sum);
            sum = T.Fma(F.Splat(factors.Z), rows.Z, sum);
            sum = T.Fma(F.Splat(factors.W), rows.W, sum);
        }
        return sum;
    }

    [MethodImpl(Inline.Always)]
    public static FourRows<T> Plus<E, F>(FourRows<T> column, int quad, ArrayView<Quad<E>> v, T factor)
        where E : unmanaged where F : struct, ICell<T, E>
    {
        if (quad < 0)
            column.rows = Plus<E, F>(column.rows, v[0], factor);
        return column;
    }

    [MethodImpl(Inline.Always)]
    public static FourRows<T> Plus<E, F>(FourRows<T> column, int quad, ArrayView<Quad<E>> v0, ArrayView<Quad<E>> v1, ArrayView<Quad<E>> v2, ArrayView<Quad<E>> v3,
        Quad<T> factors) where E : unmanaged where F : struct, ICell<T, E>
    {
        if (quad < 0)
        {
            var rows = Plus<E, F>(column.rows, v0[0], factors.X);
            rows = Plus<E, F>(rows, v1[0], factors.Y);
            rows = Plus<E, F>(rows, v2[0], factors.Z);
            column.rows = Plus<E, F>(rows, v3[0], factors.W);
        }
        return column;
    }

    [MethodImpl(Inline.Always)]
    static Quad<T> Plus<E, F>(Quad<T> rows, Quad<E> v, T factor) where E : unmanaged where F : struct, ICell<T, E>
        => new(T.Fma(F.Splat(v.X), factor, rows.X), T.Fma(F.Splat(v.Y), factor, rows.Y), T.Fma(F.Splat(v.Z), factor, rows.Z), T.Fma(F.Splat(v.W), factor, rows.W));

    [MethodImpl(Inline.Always)]
    public static void Put<E, F>(FourRows<T> column, int quad, ArrayView<Quad<E>> to) where E : unmanaged where F : struct, ICell<T, E>
    {
        if (quad < 0)
            to[0] = new(F.Pack(column.rows.X), F.Pack(column.rows.Y), F.Pack(column.rows.Z), F.Pack(column.rows.W));
    }

    [MethodImpl(Inline.Always)]
    public static FourRows<T> Load<E, F>(ArrayView<E> from, int start, int step, int first, int rows)
        where E : unmanaged where F : struct, ICell<T, E>
        => new()
        {
            rows = new(Read<E, F>(from, start, step, first, rows), Read<E, F>(from, start, step, first + 1, rows),
                Read<E, F>(from, start, step, first + 2, rows), Read<E, F>(from, start, step, first + 3, rows)),
        };

    // Read in any case: behind a branch each number would be waited for.
    [MethodImpl(Inline.Always)]
    static T Read<E, F>(ArrayView<E> from, int start, int step, int row, int rows) where E : unmanaged where F : struct, ICell<T, E>
        => F.Splat(Utilities.Select(row < rows, from[start + IntrinsicMath.Min(row, rows - 1) * step], default));

    [MethodImpl(Inline.Always)]
    public static void StoreUpper<E, F>(FourRows<T> column, ArrayView<E> to, int step, int first, int rows, int diagonal, E onDiagonal)
        where E : unmanaged where F : struct, ICell<T, E>
    {
        Write(to, 0, step, first, rows, Upper<E, F>(column.rows.X, first, diagonal, onDiagonal));
        Write(to, 0, step, first + 1, rows, Upper<E, F>(column.rows.Y, first + 1, diagonal, onDiagonal));
        Write(to, 0, step, first + 2, rows, Upper<E, F>(column.rows.Z, first + 2, diagonal, onDiagonal));
        Write(to, 0, step, first + 3, rows, Upper<E, F>(column.rows.W, first + 3, diagonal, onDiagonal));
    }

    [MethodImpl(Inline.Always)]
    static E Upper<E, F>(T value, int row, int diagonal, E onDiagonal) where E : unmanaged where F : struct, ICell<T, E>
        => Utilities.Select(row < diagonal, F.Pack(value), Utilities.Select(row == diagonal, onDiagonal, default));

    [MethodImpl(Inline.Always)]
    static void Write<E>(ArrayView<E> to, int start, int step, int row, int rows, E value) where E : unmanaged
    {
        if (row < rows)
            to[start + row * step] = value;
    }

    [MethodImpl(Inline.Always)]
    public static void Store<E, F>(FourRows<T> column, ArrayView<E> to, int start, int step, int first, int rows)
        where E : unmanaged where F : struct, ICell<T, E>
    {
        Write(to, start, step, first, rows, F.Pack(column.rows.X));
        Write(to, start, step, first + 1, rows, F.Pack(column.rows.Y));
        Write(to, start, step, first + 2, rows, F.Pack(column.rows.Z));
        Write(to, start, step, first + 3, rows, F.Pack(column.rows.W));
    }

    [MethodImpl(Inline.Always)]
    public static FourRows<T> Identity<E, F>(int first, int rows, int diagonal, E minusZero)
        where E : unmanaged where F : struct, ICell<T, E>
        => new()
        {
            rows = new(Unit<E, F>(first, rows, diagonal, minusZero), Unit<E, F>(first + 1, rows, diagonal, minusZero),
                Unit<E, F>(first + 2, rows, diagonal, minusZero), Unit<E, F>(first + 3, rows, diagonal, minusZero)),
        };

    [MethodImpl(Inline.Always)]
    static T Unit<E, F>(int row, int rows, int diagonal, E minusZero) where E : unmanaged where F : struct, ICell<T, E>
        => F.Splat(Utilities.Select(row > diagonal & row < rows, minusZero, Utilities.Select(row == diagonal, F.Pack(T.Of(1)), default)));
}

/// <summary>Twice as many rows.</summary>
struct Twice<C, T> : IRegisterColumn<Twice<C, T>, T> where C : struct, IRegisterColumn<C, T> where T : struct, ILane<T>
{
    C upper, lower;

    public static int Quads { [MethodImpl(Inline.Always)] get => 2 * C.Quads; }

    [MethodImpl(Inline.Always)]
    public static Quad<T> Get(Twice<C, T> column, int quad)
    {
        if (quad < C.Quads)
            return C.Get(column.upper, quad);
        return C.Get(column.lower, quad - C.Quads);
    }

    [MethodImpl(Inline.Always)]
    public static Twice<C, T> With(Twice<C, T> column, int quad, Quad<T> rows)
    {
        if (quad < C.Quads)
            column.upper = C.With(column.upper, quad, rows);
        else
            column.lower = C.With(column.lower, quad - C.Quads, rows);
        return column;
    }

    [MethodImpl(Inline.Always)]
    public static Twice<C, T> Up(Twice<C, T> column, Quad<T> last)
        => new() { upper = C.Up(column.upper, C.Get(column.lower, 0)), lower = C.Up(column.lower, last) };

    [MethodImpl(Inline.Always)]
    public static Twice<C, T> Down(Twice<C, T> column, Quad<T> first)
        => new() { upper = C.Down(column.upper, first), lower = C.Down(column.lower, C.Get(column.upper, C.Quads - 1)) };

    [MethodImpl(Inline.Always)]
    public static T Dot<E, F>(Twice<C, T> column, int quad, ArrayView<Quad<E>> v, T sum) where E : unmanaged where F : struct, ICell<T, E>
    {
        if (quad < C.Quads - 1)
            sum = C.Dot<E, F>(column.upper, quad, v, sum);
        return C.Dot<E, F>(column.lower, quad - C.Quads, v.SubView(C.Quads), sum);
    }

    [MethodImpl(Inline.Always)]
    public static Twice<C, T> Plus<E, F>(Twice<C, T> column, int quad, ArrayView<Quad<E>> v, T factor)
        where E : unmanaged where F : struct, ICell<T, E>
    {
        if (quad < C.Quads - 1)
            column.upper = C.Plus<E, F>(column.upper, quad, v, factor);
        column.lower = C.Plus<E, F>(column.lower, quad - C.Quads, v.SubView(C.Quads), factor);
        return column;
    }

    [MethodImpl(Inline.Always)]
    public static Twice<C, T> Plus<E, F>(Twice<C, T> column, int quad, ArrayView<Quad<E>> v0, ArrayView<Quad<E>> v1, ArrayView<Quad<E>> v2, ArrayView<Quad<E>> v3,
        Quad<T> factors) where E : unmanaged where F : struct, ICell<T, E>
    {
        if (quad < C.Quads - 1)
            column.upper = C.Plus<E, F>(column.upper, quad, v0, v1, v2, v3, factors);
        column.lower = C.Plus<E, F>(column.lower, quad - C.Quads, v0.SubView(C.Quads), v1.SubView(C.Quads), v2.SubView(C.Quads), v3.SubView(C.Quads), factors);
        return column;
    }

    [MethodImpl(Inline.Always)]
    public static void Put<E, F>(Twice<C, T> column, int quad, ArrayView<Quad<E>> to) where E : unmanaged where F : struct, ICell<T, E>
    {
        if (quad < C.Quads - 1)
            C.Put<E, F>(column.upper, quad, to);
        C.Put<E, F>(column.lower, quad - C.Quads, to.SubView(C.Quads));
    }

    [MethodImpl(Inline.Always)]
    public static Twice<C, T> Load<E, F>(ArrayView<E> from, int start, int step, int first, int rows)
        where E : unmanaged where F : struct, ICell<T, E>
        => new() { upper = C.Load<E, F>(from, start, step, first, rows), lower = C.Load<E, F>(from, start, step, first + 4 * C.Quads, rows) };

    [MethodImpl(Inline.Always)]
    public static void StoreUpper<E, F>(Twice<C, T> column, ArrayView<E> to, int step, int first, int rows, int diagonal, E onDiagonal)
        where E : unmanaged where F : struct, ICell<T, E>
    {
        C.StoreUpper<E, F>(column.upper, to, step, first, rows, diagonal, onDiagonal);
        C.StoreUpper<E, F>(column.lower, to, step, first + 4 * C.Quads, rows, diagonal, onDiagonal);
    }

    [MethodImpl(Inline.Always)]
    public static void Store<E, F>(Twice<C, T> column, ArrayView<E> to, int start, int step, int first, int rows)
        where E : unmanaged where F : struct, ICell<T, E>
    {
        C.Store<E, F>(column.upper, to, start, step, first, rows);
        C.Store<E, F>(column.lower, to, start, step, first + 4 * C.Quads, rows);
    }

    [MethodImpl(Inline.Always)]
    public static Twice<C, T> Identity<E, F>(int first, int rows, int diagonal, E minusZero)
        where E : unmanaged where F : struct, ICell<T, E>
        => new() { upper = C.Identity<E, F>(first, rows, diagonal, minusZero), lower = C.Identity<E, F>(first + 4 * C.Quads, rows, diagonal, minusZero) };
}
