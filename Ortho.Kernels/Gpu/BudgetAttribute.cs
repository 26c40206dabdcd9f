namespace Ortho.Kernels.Gpu;

/// <summary>What CUDA's assembler may give a kernel, closed over given types, on every architecture that is checked: so many registers and
/// so
/// much static shared memory at most, no spill and no stack. The lowering tests hold it to that.</summary>
/// <remarks>Registers decide how many groups a multiprocessor holds, so the figures are what was measured, rounded up a little: a change
/// that
/// needs more has to say so here.</remarks>
/// <param name="registers">Registers of a thread.</param>
/// <param name="sharedBytes">Static shared memory of a group.</param>
/// <param name="types">The kernel's type arguments.</param>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
sealed class BudgetAttribute(int registers, int sharedBytes, params Type[] types) : Attribute
{
    /// <summary>Registers of a thread.</summary>
    public int Registers => registers;

    /// <summary>Static shared memory of a group.</summary>
    public int SharedBytes => sharedBytes;

    /// <summary>The kernel's type arguments.</summary>
    public IReadOnlyList<Type> Types => types;

    /// <summary>Least share of multiply-adds among the instructions of the longest innermost loop; 0 asks for none.</summary>
    public double MultiplyAdds { get; init; }

    /// <summary>Whether it reads memory 16 bytes at a time.</summary>
    public bool LoadsWide { get; init; }

    /// <summary>Whether it writes memory 16 bytes at a time.</summary>
    public bool StoresWide { get; init; }
}
