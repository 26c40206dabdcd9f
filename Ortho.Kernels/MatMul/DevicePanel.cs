using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.MatMul;

/// <summary>A thread's part of an operand's panels: of its lines (rows of a, columns of b) and inner indices.</summary>
struct PanelPart
{
    /// <summary>Where the matrix begins.</summary>
    public long Start;

    /// <summary>Where the thread's four lines begin; of the second quad, where its line does (<see cref="IPanel.Along"/>).</summary>
    public int Line0, Line1, Line2, Line3;

    /// <summary>From one inner index to the next.</summary>
    public int Step;

    /// <summary>Inner indices of the operand, the place of the last one (of quads: of the last quad), and the thread's first one in a
    /// panel.</summary>
    public int K, Last, First;

    /// <summary>Where the thread's first number goes in shared memory.</summary>
    public int Target;

    /// <summary>What stands for numbers beyond the last inner index: products of +0 and -0 change no sum, not even -0.</summary>
    public float Padding;
}

/// <summary>How panels of an operand come to shared memory, where inner index k begins at k (8 side + 4) and its lines are
/// neighbours.</summary>
interface IPanel
{
    /// <summary>Whether a thread's quads run along the inner index; otherwise across it, over four lines.</summary>
    static abstract bool Along { get; }

    /// <summary>Whether quads are read, and places counted in quads.</summary>
    static abstract bool IsQuads { get; }

    /// <summary>Two quads of the panel that begins at inner index <paramref name="k"/>.</summary>
    static abstract QuadPair Load<S>(ArrayView<float> x, PanelPart part, int k) where S : struct, ITileSide;
}

/// <summary>Neighbours along the inner index, four at a time: lines begin at multiples of four.</summary>
readonly struct AlongQuads : IPanel
{
    public static bool Along { [MethodImpl(Inline.Always)] get => true; }

    public static bool IsQuads { [MethodImpl(Inline.Always)] get => true; }

    [MethodImpl(Inline.Always)]
    public static QuadPair Load<S>(ArrayView<float> x, PanelPart part, int k) where S : struct, ITileSide
    {
        k += part.First;
        var quads = x.Cast<Quad<float>>().SubView(part.Start >> 2);
        var (at, isReal) = (IntrinsicMath.Min(k >> 2, part.Last), k < part.K);
        return new(QuadPair.Padded(isReal, quads[part.Line0 + at], part.Padding), QuadPair.Padded(isReal, quads[part.Line1 + at], part.Padding));
    }
}

/// <summary>Neighbouring lines, four at a time: inner indices begin at multiples of four.</summary>
readonly struct AcrossQuads : IPanel
{
    public static bool Along { [MethodImpl(Inline.Always)] get => false; }

    public static bool IsQuads { [MethodImpl(Inline.Always)] get => true; }

    [MethodImpl(Inline.Always)]
    public static QuadPair Load<S>(ArrayView<float> x, PanelPart part, int k) where S : struct, ITileSide
    {
        k += part.First;
        var quads = x.Cast<Quad<float>>().SubView(part.Start >> 2);
        var next = k + S.Side / 2;
        return new(QuadPair.Padded(k < part.K, quads[part.Line0 + IntrinsicMath.Min(k, part.Last) * part.Step], part.Padding),
            QuadPair.Padded(next < part.K, quads[part.Line0 + IntrinsicMath.Min(next, part.Last) * part.Step], part.Padding));
    }
}

/// <summary>Any layout, threads running along the inner index.</summary>
readonly struct AlongStrides : IPanel
{
    public static bool Along { [MethodImpl(Inline.Always)] get => true; }

    public static bool IsQuads { [MethodImpl(Inline.Always)] get => false; }

    [MethodImpl(Inline.Always)]
    public static QuadPair Load<S>(ArrayView<float> x, PanelPart part, int k) where S : struct, ITileSide
    {
        k += part.First;
        x = x.SubView(part.Start);
        var (k0, k1, k2, k3) = (At(part, k), At(part, k + 1), At(part, k + 2), At(part, k + 3));
        return new(
            new(One(x, part, part.Line0 + k0, k), One(x, part, part.Line0 + k1, k + 1), One(x, part, part.Line0 + k2, k + 2), One(x, part, part.Line0 + k3, k + 3)),
            new(One(x, part, part.Line1 + k0, k), One(x, part, part.Line1 + k1, k + 1), One(x, part, part.Line1 + k2, k + 2), One(x, part, part.Line1 + k3, k + 3)));
    }

    [MethodImpl(Inline.Always)] static int At(PanelPart part, int k) => IntrinsicMath.Min(k, part.Last) * part.Step;

    [MethodImpl(Inline.Always)]
    static float One(ArrayView<float> x, PanelPart part, int at, int k) => ILGPU.Util.Utilities.Select(k < part.K, x[at], part.Padding);
}

