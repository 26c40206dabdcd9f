using System.Reflection;
using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>How often an op can be differentiated.</summary>
public enum Derivative
{
    /// <summary>Not at all, and that is stated: its results are integers, truth values or piecewise constant, or it creates.</summary>
    None,

    /// <summary>Once: gradients, but no gradients of gradients.</summary>
    First,

    /// <summary>Any number of times.</summary>
    Second,
}

/// <summary>Kinds of numbers that an op takes.</summary>
[Flags]
public enum Numbers
{
    /// <summary>Float32 and Float64, and BFloat16 and Half computed in Float32.</summary>
    Real = 1,

    /// <summary>Complex64 and Complex128.</summary>
    Complex = 2,

    /// <summary>Int32 and Int64.</summary>
    Integer = 4,

    /// <summary>Bool.</summary>
    Bool = 8,

    /// <summary>Every dtype.</summary>
    All = Real | Complex | Integer | Bool,
}

/// <summary>Marks a class of extension members as ops of one family.</summary>
/// <param name="name">The family.</param>
[AttributeUsage(AttributeTargets.Class)]
public sealed class OpFamilyAttribute(string name) : Attribute
{
    /// <summary>The family.</summary>
    public string Name { get; } = name;
}

/// <summary>Marks a member as an op and says what it takes and how it differentiates. The library's tests hold it to that.</summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Property)]
public sealed class OpAttribute : Attribute
{
    /// <summary>The numbers it takes.</summary>
    public Numbers Takes { get; init; } = Numbers.Real;

    /// <summary>How often it can be differentiated.</summary>
    public Derivative Derivative { get; init; } = Derivative.Second;

    /// <summary>Its family, where that is not the class's.</summary>
    public string? Family { get; init; }

    /// <summary>Whether values decide the shape of the result, so that the call waits for the device and reads them. All others only queue their
    /// work.</summary>
    public bool Waits { get; init; }
}

/// <summary>One op: all overloads of one name.</summary>
/// <param name="Name">Name of the member, e.g. <c>MatMul</c>; operators by their sign, e.g. <c>+</c>.</param>
/// <param name="Family">Its family.</param>
/// <param name="Takes">The numbers it takes.</param>
/// <param name="Derivative">How often it can be differentiated.</param>
/// <param name="Waits">Whether values decide the shape of the result (for some arguments), so that the call waits for the device.</param>
public sealed record OpDescription(string Name, string Family, Numbers Takes, Derivative Derivative, bool Waits)
{
    /// <summary>The dtypes it takes.</summary>
    public IEnumerable<DType> DTypes => Tensors.DTypes.All.Where(dtype => Takes.HasFlag(
        dtype.IsComplex ? Numbers.Complex : dtype.IsFloatingPoint ? Numbers.Real : dtype == DType.Bool ? Numbers.Bool : Numbers.Integer));
}

/// <summary>Every op of the library, read off the members marked by <see cref="OpAttribute"/>.</summary>
public static class OpCatalog
{
    static readonly Lazy<IReadOnlyList<OpDescription>> all = new(Read);

    /// <summary>All ops, by family and name.</summary>
    public static IReadOnlyList<OpDescription> All => all.Value;

    /// <summary>The op of a name.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public static OpDescription Find(string name)
        => All.FirstOrDefault(op => op.Name == name) ?? throw new KeyNotFoundException($"OpCatalog: there is no op {name}.");

    // Extension members are static methods of the class that declares them; a property's is its getter, which the attribute does not reach.
    static IReadOnlyList<OpDescription> Read()
        => [.. from type in typeof(OpCatalog).Assembly.GetTypes()
               let family = type.GetCustomAttribute<OpFamilyAttribute>()
               where family is not null
               from member in Marked(type)
               group (member.Op, Family: member.Op.Family ?? family.Name) by member.Name into overloads
               let takes = overloads.Aggregate(default(Numbers), (numbers, member) => numbers | member.Op.Takes)
               let first = overloads.First()
               orderby first.Family, overloads.Key
               select new OpDescription(overloads.Key, first.Family, takes, overloads.Max(member => member.Op.Derivative), overloads.Any(member => member.Op.Waits))];

    static IEnumerable<(string Name, OpAttribute Op)> Marked(Type type)
        => from member in type.GetNestedTypes(BindingFlags.Public | BindingFlags.NonPublic).Append(type)
               .SelectMany(part => part.GetMembers(BindingFlags.Public | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly))
           let op = member.GetCustomAttribute<OpAttribute>()
           where op is not null
           select (Sign(member.Name), op);

    // The sign of an operator method, e.g. + of op_Addition.
    static string Sign(string name) => name switch
    {
        "op_Addition" => "+",
        "op_Subtraction" => "-",
        "op_Multiply" => "*",
        "op_Division" => "/",
        "op_UnaryNegation" => "negation",
        "op_BitwiseAnd" => "&",
        "op_BitwiseOr" => "|",
        "op_ExclusiveOr" => "^",
        "op_OnesComplement" => "~",
        _ => name,
    };
}
