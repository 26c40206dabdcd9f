using System.Reflection;
using ILGPU;
using ILGPU.Runtime;

namespace Ortho.Kernels.Gpu;

/// <summary>A kernel: what a device compiles, what its cache on disk remembers, and what a lowering test must be able to assemble.</summary>
/// <param name="Method">The closed kernel method.</param>
/// <param name="IsGrouped">Whether it addresses groups explicitly; otherwise its first argument is an <see cref="Index1D"/>.</param>
sealed record LaunchedKernel(MethodInfo Method, bool IsGrouped)
{
    const BindingFlags Anywhere = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    /// <summary>What CUDA's assembler is told of its launches: the <see cref="LaunchBoundsAttribute"/> of a type argument.</summary>
    public KernelSpecialization Specialization
        => Method.GetGenericArguments().Select(type => type.GetCustomAttribute<LaunchBoundsAttribute>()).FirstOrDefault(bounds => bounds is not null) is { } bounds
            ? new(bounds.Threads, bounds.Groups) : KernelSpecialization.Empty;

    /// <summary>Everything that finds the method again in another process, separated by tabs.</summary>
    public string Line
        => string.Join('\t', (string[])
        [
            IsGrouped ? "grouped" : "indexed",
            Method.DeclaringType!.AssemblyQualifiedName!,
            Definition(Method).ToString()!,
            .. Method.GetGenericArguments().Select(type => type.AssemblyQualifiedName!),
        ]);

    /// <summary>Finds the method of a <see cref="Line"/>.</summary>
    /// <exception cref="InvalidDataException">A type or method is not there, or the line is no such line.</exception>
    public static LaunchedKernel Parse(string line)
    {
        var fields = line.Split('\t');
        if (fields.Length < 3 || fields[0] is not ("grouped" or "indexed"))
            throw new InvalidDataException($"'{line}' names no kernel");
        var method = Find(fields[1]).GetMethods(Anywhere).FirstOrDefault(candidate => candidate.ToString() == fields[2])
            ?? throw new InvalidDataException($"there is no kernel {fields[2]} in {fields[1]}");
        return new(fields.Length > 3 ? method.MakeGenericMethod([.. fields[3..].Select(Find)]) : method, fields[0] == "grouped");

        static Type Find(string name)
        {
            try
            {
                return Type.GetType(name, throwOnError: true)!;
            }
            catch (Exception error) when (error is TypeLoadException or IOException or ArgumentException or BadImageFormatException)
            {
                throw new InvalidDataException($"there is no type {name}", error);
            }
        }
    }

    /// <summary>The assemblies whose code the kernel is made of: those of its class and of all its type arguments.</summary>
    public IEnumerable<Assembly> Assemblies
    {
        get
        {
            return Method.GetGenericArguments().Append(Method.DeclaringType!).SelectMany(Of).Distinct();

            static IEnumerable<Assembly> Of(Type type) => type.GetGenericArguments().SelectMany(Of).Append(type.Assembly);
        }
    }

    static MethodInfo Definition(MethodInfo method) => method.IsGenericMethod ? method.GetGenericMethodDefinition() : method;
}