/// <summary>Any layout, threads running over the lines.</summary>
readonly struct AcrossStrides : IPanel
{
    public static bool Along { [MethodImpl(Inline.Always)] get => false; }

    public static bool IsQuads { [MethodImpl(Inline.Always)] get => false; }

    [MethodImpl(Inline.Always)]
    public static QuadPair Load<S>(ArrayView<float> x, PanelPart part, int k) where S : struct, ITileSide
    {
        k += part.First;
        return new(Four(x, part, k), Four(x, part, k + S.Side / 2));
    }

    [MethodImpl(Inline.Always)]
    static Quad<float> Four(ArrayView<float> x, PanelPart part, int k)
    {
        x = x.SubView(part.Start);
        var at = IntrinsicMath.Min(k, part.Last) * part.Step;
        return QuadPair.Padded(k < part.K, new(x[part.Line0 + at], x[part.Line1 + at], x[part.Line2 + at], x[part.Line3 + at]), part.Padding);
    }
}

/// <summary>What is common to all kinds of panel.</summary>
static class PanelParts
{
    /// <summary>A thread's part of the panels of a tile.</summary>
    /// <param name="thread">Its index.</param>
    /// <param name="start">Where the matrix begins.</param>
    /// <param name="firstLine">The tile's first line.</param>
    /// <param name="lines">Lines of the operand.</param>
    /// <param name="lineStride">From one line to the next: numbers, or with quads along the inner index, quads.</param>
    /// <param name="step">From one inner index to the next: numbers, or with quads across it, quads.</param>
    /// <param name="k">Inner indices.</param>
    /// <param name="last">The last one; with quads along it, the last quad.</param>
    /// <param name="padding">Beyond them.</param>
    [MethodImpl(Inline.Always)]
    public static PanelPart Of<S, P>(int thread, long start, int firstLine, int lines, int lineStride, int step, int k, int last, float padding) where S : struct, ITileSide where P : struct, IPanel
    {
        var part = new PanelPart { Start = start, K = k, Last = last, Step = step, Padding = padding };
        // Lines beyond the last repeat it: what they give is not stored.
        if (P.Along)
        {
            var line = thread / (S.Side / 4);
            part.First = 4 * (thread % (S.Side / 4));
            part.Line0 = IntrinsicMath.Min(firstLine + line, lines - 1) * lineStride;
            part.Line1 = IntrinsicMath.Min(firstLine + line + 4 * S.Side, lines - 1) * lineStride;
            part.Target = part.First * (8 * S.Side + 4) + line;
        }
        else
        {
            var line = 4 * (thread % (2 * S.Side));
            part.First = thread / (2 * S.Side);
            part.Line0 = IntrinsicMath.Min(firstLine + line, lines - 1) * lineStride;
            part.Line1 = IntrinsicMath.Min(firstLine + line + 1, lines - 1) * lineStride;
            part.Line2 = IntrinsicMath.Min(firstLine + line + 2, lines - 1) * lineStride;
            part.Line3 = IntrinsicMath.Min(firstLine + line + 3, lines - 1) * lineStride;
            part.Target = part.First * (8 * S.Side + 4) + line;
            if (P.IsQuads)
                part.Line0 >>= 2;
        }
        return part;
    }

    /// <summary>Puts a thread's quads into shared memory.</summary>
    /// <param name="to">The panel.</param>
    /// <param name="part">The thread's part.</param>
    /// <param name="quads">The quads.</param>
    [MethodImpl(Inline.Always)]
    public static void Store<S, P>(ArrayView<Quad<float>> to, PanelPart part, QuadPair quads) where S : struct, ITileSide where P : struct, IPanel
    {
        if (P.Along)
        {
            var at = to.Cast<float>().SubView(part.Target);
            at[0] = quads.First.X;
            at[8 * S.Side + 4] = quads.First.Y;
            at[2 * (8 * S.Side + 4)] = quads.First.Z;
            at[3 * (8 * S.Side + 4)] = quads.First.W;
            at[4 * S.Side] = quads.Second.X;
            at[12 * S.Side + 4] = quads.Second.Y;
            at[2 * (8 * S.Side + 4) + 4 * S.Side] = quads.Second.Z;
            at[3 * (8 * S.Side + 4) + 4 * S.Side] = quads.Second.W;
        }
        else
        {
            var at = to.SubView(part.Target >> 2);
            at[0] = quads.First;
            at[S.Side / 2 * (2 * S.Side + 1)] = quads.Second;
        }
    }
}
