namespace Ortho.Layers.Optimizers;

/// <summary>The parameters of a module by the optimizers they are for.</summary>
public static class ParameterGroups
{
    /// <summary>Hidden matrices and convolution kernels for an orthogonalizing optimizer, and everything else (vectors, embeddings,
    /// heads) for <see cref="Adam"/>, by their <see cref="Parameter.Role"/>. A parameter that several modules share comes once.</summary>
    /// <param name="module">The module.</param>
    /// <param name="isEmbeddingOrHead">Told a parameter's path (<c>3.weight</c>): whether it belongs to the others whatever its role
    /// says.</param>
    /// <example><code>
    /// var (matrices, others) = ParameterGroups.SplitForMuon(network, name => name == "4.weight");
    /// var optimizer = new CombinedOptimizer(new Muon(matrices), new Adam(others, 3e-3));
    /// </code></example>
    public static (IReadOnlyList<Parameter> Matrices, IReadOnlyList<Parameter> Others) SplitForMuon(Module module, Func<string, bool>? isEmbeddingOrHead = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        var all = module.NamedParameters().DistinctBy(named => named.Parameter)
            .ToLookup(named => named.Parameter.IsHiddenMatrix && isEmbeddingOrHead?.Invoke(named.Name) != true, named => named.Parameter);
        return ([.. all[true]], [.. all[false]]);
    }

    /// <summary>Parameters that live on manifolds for a <see cref="RiemannianOptimizer"/>, and free ones for any other. (Riemannian
    /// optimizers take free ones too, but in several passes where <see cref="Sgd"/> and <see cref="Adam"/> need one.) A parameter that
    /// several modules share comes once.</summary>
    /// <param name="module">The module.</param>
    public static (IReadOnlyList<Parameter> OnManifolds, IReadOnlyList<Parameter> Free) SplitByManifold(Module module)
    {
        ArgumentNullException.ThrowIfNull(module);
        var all = module.Parameters().Distinct().ToLookup(parameter => parameter.Manifold is not null);
        return ([.. all[true]], [.. all[false]]);
    }
}
