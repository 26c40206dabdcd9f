using System.Runtime.CompilerServices;

namespace Ortho.Kernels.Lanes;

/// <summary>The two inlining rules of lane code.</summary>
/// <remarks>
/// Lane members and operators are always inlined; loop roots never are, so that each operator and lane has the JIT's whole inlining
/// budget to itself (an inlined root exhausts it inside a dual-number expression and runs a hundred times slower).
/// </remarks>
public static class Inline
{
    /// <summary>For lane members, operators and the small steps of a kernel.</summary>
    public const MethodImplOptions Always = MethodImplOptions.AggressiveInlining;

    /// <summary>For the loops that a longer algorithm is made of: methods of their own on the host (too large to be inlined unasked), each
    /// with its own budget and compiled fully at once; part of the kernel on devices.</summary>
    public const MethodImplOptions Step = MethodImplOptions.AggressiveOptimization;

    /// <summary>For the loop of a host skeleton.</summary>
    public const MethodImplOptions Root = MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization;
}
