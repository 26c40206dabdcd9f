namespace Ortho.Tensors;

/// <summary>Frees, when disposed, the storage of every tensor that its thread created inside it and that was not kept.</summary>
/// <example><code>
/// using (var scope = new TensorScope())
/// {
///     var loss = network.Forward(x).CrossEntropy(labels);
///     loss.Backward();
///     total += loss.Item();
/// }   // activations and gradients' temporaries are back in the pool here
/// </code></example>
public sealed class TensorScope : IDisposable
{
    [ThreadStatic] static TensorScope? current;

    readonly TensorScope? outer = current;
    readonly HashSet<Storage> owned = [];
    bool disposed;

    /// <summary>Opens a scope on this thread.</summary>
    public TensorScope() => current = this;

    internal static void Register(Storage storage) => current?.owned.Add(storage);

    /// <summary>Hands a tensor to the surrounding scope (or to the garbage collector when there is none).</summary>
    /// <returns>The tensor.</returns>
    public Tensor Keep(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (owned.Remove(tensor.Storage))
            outer?.owned.Add(tensor.Storage);
        return tensor;
    }

    /// <summary>Takes a tensor out of every scope of this thread: it lives as long as it is referenced. For caches and optimizer state.</summary>
    /// <returns>The tensor.</returns>
    public static Tensor Release(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        for (var scope = current; scope is not null && !scope.owned.Remove(tensor.Storage); scope = scope.outer)
        {
            // The scope that owns the storage is further out.
        }
        return tensor;
    }

    /// <summary>Frees what was not kept.</summary>
    /// <exception cref="InvalidOperationException">An inner scope is still open.</exception>
    public void Dispose()
    {
        if (disposed)
            return;
        if (current != this)
            throw new InvalidOperationException("TensorScope: scopes are disposed innermost first, on the thread that opened them.");
        disposed = true;
        current = outer;
        foreach (var storage in owned)
            storage.Dispose();
    }
}
