using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.ConvolutionMethods;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using Generator = Ortho.Tensors.Generator;
using TorchTensor = TorchSharp.torch.Tensor;

namespace Ortho.Bench.Peers.Torch;

/// <summary>The orthogonal convolutions, written in libtorch's ops: forward and backward, from the free numbers on, as in a training step.</summary>
sealed partial class TorchPeer
{
    const int Side = 24, Taps = 3, Channels = 16, Batch = 32, BjorckSteps = 12;

    static IEnumerable<Comparison> OrthogonalConvolutions()
    {
        yield return Layer("Cayley", new FourierCayley(), at => AtFrequencies(at[0], CayleyOf(Scaled(Symbol(at[1], Side, Side), at[2]))));
        yield return Layer("LOT", new Lot(), at => AtFrequencies(at[0], Root(Symbol(at[1], Side, Side))));
        yield return Layer("SOC", new Soc(), at => Exponential(at[0], at[1]));
        yield return Layer("BCOP", new Bcop(new Bjorck(BjorckSteps)), at => Around(at[0], Projected(BjorckOf(at[1])[0], BjorckOf(at[2])), 1));
        yield return Layer("AOC", new Aoc(new Bjorck(BjorckSteps)), at =>
        {
            var projectors = BjorckOf(at[1]);
            projectors = projectors.matmul(projectors.mT);
            var reflections = eye(Channels) - 2 * projectors.narrow(0, 0, 2);
            return Around(at[0], Product(reflections[0].matmul(reflections[1]), projectors.narrow(0, 2, 4)), 1);
        });
        yield return Layer("ECO", new Eco(), at => Around(at[0], OfFrequencies(at[1], at[2]), Side / Taps));
    }

    static Comparison Layer(string name, IConvolutionMethod method, Func<TorchTensor[], TorchTensor> peer)
        => Compare("orthogonal-step", $"{name}, {Batch}x{Channels}x{Side}x{Side}, 3 x 3, forward and backward", 1e-2, () =>
        {
            var shape = new ConvolutionShape(Channels, Channels, Taps, 1, 1, 1, ConvolutionPadding.Circular);
            // Kernels that pass through the origin of a map have singular or constant gradients there: a little off it.
            var free = method.Initial(shape, new Generator(1), DType.Float32).Select((numbers, k) => numbers.Value + Work.Sample(k + 2, [.. numbers.Value.Shape]) * 0.05).ToArray();
            var use = method.UseFor(shape, Batch, Side, Side, isTraining: true);
            Ortho.Tensors.Tensor[] inputs = [Work.Sample(1, Batch, Channels, Side, Side), .. free];
            return (Work.Backward(at => method.Apply(shape, method.Filter(shape, at[1..], use), at[0], isTraining: true), inputs), Backward(peer, [.. inputs.Select(Same)]));
        });

    // [height, width / 2 + 1, out, in]: conj of the transform of the kernel around the origin.
    static TorchTensor Symbol(TorchTensor kernel, long height, long width)
    {
        var placed = roll(nn.functional.pad(kernel, [0, width - kernel.shape[3], 0, height - kernel.shape[2]]), [-(kernel.shape[2] / 2), -(kernel.shape[3] / 2)], [2, 3]);
        return fft.rfft2(placed).conj().permute(2, 3, 0, 1);
    }

    static TorchTensor Scaled(TorchTensor symbol, TorchTensor scale)
        => symbol * (scale / (symbol.abs().square().sum().sqrt() / Math.Sqrt((double)symbol.shape[0] * symbol.shape[1] * Math.Min(symbol.shape[2], symbol.shape[3]))));

    static TorchTensor AtFrequencies(TorchTensor x, TorchTensor matrices)
        => fft.irfft2(einsum("hwoi,bihw->bohw", matrices, fft.rfft2(x)), [x.shape[2], x.shape[3]]);

    static TorchTensor Adjoint(TorchTensor x) => x.is_complex() ? x.mT.conj() : x.mT;

    static TorchTensor CayleyOf(TorchTensor free)
    {
        var (rows, columns) = (free.shape[^2], free.shape[^1]);
        if (rows < columns)
            return Adjoint(CayleyOf(Adjoint(free)));
        var identity = eye(columns, dtype: free.dtype);
        var u = free.narrow(-2, 0, columns);
        if (rows == columns)
            return 2 * linalg.inv(identity + u - Adjoint(u)) - identity;
        var v = free.narrow(-2, columns, rows - columns);
        var b = linalg.inv(identity + u - Adjoint(u) + Adjoint(v).matmul(v));
        return cat([2 * b - identity, -2 * v.matmul(b)], -2);
    }

