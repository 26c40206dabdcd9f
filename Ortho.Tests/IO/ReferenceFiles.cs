using Ortho.Tensors;

namespace Ortho.Tests.IO;

/// <summary>The files that Python wrote (<c>Reference/make.py</c>), beside the tests.</summary>
static class ReferenceFiles
{
    /// <summary>The path of one.</summary>
    public static string Path(string name) => System.IO.Path.Combine(AppContext.BaseDirectory, "IO", "Reference", name);

    /// <summary>What the script puts into element k of an array of a dtype; of unsigned types when <paramref name="isUnsigned"/>.</summary>
    public static System.Numerics.Complex Element(int k, DType dtype, bool isUnsigned = false)
        => dtype.IsComplex ? new System.Numerics.Complex(k - 2, k - 1) : dtype == DType.Bool ? k % 2 : isUnsigned ? k : k - 2;
}
