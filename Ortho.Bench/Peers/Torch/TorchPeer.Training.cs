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
                var y = MaxMin(Convolution(p, at[0], at[1]) + at[2].view(1, -1, 1, 1)).flatten(1);
                y = MaxMin(y.matmul(Cayley(at[3])) + at[4]);
                return y.matmul(Cayley(at[5])) + at[6];
            }, (y, labels) => nn.functional.cross_entropy((y - 0.7f * nn.functional.one_hot(labels, 10)) * 8, labels) / 8));
        });

        // A kernel's symbol at each frequency, scaled, through the Cayley map.
        static torch.Tensor Convolution(torch.Tensor x, torch.Tensor kernel, torch.Tensor scale)
        {
            x = nn.functional.pixel_unshuffle(x, 2);
            var (height, width) = (x.shape[2], x.shape[3]);
            var placed = roll(nn.functional.pad(kernel, [0, width - kernel.shape[3], 0, height - kernel.shape[2]]), [-1, -1], [2, 3]);
            var symbol = fft.rfft2(placed).conj().permute(2, 3, 0, 1);
            symbol = symbol * (scale / (symbol.abs().square().sum().sqrt() / Math.Sqrt(symbol.shape[0] * symbol.shape[1] * 4.0)));
            return fft.irfft2(einsum("hwoi,bihw->bohw", Cayley(symbol), fft.rfft2(x)), [height, width]);
        }

        static torch.Tensor Cayley(torch.Tensor free)
        {
            var columns = free.shape[^1];
            var identity = eye(columns, dtype: free.dtype);
            var (u, v) = (free.narrow(-2, 0, columns), free.narrow(-2, columns, free.shape[^2] - columns));
            var b = linalg.inv(identity + u - Adjoint(u) + Adjoint(v).matmul(v));
            return cat([2 * b - identity, -2 * v.matmul(b)], -2);
        }

        static torch.Tensor Adjoint(torch.Tensor x) => x.is_complex() ? x.mT.conj() : x.mT;

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
