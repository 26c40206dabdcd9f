using System.Runtime.CompilerServices;
using Ortho.Autograd;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = Ortho.Tensors.Tensor;

namespace Ortho.Bench.Peers.Torch;

sealed partial class TorchPeer
{
    static IEnumerable<Comparison> Products()
    {
        foreach (var n in new[] { 64, 256, 1024, 2048 })
        {
            yield return Compare("gemm", $"{n} x {n} x {n}", 1e-5, () =>
            {
                var (a, b) = (Work.Sample(1, n, n), Work.Sample(2, n, n));
                var (p, q) = (Same(a), Same(b));
                return (Work.Forward(() => a.MatMul(b)), Forward(() => mm(p, q)));
            });
        }
        foreach (var (batch, n) in new[] { (256, 32), (64, 64) })
        {
            yield return Compare("gemm", $"batch {batch} of {n} x {n} x {n}", 1e-5, () =>
            {
                var (a, b) = (Work.Sample(1, batch, n, n), Work.Sample(2, batch, n, n));
                var (p, q) = (Same(a), Same(b));
                return (Work.Forward(() => a.MatMul(b)), Forward(() => bmm(p, q)));
            });
        }
    }

    static IEnumerable<Comparison> Elementwise()
    {
        const int count = 1 << 22;
        yield return Vector("add", (x, y) => x + y, (x, y) => x + y);
        yield return Vector("exp", (x, _) => x.Exp(), (x, _) => x.exp());
        yield return Vector("gelu", (x, _) => x.Gelu(), (x, _) => nn.functional.gelu(x));
        yield return Vector("sum", (x, _) => x.Sum(), (x, _) => x.sum());
        yield return Rows("pointwise", "softmax", x => x.Softmax(), x => nn.functional.softmax(x, 1));
        yield return Compare("pointwise", "layer norm, 4096 x 1024", 1e-5, () =>
        {
            var (x, w, b) = (Work.Sample(1, 4096, 1024), Work.Sample(2, 1024), Work.Sample(3, 1024));
            var (p, q, r) = (Same(x), Same(w), Same(b));
            return (Work.Forward(() => x.LayerNorm([1024], w, b)), Forward(() => nn.functional.layer_norm(p, [1024], q, r)));
        });
        yield return Rows("pointwise", "transposed copy", x => x.T.Contiguous(), x => x.t().contiguous());
        yield return Compare("fused", "bias + GELU + scale, 4096 x 1024", 1e-5, () =>
        {
            var (x, b) = (Work.Sample(1, 4096, 1024), Work.Sample(2, 1024));
            var (p, q) = (Same(x), Same(b));
            return (Work.Forward(() => (x + b).Gelu() * 1.5), Forward(() => nn.functional.gelu(p + q) * 1.5f));
        });

        yield return Compare("fused", "the same as one formula", 1e-5, () =>
        {
            var (x, b) = (Work.Sample(1, 4096, 1024), Work.Sample(2, 1024));
            var (p, q) = (Same(x), Same(b));
            return (Work.Forward(() => PointwiseOps.Apply<Ternary<BiasGeluScale>>("BiasGeluScale", x, b, 1.5)), Forward(() => nn.functional.gelu(p + q) * 1.5f));
        });
        yield return Compare("fused", "Adam step, 4M parameters", 1e-5, () =>
        {
            var (x, g) = (Work.Sample(1, 2048, 2048), Work.Sample(2, 2048, 2048));
            var layer = new Ortho.Layers.Linear(2048, 2048, new(1), bias: false);
            layer.Weight.Assign(x);
            // A product with the gradient leaves it at the parameter.
            (layer.Weight * g).Sum().Backward();
            var ours = new Ortho.Layers.Optimizers.Adam(layer.Parameters());
            var leaf = new TorchSharp.Modules.Parameter(Same(x)) { grad = Same(g) };
            var theirs = optim.Adam([leaf]);
            return (Work.Of(() =>
            {
                ours.Step();
                return [layer.Weight.Value];
            }), Of(() =>
            {
                _ = theirs.step();
                return [leaf];
            }));
        });

        static Comparison Vector(string name, Func<Tensor, Tensor, Tensor> ours, Func<torch.Tensor, torch.Tensor, torch.Tensor> theirs)
            => Compare("pointwise", $"{name}, 4M elements", 1e-5, () =>
            {
                var (x, y) = (Work.Sample(1, count), Work.Sample(2, count));
                var (p, q) = (Same(x), Same(y));
                return (Work.Forward(() => ours(x, y)), Forward(() => theirs(p, q)));
            });

        static Comparison Rows(string family, string name, Func<Tensor, Tensor> ours, Func<torch.Tensor, torch.Tensor> theirs)
            => Compare(family, $"{name}, 4096 x 1024", 1e-5, () =>
            {
                var x = Work.Sample(1, 4096, 1024);
                var p = Same(x);
                return (Work.Forward(() => ours(x)), Forward(() => theirs(p)));
            });
    }

