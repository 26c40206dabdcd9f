using System.Globalization;

namespace Ortho.Layers.Certification;

/// <summary>A function with a known bound of its slope in L2.</summary>
public interface ILipschitz
{
    /// <summary>A number L with |f(x) - f(y)| &lt;= L |x - y| in the Euclidean norm, for every x and y.</summary>
    double LipschitzBound();
}

/// <summary>Bounds of the slope of whole networks.</summary>
public static class Lipschitz
{
    /// <summary>The bound of a module that states one, and the product over the parts of a <see cref="Sequential"/>.</summary>
    /// <param name="network">Layers of which each is an <see cref="ILipschitz"/>, in sequence; those whose spectrum depends on the size of
    /// the images must have seen one.</param>
    /// <exception cref="ArgumentException">A layer has no known bound: it is named.</exception>
    public static double Bound(Module network)
    {
        ArgumentNullException.ThrowIfNull(network);
        return Product("", network);
    }

    static double Product(string path, Module module) => module switch
    {
        ILipschitz layer => layer.LipschitzBound(),
        Sequential parts => parts.Children.Aggregate(1.0, (product, part)
            => product * Product(path.Length == 0 ? part.Name : $"{path}.{part.Name}", part.Module)),
        _ => throw new ArgumentException(string.Create(CultureInfo.InvariantCulture,
            $"Lipschitz.Bound: module '{path}' is a {module.GetType().Name}, of which no bound is known; ") +
            "expected layers that are ILipschitz, in sequence.", nameof(module)),
    };
}
