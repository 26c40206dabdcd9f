using Ortho.Autograd;
using Ortho.Bench.Microbenchmarks;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.MatMul;
using Ortho.Kernels.Pointwise;
using Ortho.Tensors;

namespace Ortho.Bench.Gpu;

/// <summary>A kernel at a size for devices, and the same work in PyTorch.</summary>
/// <param name="Kernel">Ortho's side.</param>
/// <param name="Setup">Python statements that make the inputs; <c>rand(*shape)</c> gives float32 numbers of [-1, 1) on the device. Empty
/// for no comparison.</param>
/// <param name="Run">The Python expression that is timed.</param>
sealed record DeviceWork(KernelWork Kernel, string Setup = "", string Run = "")
{
    /// <summary>All works on a device at a scale.</summary>
    public static IReadOnlyList<DeviceWork> All(GpuDevice gpu, WorkScale scale)
    {
        var works = new Works(gpu, scale);
        return [.. works.Pointwise(), .. works.Rows(), .. works.Products(), .. works.Transforms(), .. works.Orthogonal(), .. works.Convolutions()];
    }

    sealed class Works(GpuDevice gpu, WorkScale scale)
    {
        Tensor Sample(params int[] shape) => Tensor.Uniform(Shape.Create(shape), new Generator((ulong)shape.Length), -1, 1, device: gpu);

        static DeviceWork Of(string family, string name, long bytes, double flops, Func<Func<object?>> prepare, string setup = "", string run = "", Arithmetic arithmetic = Arithmetic.Single)
            => new(KernelWork.Of(family, name, bytes, flops, prepare, arithmetic), setup, run);

        public IEnumerable<DeviceWork> Pointwise()
        {
            var n = scale.Pick(1 << 26, 1 << 20, 1 << 8);
            var x = $"x = rand({n})";
            yield return Of("pointwise", $"add, {n} elements", 12L * n, 0, () =>
            {
                var (p, q) = (Sample(n), Sample(n));
                return () => p + q;
            }, $"{x}; y = rand({n})", "x + y");
            yield return Of("pointwise", $"exp, {n} elements", 8L * n, 0, () => Bind(Sample(n), p => p.Exp()), x, "x.exp()");
            yield return Of("pointwise", $"GELU, {n} elements", 8L * n, 0, () => Bind(Sample(n), p => p.Gelu()), x, "torch.nn.functional.gelu(x)");
            yield return Of("pointwise", $"to bfloat16, {n} elements", 6L * n, 0, () => Bind(Sample(n), p => p.To(DType.BFloat16)), x, "x.to(torch.bfloat16)");
            yield return Of("pointwise", $"Adam step, {n} parameters", 28L * n, 0, () =>
            {
                var (value, gradient, mean, square) = (Sample(n), Sample(n), Sample(n), Sample(n) * 0);
                return () =>
                {
                    Kernels.Skeletons.Pointwise.Update<AdamStep>("Adam", value, gradient, new() { A = 0.1, B = 0.001, C = 1e-8, D = 1, E = -1e-3 }, mean, square);
                    return null;
                };
            }, $"p = torch.nn.Parameter(rand({n})); p.grad = rand({n}); adam = torch.optim.Adam([p], fused=True)", "adam.step()");
        }

        public IEnumerable<DeviceWork> Rows()
        {
            var (rows, columns) = (scale.Pick(16384, 512, 4), scale.Pick(4096, 512, 16));
            var (size, x) = ((long)rows * columns, $"x = rand({rows}, {columns})");
            yield return Of("rows", $"sum, {rows} x {columns}", 4 * size, 0, () => Bind(Sample(rows, columns), p => p.Sum()), x, "x.sum()");
            yield return Of("rows", $"sum of rows, {rows} x {columns}", 4 * size, 0, () => Bind(Sample(rows, columns), p => p.Sum([1])), x, "x.sum(1)");
            yield return Of("rows", $"sum of columns, {rows} x {columns}", 4 * size, 0, () => Bind(Sample(rows, columns), p => p.Sum([0])), x, "x.sum(0)");
            yield return Of("rows", $"softmax, {rows} x {columns}", 8 * size, 0, () => Bind(Sample(rows, columns), p => p.Softmax()), x, "x.softmax(-1)");
            yield return Of("rows", $"layer norm, {rows} x {columns}", 8 * size, 0, () => Bind(Sample(rows, columns), p => p.LayerNorm([columns])), x, $"torch.nn.functional.layer_norm(x, [{columns}])");
            yield return Of("rows", $"transposed copy, {rows} x {columns}", 8 * size, 0, () => Bind(Sample(rows, columns), p => p.T.Contiguous()), x, "x.T.contiguous()");
        }

