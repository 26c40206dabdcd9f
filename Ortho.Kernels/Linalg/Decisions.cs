using System.Runtime.CompilerServices;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Linalg;

/// <summary>Iterations in which each matrix of a batch goes its own way: what is done with it is decided by numbers [batch, 1, 1], of the matrices' dtype,
/// that are computed where the matrices are and stay there.</summary>
/// <remarks>Devices take every step that any matrix could need, and select: a step that a matrix does not take leaves it bit for bit. The host, which
/// reads numbers for nothing, goes matrix by matrix and leaves out what the matrix does not take. The bits are the same.</remarks>
static class Decisions
{
    /// <summary>f of a batch [batch, ...]: at once on devices, matrix by matrix on the host.</summary>
    public static Tensor Each(Tensor x, Func<Tensor, Tensor> f) => Each(x, x, (one, _) => f(one));

    /// <summary>f of two batches that go together.</summary>
    public static Tensor Each(Tensor x, Tensor y, Func<Tensor, Tensor, Tensor> f)
    {
        if (x.Device is GpuDevice || x.Shape[0] == 1)
            return f(x, y);
        var results = Tensor.Empty(x.Shape, x.DType, x.Device);
        for (var k = 0; k < x.Shape[0]; k++)
        {
            var result = f(Matrices.One(x, k), Matrices.One(y, k));
            Copy.Into(Matrices.One(results, k), result);
            result.Dispose();
        }
        return results;
    }

    /// <summary>Whether any matrix takes a step that is taken where a number is not 0: on devices, which do not tell, it may be.</summary>
    public static bool IsPossible(Tensor taken)
    {
        for (var k = 0; k < taken.Shape[0]; k++)
        {
            if (taken.Device is GpuDevice || Number(taken, k) != 0)
                return true;
        }
        return false;
    }

    /// <summary>Puts next in place of those matrices of x that take the step, and the rest of both back to the pool.</summary>
    public static void Take(ref Tensor x, Tensor taken, Tensor next)
    {
        var chosen = x.Device is GpuDevice ? Skeletons.Pointwise.Run<Ternary<Chosen>>("Chosen", taken, next, x) : IsPossible(taken) ? next : x;
        foreach (var tensor in (ReadOnlySpan<Tensor>)[x, next])
        {
            if (tensor != chosen)
                tensor.Dispose();
        }
        x = chosen;
    }

    /// <summary>Numbers as an argument of element by element functions: a single one that lies on the host as a constant, which is what these are quick with.</summary>
    public static Operand Known(Tensor numbers) => numbers.Device is not GpuDevice && numbers.ElementCount == 1 ? Number(numbers, 0) : numbers;

    /// <summary>The real part of the first element at a place of the first dimension, on the host.</summary>
    public static unsafe double Number(Tensor x, int k)
    {
        var at = k * x.Layout.Strides[0] * (x.DType.IsComplex ? 2 : 1);
        var number = x.DType.RealType == DType.Float32 ? HostMemory.Parts<float>(x)[at] : HostMemory.Parts<double>(x)[at];
        GC.KeepAlive(x);
        return number;
    }
}

/// <summary>b where a is not 0, else c.</summary>
readonly struct Chosen : ITernary
{
    [MethodImpl(Inline.Always)] public static T Apply<T>(T a, T b, T c) where T : struct, ILane<T> => T.SelectEqual(a, T.Of(0), c, b);
}
