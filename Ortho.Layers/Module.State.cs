using Ortho.Tensors;
using Ortho.Tensors.IO;

namespace Ortho.Layers;

public abstract partial class Module
{
    /// <summary>The values of all parameters and buffers by their path (<c>0.weight</c>), PyTorch's names; the tensors themselves, not copies.</summary>
    public IReadOnlyDictionary<string, Tensor> StateDict()
        => new OrderedDictionary<string, Tensor>(Named<StateTensor>().Select(named => KeyValuePair.Create(named.Name, named.Tensor.Value)));

    /// <summary>Overwrites all parameters and buffers, or none when anything does not fit. Floating-point numbers are converted to the tensor's own
    /// floating-point type, and moved to its device.</summary>
    /// <param name="state">A tensor for each parameter, by the names of <see cref="StateDict"/>.</param>
    /// <exception cref="TensorArgumentException">Entries are missing, unexpected, or of another shape or kind of number: all are named.</exception>
    public void LoadStateDict(IReadOnlyDictionary<string, Tensor> state)
    {
        ArgumentNullException.ThrowIfNull(state);
        Assign("LoadStateDict", [.. state.Keys], name => (state[name].DType, state[name].Shape), name => state[name]);
    }

    /// <summary>Writes all parameters and buffers to a safetensors file, atomically: PyTorch loads it with <c>safetensors.torch.load_file</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="metadata">Free text to keep with them.</param>
    /// <exception cref="IOException">The file cannot be written; what was there before still is.</exception>
    public void Save(string path, IReadOnlyDictionary<string, string>? metadata = null) => Safetensors.Save(path, StateDict(), metadata);

    /// <summary>Overwrites all parameters and buffers by those of a safetensors file, or none when anything does not fit; see
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
        var own = Named<StateTensor>().ToDictionary(named => named.Name, named => named.Tensor);
        NamedTensors.Assign(operation, "this module", StateDict(), names, describe, read, (name, value) => own[name].Require($"{operation}, {name}", value));
    }
}