    // GELU of x + bias, scaled: how a user writes a chain in one pass.
    readonly struct BiasGeluScale : ITernary
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Apply<T>(T x, T bias, T scale) where T : struct, ILane<T> => Gelu.Apply(x + bias) * scale;
    }

    static IEnumerable<Comparison> Transforms()
    {
        yield return Compare("fft", "real, 1024 of 1024", 1e-5, () =>
        {
            var x = Work.Sample(1, 1024, 1024);
            var p = Same(x);
            return (Work.Forward(() => x.Rfft()), Forward(() => fft.rfft(p)));
        });
        yield return Compare("fft", "complex, 1024 of 1024", 1e-5, () =>
        {
            var z = Tensor.Complex(Work.Sample(1, 1024, 1024), Work.Sample(2, 1024, 1024));
            var p = complex(Same(z.Real()), Same(z.Imag()));
            return (Work.Forward(() => z.Fft()), Forward(() => fft.fft_(p)));
        });
        yield return Compare("fft", "real 2-D, 64 of 256 x 256", 1e-5, () =>
        {
            var x = Work.Sample(1, 64, 256, 256);
            var p = Same(x);
            return (Work.Forward(() => x.Rfft2()), Forward(() => fft.rfft2(p)));
        });

        const int size = 32;
        yield return Compare("circular-convolution", "32x16x32x32, 32x32 kernels, 16 to 16 channels", 1e-4, () =>
        {
            var (x, w, p, q) = Images();
            return (Work.Forward(() => x.CircularConv2d(w)), Forward(() => Circular(p, q)));
        });
        yield return Compare("circular-convolution", "the same, forward and backward", 1e-4, () =>
        {
            var (x, w, p, q) = Images();
            return (Work.Backward(at => at[0].CircularConv2d(at[1]), x, w), Backward(at => Circular(at[0], at[1]), p, q));
        });

        yield return Compare("circular-convolution", "causal, 8x64x4096", 1e-4, () =>
        {
            var (x, w, p, q) = Signals();
            return (Work.Forward(() => x.CausalConv1d(w)), Forward(() => Causal(p, q)));
        });
        yield return Compare("circular-convolution", "causal, the same, forward and backward", 1e-4, () =>
        {
            var (x, w, p, q) = Signals();
            return (Work.Backward(at => at[0].CausalConv1d(at[1]), x, w), Backward(at => Causal(at[0], at[1]), p, q));
        });

        const int length = 4096;
        static (Tensor, Tensor, torch.Tensor, torch.Tensor) Signals()
        {
            var (x, w) = (Work.Sample(1, 8, 64, length), Work.Sample(2, 64, length));
            return (x, w, Same(x), Same(w));
        }

        static torch.Tensor Causal(torch.Tensor x, torch.Tensor w)
            => fft.irfft(fft.rfft(x, n: 2 * length) * fft.rfft(w, n: 2 * length), n: 2 * length).narrow(2, 0, length);

        static (Tensor, Tensor, torch.Tensor, torch.Tensor) Images()
        {
            var (x, w) = (Work.Sample(1, 32, 16, size, size), Work.Sample(2, 16, 16, size, size));
            return (x, w, Same(x), Same(w));
        }

        // Ours is a cross-correlation about the kernel's middle; the peer's spectrum is conjugated and the result shifted alike.
        static torch.Tensor Circular(torch.Tensor x, torch.Tensor w)
        {
            var spectrum = einsum("bchw,ochw->bohw", fft.rfft2(x), fft.rfft2(w).conj());
            return roll(fft.irfft2(spectrum, [size, size]), [size / 2, size / 2], [2, 3]);
        }
    }
}