    // Layer-wise orthogonal training: the coupled Newton-Schulz iteration.
    static TorchTensor Root(TorchTensor symbol)
    {
        const double shift = 1e-4;
        var identity = eye(Channels, dtype: symbol.dtype);
        var gram = symbol.matmul(Adjoint(symbol)) + shift * identity;
        var norm = gram.abs().square().sum([-2, -1], true).sqrt() + shift;
        var (y, z) = (gram / norm, identity.expand(gram.shape));
        for (var k = 0; k < 10; k++)
        {
            var r = (3 * identity - z.matmul(y)) * 0.5;
            (y, z) = (y.matmul(r), r.matmul(z));
        }
        return (z / norm.sqrt()).matmul(symbol);
    }

    // Skew orthogonal convolution with five terms; norms by the Gram iteration.
    static TorchTensor Exponential(TorchTensor x, TorchTensor free)
    {
        var kernel = (free - free.transpose(0, 1).flip(2, 3)) * 0.5;
        var norms = stack(
        [
            Bound(kernel.permute(0, 2, 1, 3).reshape(Channels * Taps, Channels * Taps)), Bound(kernel.permute(0, 3, 1, 2).reshape(Channels * Taps, Channels * Taps)),
            Bound(kernel.reshape(Channels, Channels * Taps * Taps)), Bound(kernel.permute(0, 2, 3, 1).reshape(Channels * Taps * Taps, Channels)),
        ]);
        kernel = kernel * (0.7 / norms.min());
        var (term, sum) = (x, x);
        for (var j = 1; j <= 5; j++)
        {
            term = Around(term, kernel, 1) / j;
            sum = sum + term;
        }
        return sum;

        static TorchTensor Bound(TorchTensor matrix)
        {
            var norm = matrix.square().sum().sqrt();
            var (gram, logarithm) = (matrix / norm, norm.log());
            for (var k = 0; k < 6; k++)
            {
                gram = k == 0 && gram.shape[0] < gram.shape[1] ? gram.matmul(gram.mT) : gram.mT.matmul(gram);
                norm = gram.square().sum().sqrt();
                (gram, logarithm) = (gram / norm, 2 * logarithm + norm.log());
            }
            return (logarithm / 64).exp();
        }
    }

    static TorchTensor Around(TorchTensor x, TorchTensor kernel, long dilation)
        => nn.functional.conv2d(nn.functional.pad(x, [dilation, dilation, dilation, dilation], PaddingModes.Circular), kernel, dilation: [dilation, dilation]);

    static TorchTensor BjorckOf(TorchTensor free)
    {
        var w = free / free.mT.matmul(free).detach().square().sum([-2, -1], true).sqrt().sqrt();
        for (var k = 0; k < BjorckSteps; k++)
            w = 1.5 * w - 0.5 * w.matmul(w.mT.matmul(w));
        return w;
    }

    static TorchTensor Projected(TorchTensor square, TorchTensor frames) => Product(square, frames.matmul(frames.mT));

    // The 1 x 1 kernel after two blocks of 2 x 2 taps of projectors P (rows) and Q (columns).
    static TorchTensor Product(TorchTensor square, TorchTensor projectors)
    {
        var taps = stack([projectors, eye(Channels) - projectors], 1);
        var blocks = taps.narrow(0, 0, 2).unsqueeze(2).matmul(taps.narrow(0, 2, 2).unsqueeze(1));
        var (first, second) = (blocks[0].permute(2, 3, 0, 1), blocks[1].permute(2, 3, 0, 1));
        // Images of channels, one for each input; turned taps make the convolution of kernels.
        var both = nn.functional.conv2d(first.transpose(0, 1), second.flip(2, 3), padding: [1, 1]).transpose(0, 1);
        return square.matmul(both.reshape(Channels, Channels * Taps * Taps)).reshape(Channels, Channels, Taps, Taps);
    }

    // Explicit construction: unitary blocks on a grid of 3 x 3 frequencies, one real and four pairs.
    static TorchTensor OfFrequencies(TorchTensor real, TorchTensor parts)
    {
        var own = matrix_exp(real - real.mT);
        var skew = complex(parts[0], parts[1]);
        skew = skew - skew.mT.conj();
        var paired = matrix_exp(skew);
        var unitary = cat([own.to(paired.dtype), paired, paired.conj()]);
        // Frequencies (i, j) for i = 0, 1, 2 and j = 0, 1: (0,0); pairs (0,1), (1,0), (1,1), (2,1) of which (1,0) has (2,0) for its partner.
        var half = unitary.index_select(0, tensor(new long[] { 0, 1, 2, 3, 6, 4 })).reshape(Taps, 2, Channels, Channels);
        return fft.irfft2(half.permute(2, 3, 0, 1), [Taps, Taps]);
    }
}
