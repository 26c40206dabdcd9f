using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>A differentiable function with parameters, made of other such functions.</summary>
public abstract class Module
{
    readonly List<Parameter> own = [];
    readonly List<(string Name, Module Module)> children = [];

    /// <summary>The function.</summary>
    public abstract Tensor Forward(Tensor x);

    /// <summary>Whether the module is being trained; layers that behave differently in use look at it.</summary>
    public bool IsTraining { get; private set; } = true;

    /// <summary>The parts, in order.</summary>
    public IReadOnlyList<(string Name, Module Module)> Children => children;

    /// <summary>All parameters, of the parts too, with their path as name (<c>0.weight</c>).</summary>
    public IEnumerable<(string Name, Parameter Parameter)> NamedParameters()
        => own.Select(parameter => (parameter.Name, parameter))
            .Concat(children.SelectMany(child => child.Module.NamedParameters().Select(inner => ($"{child.Name}.{inner.Name}", inner.Parameter))));

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

    /// <summary>Moves all parameters to a device; before an optimizer is made for them.</summary>
    /// <returns>The module.</returns>
    public Module To(Device device)
    {
        foreach (var parameter in Parameters())
            parameter.MoveTo(device);
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

    /// <summary>Makes another module a part of this one.</summary>
    protected M Register<M>(string name, M module) where M : Module
    {
        children.Add((name, module));
        return module;
    }

    /// <summary>A tensor that depends on parameters only: while recording it is computed anew (its graph is used up by each backward
    /// pass), otherwise it is kept until a parameter changes.</summary>
    private protected sealed class Cached(Module module, Func<Tensor> compute)
    {
        Tensor? kept;
        long version = -1;

        public Tensor Value
        {
            get
            {
                if (Graph.IsRecording)
                    return compute();
                var now = module.own.Sum(parameter => parameter.Version);
                var device = module.own[0].Value.Device;
                if (kept is null || version != now || kept.Device != device)
                    (kept, version) = (TensorScope.Release(compute()), now);
                return kept;
            }
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
