using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Losses;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using Adam = Ortho.Layers.Optimizers.Adam;
using Tensor = Ortho.Tensors.Tensor;
using OrthoLinear = Ortho.Layers.Linear;
using OrthoSequential = Ortho.Layers.Sequential;

namespace Ortho.Bench.Peers.Torch;

sealed partial class TorchPeer
{
    // Whole training steps from the same weights on the same batch. What is compared is the loss of the first.
    static IEnumerable<Comparison> Training()
    {
        yield return Compare("mlp-step", "784-256-256-10, batch 128, Adam", 1e-4, () =>
        {
            var generator = new Ortho.Tensors.Generator(1);
            var network = new OrthoSequential(new OrthoLinear(784, 256, generator), new Relu(), new OrthoLinear(256, 256, generator), new Relu(), new OrthoLinear(256, 10, generator));
            var x = Work.Sample(1, 128, 784);
            var parameters = network.Parameters().Select(parameter => Same(parameter.Value)).ToArray();
            var p = Same(x);
            return (Step(network, x, (y, labels) => y.CrossEntropy(labels)), Step(parameters, at =>
            {
                var y = nn.functional.linear(p, at[0], at[1]).relu();
                y = nn.functional.linear(y, at[2], at[3]).relu();
                return nn.functional.linear(y, at[4], at[5]);
            }, (y, labels) => nn.functional.cross_entropy(y, labels)));
        });

        yield return Compare("orthogonal-step", "Cayley convolution, stride 2, and two Cayley layers, 64x1x28x28, Adam", 1e-4, () =>
        {
            const int channels = 16, size = 14;
            var generator = new Ortho.Tensors.Generator(1);
            var network = new OrthoSequential(
                new OrthogonalConv2d(1, channels, 3, generator, stride: 2), new MaxMin(), new Ortho.Layers.Flatten(),
                new OrthogonalLinear(channels * size * size, 128, generator), new MaxMin(), new OrthogonalLinear(128, 10, generator));
            var x = Work.Sample(1, 64, 1, 2 * size, 2 * size);
            var parameters = network.Parameters().Select(parameter => Same(parameter.Value)).ToArray();
            var p = Same(x);
            return (Step(network, x, (y, labels) => y.MarginCrossEntropy(labels, 0.7, 8)), Step(parameters, at =>
            {
                // The bias of a layer comes before the free numbers of its weight.
                var filter = CayleyOf(Scaled(Symbol(at[0], size, size), at[1]));
                var y = MaxMin(AtFrequencies(nn.functional.pixel_unshuffle(p, 2), filter) + at[2].view(1, -1, 1, 1)).flatten(1);
                y = MaxMin(nn.functional.linear(y, CayleyOf(at[4]), at[3]));
                return nn.functional.linear(y, CayleyOf(at[6]), at[5]);
            }, (y, labels) => nn.functional.cross_entropy((y - 0.7f * nn.functional.one_hot(labels, 10)) * 8, labels) / 8));
        });
        foreach (var layer in OrthogonalConvolutions())
            yield return layer;

        static torch.Tensor MaxMin(torch.Tensor x)
        {
            var halves = x.chunk(2, 1);
            return cat([maximum(halves[0], halves[1]), minimum(halves[0], halves[1])], 1);
        }
    }

    static long[] Classes(int batch) => [.. Enumerable.Range(0, batch).Select(i => i * 7L % 10)];

    static Contender Step(Module network, Tensor x, Func<Tensor, Tensor, Tensor> loss)
    {
        var (labels, optimizer) = (Tensor.From(Classes(x.Shape[0]), [x.Shape[0]]), new Adam(network.Parameters(), 1e-4));
        return Work.Of(() =>
        {
            optimizer.ZeroGrad();
            var value = loss(network.Forward(x), labels);
            value.Backward();
            optimizer.Step();
            return [value];
        });
    }

    static Contender Step(torch.Tensor[] parameters, Func<torch.Tensor[], torch.Tensor> network, Func<torch.Tensor, torch.Tensor, torch.Tensor> loss)
    {
        var leaves = parameters.Select(parameter => new TorchSharp.Modules.Parameter(parameter)).ToArray();
        var optimizer = optim.Adam(leaves, 1e-4);
        return Of(() =>
        {
            optimizer.zero_grad();
            var y = network([.. leaves]);
            var value = loss(y, torch.tensor(Classes((int)y.shape[0])));
            value.backward();
            optimizer.step();
            return [value];
        });
    }

    sealed class Relu : Module
    {
        public override Tensor Forward(Tensor x) => x.Relu();
    }
}
