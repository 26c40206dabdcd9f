namespace Ortho.Kernels.Gpu;

/// <summary>On a type argument of a kernel: threads of its groups, and how many groups a multiprocessor is to hold at once. CUDA's
/// assembler
/// gives a thread no more registers than that allows.</summary>
/// <param name="threads">Threads of a group.</param>
/// <param name="groups">Groups of a multiprocessor.</param>
[AttributeUsage(AttributeTargets.Struct)]
sealed class LaunchBoundsAttribute(int threads, int groups) : Attribute
{
    /// <summary>Threads of a group.</summary>
    public int Threads => threads;

    /// <summary>Groups of a multiprocessor.</summary>
    public int Groups => groups;
}
