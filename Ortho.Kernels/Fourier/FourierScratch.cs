using Ortho.Kernels.Host;

namespace Ortho.Kernels.Fourier;

/// <summary>What transforms work in.</summary>
static unsafe class FourierScratch
{
    readonly struct StepsOfPlan;

    readonly struct BetweenDimensions;

    /// <summary>What the steps of a plan write and read.</summary>
    public static byte* Steps(nuint bytes) => Scratch<StepsOfPlan>.Of<byte>(bytes);

    /// <summary>What one dimension leaves to the other.</summary>
    public static byte* Plane(nuint bytes) => Scratch<BetweenDimensions>.Of<byte>(bytes);

    /// <summary>Gives back what is too large to keep.</summary>
    public static void ReleaseLarge()
    {
        Scratch<StepsOfPlan>.ReleaseLarge();
        Scratch<BetweenDimensions>.ReleaseLarge();
    }
}
