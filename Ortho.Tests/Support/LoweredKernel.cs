using System.Reflection;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;

namespace Ortho.Tests.Support;

/// <summary>A kernel to lower, and its line in the list that one test run leaves for another.</summary>
/// <param name="Method">The closed kernel method.</param>
/// <param name="IsGrouped">Whether it addresses groups explicitly; otherwise its first argument is an <see cref="Index1D"/>.</param>
/// <remarks>
/// Which kernels exist is known only after the tests that launch them, and test cases must be known before any test runs. So a run with
/// <c>ORTHO_RECORD_KERNELS=file</c> adds every kernel it launched to the file, and a run with <c>ORTHO_KERNELS=file</c> has test cases
/// for each of them.
/// </remarks>
public sealed record LoweredKernel(MethodInfo Method, bool IsGrouped)
{
    /// <summary>A kernel that is always there: the list is never empty.</summary>
    public static LoweredKernel Sample { get; } = new(new Action<Index1D, ArrayView<float>, ArrayView<float>>(MultiplyThenAdd).Method, IsGrouped: false);

    static void MultiplyThenAdd(Index1D i, ArrayView<float> x, ArrayView<float> y)
    {
        var (a, b) = (new F32(x[i]), new F32(y[i]));
        y[i] = F32.Fma(a, b, a * b + a).Value;
    }

    /// <summary>The kernels to lower: the sample, and those of the file that <c>ORTHO_KERNELS</c> names.</summary>
    public static IEnumerable<LoweredKernel> All
        => Environment.GetEnvironmentVariable("ORTHO_KERNELS") is { Length: > 0 } file
            ? File.ReadLines(file).Distinct().Select(Parse).Prepend(Sample)
            : [Sample];

    /// <summary>The kernels that this process has launched.</summary>
    public static IEnumerable<LoweredKernel> Launched => GpuDevice.Launched.Select(Of);

    static LoweredKernel Of(LaunchedKernel kernel) => new(kernel.Method, kernel.IsGrouped);

    /// <summary>Its line; see <see cref="LaunchedKernel.Line"/>.</summary>
    public string Line => new LaunchedKernel(Method, IsGrouped).Line;

    /// <summary>Finds the method of a <see cref="Line"/>.</summary>
    public static LoweredKernel Parse(string line) => Of(LaunchedKernel.Parse(line));

    /// <summary>The name as C# would write it; it becomes the name of the test.</summary>
    public override string ToString() => $"{Name(Method.DeclaringType!)}.{Method.Name}{Arguments(Method.GetGenericArguments())}";

    static string Name(Type type) => type.Name.Split('`')[0] + Arguments(type.GetGenericArguments());

    static string Arguments(Type[] types) => types.Length == 0 ? "" : $"<{string.Join(", ", types.Select(Name))}>";
}
