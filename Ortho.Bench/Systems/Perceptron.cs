using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Losses;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;

namespace Ortho.Bench.Systems;

/// <summary>A multilayer perceptron with rectifiers, whose last matrix is its head.</summary>
sealed class Perceptron : Module
{
    readonly Linear[] layers;

    /// <summary>A network of these widths, inputs first.</summary>
    public Perceptron(IReadOnlyList<int> widths, Generator generator)
    {
        layers = [.. widths.Zip(widths.Skip(1)).Index().Select(pair => Register($"{pair.Index}", new Linear(pair.Item.First, pair.Item.Second, generator)))];
        layers[^1].Weight.Role = ParameterRole.Head;
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        foreach (var layer in layers[..^1])
            x = layer.Forward(x).Relu();
        return layers[^1].Forward(x);
    }
}

/// <summary>Labelled vectors to learn from and to be judged by.</summary>
sealed record Classification(Tensor Inputs, Tensor Labels, Tensor TestInputs, Tensor TestLabels)
{
    /// <summary>Trains on batches of rows in random order, each row once before any comes again.</summary>
    public void Fit(Module network, Optimizer optimizer, int steps, int batch, Generator generator, CancellationToken token)
    {
        var (count, order) = (Inputs.Shape[0], Tensor.Empty([0], DType.Int64));
        var at = count;
        Training.Run(optimizer, steps, Loss, token);

        Tensor Loss()
        {
            if (at + batch > count)
                (order, at) = (TensorScope.Release(Tensor.Permutation(count, generator)), 0);
            var rows = order.Narrow(0, at, batch);
            at += batch;
            return network.Forward(Inputs.IndexSelect(0, rows)).CrossEntropy(Labels.IndexSelect(0, rows));
        }
    }

    /// <summary>The loss of all that was learnt from, and the share of the rest that is right.</summary>
    public (double TrainLoss, double TestAccuracy) Judge(Module network)
    {
        using var pause = Graph.NoGrad();
        using var scope = new TensorScope();
        return (network.Forward(Inputs).CrossEntropy(Labels).Item(), network.Forward(TestInputs).ArgMax().EqualTo(TestLabels).To(DType.Float32).Mean().Item());
    }
}
