using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Ortho.Tensors;

/// <summary>A complex number with float32 parts, laid out as two floats: the element of <see cref="DType.Complex64"/>.</summary>
/// <param name="Real">Real part.</param>
/// <param name="Imaginary">Imaginary part.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct Complex64(float Real, float Imaginary)
{
    /// <summary>Widening conversion.</summary>
    public static implicit operator Complex(Complex64 value) => new(value.Real, value.Imaginary);

    /// <summary>Rounding conversion.</summary>
    public static explicit operator Complex64(Complex value) => new((float)value.Real, (float)value.Imaginary);

    /// <inheritdoc/>
    public override string ToString() => ((Complex)this).ToString(CultureInfo.InvariantCulture);
}
