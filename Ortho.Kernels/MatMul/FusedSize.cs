using System.Runtime.CompilerServices;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.MatMul;

/// <summary>A size of group for <see cref="FusedPolynomial"/>.</summary>
interface IFusedSize
{
    /// <summary>Threads along each side of a matrix's part of a group; a thread computes 4 x 4 numbers at a time.</summary>
    static abstract int Side { get; }

    /// <summary>Matrices of a group.</summary>
    static abstract int Matrices { get; }

    /// <summary>Room for a matrix and all that is computed of it.</summary>
    static abstract int Quads { get; }

    /// <summary>A thread's column and row among those of its matrix.</summary>
    static abstract (int X, int Y) Place(int thread);
}

/// <summary>Up to 16 x 16, four matrices to a group.</summary>
readonly struct Fused16 : IFusedSize
{
    public static int Side { [MethodImpl(Inline.Always)] get => 4; }
    public static int Matrices { [MethodImpl(Inline.Always)] get => 4; }
    public static int Quads { [MethodImpl(Inline.Always)] get => 2 * 16 * 5; }

    [MethodImpl(Inline.Always)] public static (int X, int Y) Place(int thread) => (thread & 3, thread >> 2);
}

/// <summary>Up to 16 x 16, four matrices to a group, with room for more that is computed of each.</summary>
readonly struct Fused16More : IFusedSize
{
    public static int Side { [MethodImpl(Inline.Always)] get => 4; }
    public static int Matrices { [MethodImpl(Inline.Always)] get => 4; }
    public static int Quads { [MethodImpl(Inline.Always)] get => 4 * 16 * 5; }

    [MethodImpl(Inline.Always)] public static (int X, int Y) Place(int thread) => Fused16.Place(thread);
}

/// <summary>Up to 16 x 16, or some more rows, alone: what the simulator can do.</summary>
readonly struct Fused16Alone : IFusedSize
{
    public static int Side { [MethodImpl(Inline.Always)] get => 4; }
    public static int Matrices { [MethodImpl(Inline.Always)] get => 1; }
    public static int Quads { [MethodImpl(Inline.Always)] get => 7 * 16 * 5; }

    [MethodImpl(Inline.Always)] public static (int X, int Y) Place(int thread) => (thread & 3, thread >> 2);
}

/// <summary>Up to 32 x 32.</summary>
readonly struct Fused32 : IFusedSize
{
    public static int Side { [MethodImpl(Inline.Always)] get => 8; }
    public static int Matrices { [MethodImpl(Inline.Always)] get => 1; }
    public static int Quads { [MethodImpl(Inline.Always)] get => 2 * 32 * 9; }

    [MethodImpl(Inline.Always)] public static (int X, int Y) Place(int thread) => (thread & 7, thread >> 3);
}

/// <summary>Up to 32 columns, with more rows or longer polynomials.</summary>
readonly struct Fused32More : IFusedSize
{
    public static int Side { [MethodImpl(Inline.Always)] get => 8; }
    public static int Matrices { [MethodImpl(Inline.Always)] get => 1; }
    public static int Quads { [MethodImpl(Inline.Always)] get => 1536; }

    [MethodImpl(Inline.Always)] public static (int X, int Y) Place(int thread) => (thread & 7, thread >> 3);
}

/// <summary>Up to 32 columns, with most room; float32 only.</summary>
readonly struct Fused32Most : IFusedSize
{
    public static int Side { [MethodImpl(Inline.Always)] get => 8; }
    public static int Matrices { [MethodImpl(Inline.Always)] get => 1; }
    public static int Quads { [MethodImpl(Inline.Always)] get => 3072; }

    [MethodImpl(Inline.Always)] public static (int X, int Y) Place(int thread) => Fused32More.Place(thread);
}

/// <summary>Up to 48 x 48.</summary>
readonly struct Fused48 : IFusedSize
{
    public static int Side { [MethodImpl(Inline.Always)] get => 12; }
    public static int Matrices { [MethodImpl(Inline.Always)] get => 1; }
    public static int Quads { [MethodImpl(Inline.Always)] get => 2 * 48 * 13; }

    [MethodImpl(Inline.Always)] public static (int X, int Y) Place(int thread) => (thread % 12, thread / 12);
}

/// <summary>Up to 48 columns, with room for more that is computed; float32 only.</summary>
readonly struct Fused48More : IFusedSize
{
    public static int Side { [MethodImpl(Inline.Always)] get => 12; }
    public static int Matrices { [MethodImpl(Inline.Always)] get => 1; }
    public static int Quads { [MethodImpl(Inline.Always)] get => 3072; }

    [MethodImpl(Inline.Always)] public static (int X, int Y) Place(int thread) => Fused48.Place(thread);
}

/// <summary>Up to 64 x 64.</summary>
[LaunchBounds(256, 3)]
readonly struct Fused64 : IFusedSize
{
    public static int Side { [MethodImpl(Inline.Always)] get => 16; }
    public static int Matrices { [MethodImpl(Inline.Always)] get => 1; }
    public static int Quads { [MethodImpl(Inline.Always)] get => 2 * 64 * 17; }

    // A warp is 8 x 4 threads: together they read eight quads of b and four of a.
    [MethodImpl(Inline.Always)]
    public static (int X, int Y) Place(int thread) => (((thread >> 5) & 1) * 8 + (thread & 7), (thread >> 6) * 4 + ((thread >> 3) & 3));
}

/// <summary>Up to 64 columns, with more rows or longer polynomials.</summary>
[LaunchBounds(256, 3)]
readonly struct Fused64More : IFusedSize
{
    public static int Side { [MethodImpl(Inline.Always)] get => 16; }
    public static int Matrices { [MethodImpl(Inline.Always)] get => 1; }
    public static int Quads { [MethodImpl(Inline.Always)] get => 3072; }

    [MethodImpl(Inline.Always)] public static (int X, int Y) Place(int thread) => Fused64.Place(thread);
}

/// <summary>Which list a kernel works through.</summary>
interface IFusedList
{
    /// <summary>Whether it is a gradient's, whose matrices may be saved and restored.</summary>
    static abstract bool IsGradient { get; }
}

/// <summary>Steps.</summary>
readonly struct FusedSteps : IFusedList
{
    public static bool IsGradient { [MethodImpl(Inline.Always)] get => false; }
}

/// <summary>Their gradient.</summary>
readonly struct FusedGradient : IFusedList
{
    public static bool IsGradient { [MethodImpl(Inline.Always)] get => true; }
}
