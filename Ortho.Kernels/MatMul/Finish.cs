using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.MatMul;

/// <summary>What is done with the sums of a tile, known when the loop over them is compiled.</summary>
interface IFinish
{
    /// <summary>Whether the sums are further chains of elements that y holds.</summary>
    static abstract bool Adds { get; }

    /// <summary>Whether they are the last, and alpha y + beta c is the result.</summary>
    static abstract bool Scales { get; }
}

readonly struct Store : IFinish
{
    public static bool Adds { [MethodImpl(Inline.Always)] get => false; }
    public static bool Scales { [MethodImpl(Inline.Always)] get => false; }
}

readonly struct Add : IFinish
{
    public static bool Adds { [MethodImpl(Inline.Always)] get => true; }
    public static bool Scales { [MethodImpl(Inline.Always)] get => false; }
}

readonly struct Scale : IFinish
{
    public static bool Adds { [MethodImpl(Inline.Always)] get => false; }
    public static bool Scales { [MethodImpl(Inline.Always)] get => true; }
}

readonly struct AddAndScale : IFinish
{
    public static bool Adds { [MethodImpl(Inline.Always)] get => true; }
    public static bool Scales { [MethodImpl(Inline.Always)] get => true; }
}

/// <summary>Sums of a tile that was made aside, and where they belong.</summary>
unsafe struct FinishArguments<E> where E : unmanaged
{
    public E* Sums;
    public nint SumRow;

    /// <summary>Real numbers of the result.</summary>
    public int Rows, Columns;
    public E* Y;
    public nint YRow;

    /// <summary>See <see cref="IFinish"/>.</summary>
    public bool Adds, Scales;
    public E Alpha, Beta;

    /// <summary>What beta scales, as <see cref="Y"/>.</summary>
    public E* C;
    public nint CRow;
}

/// <summary>The step from the sums of a tile to the result.</summary>
static unsafe class Finishing<E, T, F, V, FV>
    where E : unmanaged where T : struct, ILane<T> where F : struct, ICell<T, E> where V : struct, ILane<V> where FV : struct, IFormat<V, E>
{
    public static void Run(in FinishArguments<E> x)
    {
        switch (x.Adds, x.Scales)
        {
            case (false, false): Run<Store>(x); break;
            case (true, false): Run<Add>(x); break;
            case (false, true): Run<Scale>(x); break;
            default: Run<AddAndScale>(x); break;
        }
    }

    [MethodImpl(Inline.Root)]
    static void Run<S>(in FinishArguments<E> x) where S : struct, IFinish
    {
        var (sums, y, c) = ((nint)x.Sums, (nint)x.Y, (nint)x.C);
        var (alpha, beta) = (FV.Splat(x.Alpha), FV.Splat(x.Beta));
        for (var i = 0; i < x.Rows; i++)
        {
            var j = 0;
            for (; j + FV.Width <= x.Columns; j += FV.Width)
                Put<V, FV, S>((E*)sums + j, (E*)y + j, (E*)c + j, alpha, beta);
            for (; j < x.Columns; j++)
                Put<T, F, S>((E*)sums + j, (E*)y + j, (E*)c + j, F.Splat(x.Alpha), F.Splat(x.Beta));
            sums += x.SumRow * sizeof(E);
            y += x.YRow * sizeof(E);
            c += x.CRow * sizeof(E);
        }
    }

    // The device kernel's formula.
    [MethodImpl(Inline.Always)]
    static void Put<L, FL, S>(E* sums, E* y, E* c, L alpha, L beta) where L : struct, ILane<L> where FL : struct, IFormat<L, E> where S : struct, IFinish
    {
        var sum = FL.Load(sums);
        if (S.Adds)
            sum = FL.Load(y) + sum;
        if (S.Scales)
            sum = L.FmaReal(FL.Load(c), beta, L.TimesReal(sum, alpha));
        FL.Store(y, sum);
    }
}
