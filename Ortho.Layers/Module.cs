using Ortho.Autograd;
using Ortho.Layers.Manifolds;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>A differentiable function with parameters, made of other such functions.</summary>
public abstract partial class Module
{
    readonly List<StateTensor> own = [];
    readonly List<(string Name, Module Module)> children = [];

    /// <summary>The function.</summary>
    public abstract Tensor Forward(Tensor x);

    /// <summary>Whether the module is being trained; layers that behave differently in use look at it.</summary>
    public bool IsTraining { get; private set; } = true;

    /// <summary>The parts, in order.</summary>
    public IReadOnlyList<(string Name, Module Module)> Children => children;

    /// <summary>All parameters, of the parts too, with their path as name (<c>0.weight</c>).</summary>
    public IEnumerable<(string Name, Parameter Parameter)> NamedParameters() => Named<Parameter>();

    /// <summary>All buffers, of the parts too, with their path as name.</summary>
    public IEnumerable<(string Name, ModuleBuffer Buffer)> NamedBuffers() => Named<ModuleBuffer>();

    IEnumerable<(string Name, T Tensor)> Named<T>() where T : StateTensor
        => own.OfType<T>().Select(tensor => (tensor.Name, tensor))
            .Concat(children.SelectMany(child => child.Module.Named<T>().Select(inner => ($"{child.Name}.{inner.Name}", inner.Tensor))));

    /// <summary>All parameters, of the parts too.</summary>
    public IEnumerable<Parameter> Parameters() => NamedParameters().Select(named => named.Parameter);

    /// <summary>This module and all its parts with their paths, outermost first.</summary>
    public IEnumerable<(string Name, Module Module)> NamedModules()
        => children.SelectMany(child => child.Module.NamedModules()
                .Select(inner => (inner.Name.Length == 0 ? child.Name : $"{child.Name}.{inner.Name}", inner.Module)))
            .Prepend(("", this));

    /// <summary>Turns training behaviour on.</summary>
    public void Train() => SetTraining(true);

    /// <summary>Turns training behaviour off.</summary>
    public void Eval() => SetTraining(false);

    void SetTraining(bool training)
    {
        foreach (var (_, module) in NamedModules())
            module.IsTraining = training;
    }

    /// <summary>Moves all parameters and buffers to a device; before an optimizer is made for them.</summary>
    /// <returns>The module.</returns>
    public Module To(Device device)
    {
        foreach (var (_, tensor) in Named<StateTensor>())
            tensor.MoveTo(device);
        return this;
    }

    /// <summary>Forgets all gradients.</summary>
    public void ZeroGrad()
    {
        foreach (var parameter in Parameters())
            parameter.Value.ZeroGrad();
    }

    /// <summary>Makes a parameter of this module.</summary>
    protected Parameter Register(string name, Tensor value, ParameterRole role)
    {
        var parameter = new Parameter(name, value, role);
        own.Add(parameter);
        return parameter;
    }

    /// <summary>Makes a buffer of this module: saved and moved with it, not trained.</summary>
    protected ModuleBuffer RegisterBuffer(string name, Tensor value)
    {
        var buffer = new ModuleBuffer(name, value);
        own.Add(buffer);
        return buffer;
    }

    /// <summary>Makes a parameter of this module that lives on a manifold: at the point nearest to the value.</summary>
    /// <exception cref="TensorArgumentException">The value is of a shape that holds no points.</exception>
    protected Parameter Register(string name, Tensor value, ParameterRole role, Manifold manifold)
    {
        var parameter = Register(name, value, role);
        parameter.RestrictTo(manifold);
        return parameter;
    }

    /// <summary>Makes another module a part of this one.</summary>
    protected M Register<M>(string name, M module) where M : Module
    {
        children.Add((name, module));
        return module;
    }

    /// <summary>Stops gradients from reaching the parameters until the scope is disposed: weights that layers derive from them are then
    /// computed once and kept, also while gradients with respect to inputs are recorded (as an attack does). Not to be nested with training
    /// on another thread.</summary>
    public IDisposable Freeze() => new Frozen([.. Parameters().Where(parameter => parameter.Value.WantsGrad)]);

    sealed class Frozen : IDisposable
    {
        readonly Parameter[] parameters;

        public Frozen(Parameter[] parameters)
        {
            this.parameters = parameters;
            foreach (var parameter in parameters)
                _ = parameter.Value.RequiresGrad(false);
        }

        public void Dispose()
        {
            foreach (var parameter in parameters)
                _ = parameter.Value.RequiresGrad();
        }
    }

    /// <summary>A tensor that depends on some parameters and buffers and on a key: while gradients for the parameters are recorded it is
    /// computed anew (its graph is used up by each backward pass), otherwise it is kept until one of them or the key changes. Safe to use from
    /// several threads.</summary>
    private protected sealed class Cached<K>(IReadOnlyList<StateTensor> sources, Func<K, Tensor> compute)
    {
        Entry? kept;

        sealed record Entry(K Key, long Version, Device Device, Tensor Value);

        public Tensor Of(K key)
        {
            if (Graph.IsRecording && sources.Any(source => source.Value.WantsGrad))
                return compute(key);
            var (version, device) = (sources.Sum(source => source.Version), sources[0].Value.Device);
            if (kept is { } found && (found.Version, found.Device) == (version, device)
                && EqualityComparer<K>.Default.Equals(found.Key, key))
                return found.Value;
            var value = TensorScope.Release(compute(key));
            kept = new(key, version, device, value);
            return value;
        }
    }
}

/// <summary>Modules applied one after another.</summary>
public sealed class Sequential : Module
{
    /// <summary>The modules, first to last.</summary>
    public Sequential(params IReadOnlyList<Module> modules)
    {
        foreach (var (k, module) in modules.Index())
            Register($"{k}", module);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        foreach (var (_, module) in Children)
            x = module.Forward(x);
        return x;
    }
}
