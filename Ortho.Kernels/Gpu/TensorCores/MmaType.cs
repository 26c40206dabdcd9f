namespace Ortho.Kernels.Gpu.TensorCores;

/// <summary>Numbers that tensor cores multiply; sums are float32.</summary>
enum MmaType
{
    /// <summary>16 bits, 8 of them significant.</summary>
    BFloat16,

    /// <summary>16 bits, 11 of them significant.</summary>
    Half,

    /// <summary>float32 whose last 13 bits are zero.</summary>
    TensorFloat32,
}
