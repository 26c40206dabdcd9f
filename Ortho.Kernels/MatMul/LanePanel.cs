using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.MatMul;

/// <summary>A thread's part of an operand's panels (<see cref="LaneMatMul"/>): of its lines (rows of a, columns of b) and inner indices, as
/// many numbers as <see cref="ISums.Count"/>.</summary>
/// <remarks>Threads run along whatever is contiguous: over the inner index (<see cref="AlongStrides"/>), then each has one of them and lines
/// that are <see cref="ITileSide.Side"/> apart; or over the lines (<see cref="AcrossStrides"/>), then each has one line. What there is not
/// repeats the last that there is, and is not used.</remarks>
struct LanePanel<E> where E : unmanaged
{
    /// <summary>The operand's matrix.</summary>
    public ArrayView<E> From;

    /// <summary>From one line, and from one inner index, to the next.</summary>
    public int Line, Step;

    /// <summary>The last line and the last inner index.</summary>
    public int LastLine, Last;

    /// <summary>The thread's first line, and its first inner index in a panel.</summary>
    public int FirstLine, First;

    /// <summary>Where its first number goes in a panel.</summary>
    public int Target;

    /// <summary>A thread's part of the panels of a tile.</summary>
    [MethodImpl(Inline.Always)]
    public static LanePanel<E> Of<Q, U, S, P>(int thread, ArrayView<E> from, int firstLine, int lines, int line, int step, int k)
        where Q : struct, ISums where U : unmanaged, IWide<U, E> where S : struct, ITileSide where P : struct, IPanel
    {
        var (at, first) = P.Along
            ? (thread / S.Side, thread % S.Side)
            : (thread % Tiles<Q, E, U, S>.Lines, thread / Tiles<Q, E, U, S>.Lines);
        return new()
        {
            From = from, Line = line, Step = step, LastLine = lines - 1, Last = k - 1,
            FirstLine = firstLine + at, First = first, Target = first * Tiles<Q, E, U, S>.NumberPitch + at,
        };
    }

    /// <summary>The thread's numbers of the panel that begins at inner index <paramref name="k"/>.</summary>
    [MethodImpl(Inline.Always)]
    public static Eight<E> Load<Q, S, P>(LanePanel<E> x, int k) where Q : struct, ISums where S : struct, ITileSide where P : struct, IPanel
    {
        k += x.First;
        var from = P.Along
            ? x.From.SubView(IntrinsicMath.Min(k, x.Last) * x.Step)
            : x.From.SubView(IntrinsicMath.Min(x.FirstLine, x.LastLine) * x.Line);
        var numbers = default(Eight<E>);
        numbers.A = One<Q, S, P>(x, from, k, 0);
        if (Q.Count > 1)
        {
            numbers.B = One<Q, S, P>(x, from, k, 1);
            numbers.C = One<Q, S, P>(x, from, k, 2);
            numbers.D = One<Q, S, P>(x, from, k, 3);
        }
        if (Q.Count > 4)
        {
            numbers.E = One<Q, S, P>(x, from, k, 4);
            numbers.F = One<Q, S, P>(x, from, k, 5);
            numbers.G = One<Q, S, P>(x, from, k, 6);
            numbers.H = One<Q, S, P>(x, from, k, 7);
        }
        return numbers;
    }

    [MethodImpl(Inline.Always)]
    static E One<Q, S, P>(LanePanel<E> x, ArrayView<E> from, int k, int number) where Q : struct, ISums where S : struct, ITileSide where P : struct, IPanel
        => P.Along
            ? from[IntrinsicMath.Min(x.FirstLine + number * S.Side, x.LastLine) * x.Line]
            : from[IntrinsicMath.Min(k + number * (S.Side / Q.Count), x.Last) * x.Step];

    /// <summary>Puts them into a panel.</summary>
    [MethodImpl(Inline.Always)]
    public static void Store<Q, U, S, P>(LanePanel<E> x, ArrayView<U> panel, Eight<E> numbers)
        where Q : struct, ISums where U : unmanaged, IWide<U, E> where S : struct, ITileSide where P : struct, IPanel
    {
        var to = panel.Cast<E>().SubView(x.Target);
        var apart = P.Along ? S.Side : S.Side / Q.Count * Tiles<Q, E, U, S>.NumberPitch;
        to[0] = numbers.A;
        if (Q.Count > 1)
        {
            to[apart] = numbers.B;
            to[2 * apart] = numbers.C;
            to[3 * apart] = numbers.D;
        }
        if (Q.Count > 4)
        {
            to[4 * apart] = numbers.E;
            to[5 * apart] = numbers.F;
            to[6 * apart] = numbers.G;
            to[7 * apart] = numbers.H;
        }
    }
}
