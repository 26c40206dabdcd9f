namespace Ortho.Bench.Microbenchmarks;

/// <summary>Which of a machine's peaks bounds a kernel's arithmetic.</summary>
enum Arithmetic
{
    /// <summary>Fused multiply-adds of float32.</summary>
    Single,

    /// <summary>Fused multiply-adds of float64.</summary>
    Double,

    /// <summary>bfloat16 products with float32 sums on tensor cores.</summary>
    BFloat16,
}
