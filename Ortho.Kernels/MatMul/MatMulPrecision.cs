namespace Ortho.Kernels.MatMul;

/// <summary>How exactly float32 matrices are multiplied. Sums are float32 in any case; less than full precision is used only where it is
/// asked for.</summary>
public enum MatMulPrecision
{
    /// <summary>Every bit of the operands; the same bits on all devices.</summary>
    Float32,

    /// <summary>Operands rounded to 11 significant bits: relative errors of products up to 2^-10.</summary>
    TensorFloat32,

    /// <summary>Operands rounded to 8 significant bits: relative errors of products up to 2^-7.</summary>
    BFloat16,
}
