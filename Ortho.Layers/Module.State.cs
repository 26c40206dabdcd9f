using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tensors.IO;

namespace Ortho.Layers;

public abstract partial class Module
{
    /// <summary>The values of all parameters by their path (<c>0.weight</c>), PyTorch's names; the tensors themselves, not copies.</summary>
    public IReadOnlyDictionary<string, Tensor> StateDict()
        => new OrderedDictionary<string, Tensor>(NamedParameters().Select(named => KeyValuePair.Create(named.Name, named.Parameter.Value)));

    /// <summary>Overwrites all parameters, or none when anything does not fit. Floating-point numbers are converted to a parameter's own
    /// floating-point type, and moved to its device.</summary>
    /// <param name="state">A tensor for each parameter, by the names of <see cref="StateDict"/>.</param>
    /// <exception cref="TensorArgumentException">Entries are missing, unexpected, or of another shape or kind of number: all are named.</exception>
    public void LoadStateDict(IReadOnlyDictionary<string, Tensor> state)
    {
        ArgumentNullException.ThrowIfNull(state);
        Assign("LoadStateDict", [.. state.Keys], name => (state[name].DType, state[name].Shape), name => state[name]);
    }

    /// <summary>Writes all parameters to a safetensors file, atomically: PyTorch loads it with <c>safetensors.torch.load_file</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="metadata">Free text to keep with them.</param>
    /// <exception cref="IOException">The file cannot be written; what was there before still is.</exception>
    public void Save(string path, IReadOnlyDictionary<string, string>? metadata = null) => Safetensors.Save(path, StateDict(), metadata);

    /// <summary>Overwrites all parameters by those of a safetensors file, or none when anything does not fit; see
    /// <see cref="LoadStateDict"/>.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="TensorArgumentException">The file's entries are not those of this module: all differences are named.</exception>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public void Load(string path)
    {
        using var file = Safetensors.Open(path);
        Assign("Load", file.Names, file.Describe, name => file[name]);
    }

    void Assign(string operation, IReadOnlyList<string> names, Func<string, (DType DType, Shape Shape)> describe, Func<string, Tensor> read)
    {
        const int mostNamed = 8;
        var parameters = NamedParameters().ToList();
        List<string> wrong = [.. names.Except(parameters.Select(named => named.Name)).Select(name => $"{name} is unexpected")];
        foreach (var (name, parameter) in parameters)
        {
            if (!names.Contains(name))
                wrong.Add($"{name} is missing");
            else if (describe(name) is var (dtype, shape) && (shape != parameter.Value.Shape || !Converts(dtype, parameter.Value.DType)))
                wrong.Add($"{name} is {dtype} {shape} for {parameter.Value.DType} {parameter.Value.Shape}");
        }
        if (wrong.Count > 0)
        {
            var more = wrong.Count > mostNamed ? $" and {wrong.Count - mostNamed} more" : "";
            throw new TensorArgumentException(operation, "state",
                $"not that of this module ({string.Join("; ", wrong.Take(mostNamed))}{more})",
                $"{parameters.Count} entries with the names and shapes of its parameters");
        }
        // Everything is read before anything is written: the last entry may still be damaged.
        using (Graph.NoGrad())
        {
            var values = parameters.Select(named => read(named.Name).To(named.Parameter.Value.DType)).ToList();
            foreach (var (named, value) in parameters.Zip(values))
                named.Parameter.RequireOnManifold($"{operation}, {named.Name}", value);
            foreach (var (named, value) in parameters.Zip(values))
                named.Parameter.Assign(value);
        }
    }

    static bool Converts(DType from, DType to) => from == to || (from.IsFloatingPoint && to.IsFloatingPoint);
}