        public IEnumerable<DeviceWork> Products()
        {
            var n = scale.Pick(4096, 256, 32);
            foreach (var (name, transposesA, transposesB) in new[] { ("a b", false, false), ("a^T b", true, false), ("a b^T", false, true) })
            {
                yield return Of("gemm", $"{name}, {n}", 12L * n * n, 2.0 * n * n * n, () =>
                {
                    var (a, b) = (Sample(n, n), Sample(n, n));
                    return () => (transposesA ? a.T : a).MatMul(transposesB ? b.T : b);
                }, $"a, b = rand({n}, {n}), rand({n}, {n})", $"a{(transposesA ? ".T" : "")} @ b{(transposesB ? ".T" : "")}");
            }
            foreach (var (batch, m) in new[] { (scale.Pick(64, 4, 2), scale.Pick(512, 64, 16)), (scale.Pick(4096, 64, 3), scale.Pick(64, 32, 16)) })
            {
                yield return Of("gemm", $"{batch} of {m}", 12L * batch * m * m, 2.0 * batch * m * m * m, () =>
                {
                    var (a, b) = (Sample(batch, m, m), Sample(batch, m, m));
                    return () => a.MatMul(b);
                }, $"a, b = rand({batch}, {m}, {m}), rand({batch}, {m}, {m})", "a @ b");
            }
            var d = scale.Pick(2048, 128, 16);
            yield return Of("gemm", $"float64, {d}", 24L * d * d, 2.0 * d * d * d, () =>
            {
                var (a, b) = (Sample(d, d).To(DType.Float64), Sample(d, d).To(DType.Float64));
                return () => a.MatMul(b);
            }, $"a, b = rand({d}, {d}).double(), rand({d}, {d}).double()", "a @ b", Arithmetic.Double);
            yield return Of("gemm", $"complex64, {d}", 24L * d * d, 8.0 * d * d * d, () =>
            {
                var (a, b) = (Tensor.Complex(Sample(d, d), Sample(d, d)), Tensor.Complex(Sample(d, d), Sample(d, d)));
                return () => a.MatMul(b);
            }, $"a, b = [torch.complex(rand({d}, {d}), rand({d}, {d})) for _ in range(2)]", "a @ b");
            var h = scale.Pick(8192, 256, 16);
            // Ours includes the rounding of both operands, so PyTorch's does.
            yield return Of("gemm-bfloat16", $"float32 rounded to bfloat16, {h}", 12L * h * h, 2.0 * h * h * h, () =>
            {
                var (a, b) = (Sample(h, h), Sample(h, h));
                return () => a.MatMul(b, MatMulPrecision.BFloat16);
            }, $"a, b = rand({h}, {h}), rand({h}, {h})", "(a.to(torch.bfloat16) @ b.to(torch.bfloat16)).float()", Arithmetic.BFloat16);
        }

        public IEnumerable<DeviceWork> Transforms()
        {
            var signals = scale.Pick(16384, 64, 2);
            foreach (var n in new[] { scale.Pick(256, 256, 16), scale.Pick(1024, 1024, 8), scale.Pick(4096, 1000, 12) })
            {
                var flops = 5.0 * n * Math.Log2(n) * signals;
                yield return Of("fft", $"complex, {signals} of {n}", 16L * signals * n, flops, () =>
                {
                    var z = Tensor.Complex(Sample(signals, n), Sample(signals, n));
                    return () => z.Fft();
                }, $"z = torch.complex(rand({signals}, {n}), rand({signals}, {n}))", "torch.fft.fft(z)");
                yield return Of("fft", $"real, {signals} of {n}", 8L * signals * n, flops / 2, () => Bind(Sample(signals, n), x => x.Rfft()),
                    $"x = rand({signals}, {n})", "torch.fft.rfft(x)");
            }
        }

        public IEnumerable<DeviceWork> Orthogonal()
        {
            foreach (var (batch, n) in new[] { (scale.Pick(65536, 256, 4), scale.Pick(8, 8, 4)), (scale.Pick(8192, 32, 2), scale.Pick(32, 32, 8)), (scale.Pick(256, 2, 1), scale.Pick(128, 64, 12)) })
            {
                yield return Of("qr-batched", $"{batch} of {n} x {n}", 12L * batch * n * n, 8.0 / 3 * batch * n * n * n, () => Bind(Sample(batch, n, n), x => x.Qr()),
                    $"x = rand({batch}, {n}, {n})", "torch.linalg.qr(x)");
            }
            foreach (var (batch, n) in new[] { (scale.Pick(4096, 16, 2), scale.Pick(64, 64, 8)), (1, scale.Pick(2048, 256, 16)) })
            {
                // Three products a step.
                yield return Of("newton-schulz", $"5 quintic steps, {batch} of {n} x {n}", 8L * batch * n * n, 30.0 * batch * n * n * n, () => Bind(Sample(batch, n, n), x => x.NewtonSchulz()),
                    $"x = rand({batch}, {n}, {n})", "newton_schulz(x)");
            }
            var d = scale.Pick(1024, 128, 8);
            yield return Of("householder", $"product of {d} reflections of {d}", 8L * d * d, 4.0 / 3 * d * d * d, () => Bind(Sample(d, d), v => v.HouseholderProduct(d)),
                $"v = torch.tril(rand({d}, {d}), -1) + torch.eye({d}, device=device); tau = 2 / (v * v).sum(0)", "torch.linalg.householder_product(v, tau)");
        }

        public IEnumerable<DeviceWork> Convolutions()
        {
            var (batch, channels, side) = (scale.Pick(64, 2, 1), scale.Pick(64, 16, 2), scale.Pick(56, 28, 6));
            yield return Of("conv2d", $"{batch} x {channels} channels of {side} x {side}, kernel 3 x 3", 8L * batch * channels * side * side, 18.0 * batch * channels * channels * side * side, () =>
            {
                var (x, w) = (Sample(batch, channels, side, side), Sample(channels, channels, 3, 3));
                return () => x.Conv2d(w, padding: 1);
            }, $"x, w = rand({batch}, {channels}, {side}, {side}), rand({channels}, {channels}, 3, 3)", "torch.nn.functional.conv2d(x, w, padding=1)");
        }

        static Func<object?> Bind(Tensor x, Func<Tensor, object> function) => () => function(x);
    }
}
