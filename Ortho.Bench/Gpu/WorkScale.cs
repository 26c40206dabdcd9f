namespace Ortho.Bench.Gpu;

/// <summary>How large the work is that a device is measured by.</summary>
enum WorkScale
{
    /// <summary>For a large GPU: far beyond its caches.</summary>
    Full,

    /// <summary>For any device, in seconds: an impression, not a result.</summary>
    Quick,

    /// <summary>For the simulator.</summary>
    Tiny,
}

/// <summary>Sizes by scale.</summary>
static class WorkScales
{
    /// <summary>One of three values.</summary>
    public static N Pick<N>(this WorkScale scale, N full, N quick, N tiny) => scale switch
    {
        WorkScale.Full => full,
        WorkScale.Quick => quick,
        _ => tiny,
    };
}
