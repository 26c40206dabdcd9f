using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.MatMul;

/// <summary>4 x 4 sums of a thread: fields and not an array, so that they are registers.</summary>
struct SumSquare<T> where T : struct, ILane<T>
{
    public Quad<T> R0, R1, R2, R3;

    /// <summary>One inner index: four numbers of a, four of b.</summary>
    [MethodImpl(Inline.Always)]
    public static SumSquare<T> Step(SumSquare<T> c, T a0, T a1, T a2, T a3, Quad<T> b) => new()
    {
        R0 = Step(c.R0, a0, b), R1 = Step(c.R1, a1, b), R2 = Step(c.R2, a2, b), R3 = Step(c.R3, a3, b),
    };

    [MethodImpl(Inline.Always)]
    static Quad<T> Step(Quad<T> c, T a, Quad<T> b) => new()
    {
        X = T.Fma(a, b.X, c.X), Y = T.Fma(a, b.Y, c.Y), Z = T.Fma(a, b.Z, c.Z), W = T.Fma(a, b.W, c.W),
    };
}
