using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>Named tensors that are overwritten by others: the state of modules and optimizers.</summary>
static class NamedTensors
{
    const int MostNamed = 8;

    /// <summary>Overwrites all tensors, or none when anything does not fit.</summary>
    internal static void Assign(string operation, string whose, IReadOnlyDictionary<string, Tensor> targets, IReadOnlyDictionary<string, Tensor> state)
        => Assign(operation, whose, targets, [.. state.Keys], name => (state[name].DType, state[name].Shape), name => state[name]);

    /// <summary>Overwrites all tensors, or none when anything does not fit. Floating-point numbers are converted to a tensor's own
    /// floating-point type, and moved to its device.</summary>
    /// <exception cref="TensorArgumentException">Entries are missing, unexpected, or of another shape or kind of number: all are named.</exception>
    internal static void Assign(string operation, string whose, IReadOnlyDictionary<string, Tensor> targets, IReadOnlyList<string> names,
        Func<string, (DType DType, Shape Shape)> describe, Func<string, Tensor> read, Action<string, Tensor>? check = null)
    {
        Require(operation, "state", whose, targets, names, describe);
        // Everything is read before anything is written: the last entry may still be damaged.
        using (Graph.NoGrad())
        {
            var values = targets.Select(target => read(target.Key).To(target.Value.DType)).ToList();
            foreach (var (name, value) in targets.Keys.Zip(values))
                check?.Invoke(name, value);
            foreach (var (target, value) in targets.Values.Zip(values))
                target.CopyFrom(value.To(target.Device));
        }
    }

    /// <summary>Refuses named tensors that are not those of something else by name, shape and kind of number.</summary>
    /// <exception cref="TensorArgumentException">Entries are missing, unexpected, or of another shape or kind of number: all are named.</exception>
    internal static void Require(string operation, string argument, string whose, IReadOnlyDictionary<string, Tensor> targets, IReadOnlyList<string> names,
        Func<string, (DType DType, Shape Shape)> describe)
    {
        List<string> wrong = [.. names.Except(targets.Keys).Select(name => $"{name} is unexpected")];
        foreach (var (name, target) in targets)
        {
            if (!names.Contains(name))
                wrong.Add($"{name} is missing");
            else if (describe(name) is var (dtype, shape) && (shape != target.Shape || !Converts(dtype, target.DType)))
                wrong.Add($"{name} is {dtype} {shape} for {target.DType} {target.Shape}");
        }
        if (wrong.Count > 0)
        {
            var more = wrong.Count > MostNamed ? $" and {wrong.Count - MostNamed} more" : "";
            throw new TensorArgumentException(operation, argument, $"not that of {whose} ({string.Join("; ", wrong.Take(MostNamed))}{more})",
                $"{targets.Count} entries with the names and shapes of its tensors");
        }
    }

    static bool Converts(DType from, DType to) => from == to || (from.IsFloatingPoint && to.IsFloatingPoint);
}
