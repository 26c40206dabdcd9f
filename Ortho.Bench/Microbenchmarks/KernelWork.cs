using Ortho.Autograd;
using Ortho.Bench.Peers;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;

namespace Ortho.Bench.Microbenchmarks;

/// <summary>One kernel at one size.</summary>
/// <param name="Family">Key of its family, as in the comparison with peers.</param>
/// <param name="Name">What is computed, with sizes.</param>
/// <param name="Bytes">What has to be read and written at least: inputs once and outputs once.</param>
/// <param name="Flops">Floating-point operations by the textbook's count; 0 where memory is the bound.</param>
/// <param name="Prepare">Makes the inputs, and what is timed.</param>
/// <param name="Arithmetic">The arithmetic.</param>
sealed record KernelWork(string Family, string Name, long Bytes, double Flops, Func<Action> Prepare, Arithmetic Arithmetic = Arithmetic.Single)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Family}: {Name}";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<KernelWork> All { get; } = [.. Maps(), .. Rows(), .. Products(), .. Transforms(), .. Orthogonal()];

    static IEnumerable<KernelWork> Maps()
    {
        foreach (var (count, size) in new[] { (1 << 12, "4K"), (1 << 17, "128K"), (1 << 22, "4M") })
        {
            yield return Map("add", count, size, 3, 1, (x, y) => x + y);
            yield return Map("exp", count, size, 2, 0, (x, _) => x.Exp());
            yield return Map("GELU", count, size, 2, 0, (x, _) => x.Gelu());
            yield return Map("sum", count, size, 1, 1, (x, _) => x.Sum());
        }

        static KernelWork Map(string name, int count, string size, int streams, int flops, Func<Tensor, Tensor, Tensor> op)
            => Of("pointwise", $"{name}, {size} elements", 4L * streams * count, (double)flops * count, () =>
            {
                var (x, y) = (Work.Sample(1, count), Work.Sample(2, count));
                return () => op(x, y);
            });
    }

    static IEnumerable<KernelWork> Rows()
    {
        const int rows = 4096, columns = 1024;
        // With the bytes written for each element.
        foreach (var (name, written, op) in new (string, long, Func<Tensor, Tensor>)[]
        {
            ("softmax", 4, x => x.Softmax()), ("transposed copy", 4, x => x.T.Contiguous()),
            ("sum of columns", 0, x => x.Sum([0])), ("to bfloat16", 2, x => x.To(DType.BFloat16)),
        })
        {
            yield return Of("pointwise", $"{name}, {rows} x {columns}", (4L + written) * rows * columns, 0, () =>
            {
                var x = Work.Sample(1, rows, columns);
                return () => op(x);
            });
        }
    }

    static IEnumerable<KernelWork> Products()
    {
        foreach (var n in new[] { 64, 256, 1024 })
            yield return Product(1, n, DType.Float32);
        yield return Product(256, 32, DType.Float32);
        yield return Product(1, 512, DType.Float64);
        yield return Product(1, 512, DType.Complex64);

        static KernelWork Product(int batch, int n, DType dtype)
        {
            var name = $"{(batch > 1 ? $"{batch} of " : "")}{n} x {n} x {n}{(dtype == DType.Float32 ? "" : $", {dtype}")}";
            return Of("gemm", name, 3L * dtype.Size * batch * n * n, (dtype.IsComplex ? 8.0 : 2.0) * batch * n * n * n, () =>
            {
                var (a, b) = (Work.Sample(1, batch, n, n).To(dtype), Work.Sample(2, batch, n, n).To(dtype));
                return () => a.MatMul(b);
            }, dtype.RealType == DType.Float64 ? Arithmetic.Double : Arithmetic.Single);
        }
    }

    static IEnumerable<KernelWork> Transforms()
    {
        const int signals = 1024;
        foreach (var n in new[] { 256, 1000, 1024, 1021 })
        {
            // 5 n log2 n, by which transforms are compared whatever they do.
            var flops = 5.0 * n * Math.Log2(n) * signals;
            yield return Of("fft", $"complex, {signals} of {n}", 16L * signals * n, flops, () =>
            {
                var z = Tensor.Complex(Work.Sample(1, signals, n), Work.Sample(2, signals, n));
                return () => z.Fft();
            });
            yield return Of("fft", $"real, {signals} of {n}", 8L * signals * n, flops / 2, () =>
            {
                var x = Work.Sample(1, signals, n);
                return () => x.Rfft();
            });
            yield return Of("dct", $"{signals} of {n}", 8L * signals * n, flops / 2, () =>
            {
                var x = Work.Sample(1, signals, n);
                return () => x.Dct();
            });
        }
        // What an optimizer of low rank does at each step, and what it does without.
        const int columns = 512, rank = 64;
        yield return Of("subspace", $"{rank} of {columns} cosines for {signals} x {columns}", 4L * signals * (columns + rank), 0, () =>
        {
            var (x, subspace) = (Work.Sample(1, signals, columns), new DctSubspace(columns, rank));
            return () => subspace.Refresh(x);
        });
        yield return Of("subspace", $"{rank} singular vectors of {signals} x {columns}", 4L * signals * (columns + rank), 0, () =>
        {
            var x = Work.Sample(1, signals, columns);
            return () => x.MatMul(x.Svd().V.Narrow(-1, 0, rank));
        });
    }

    static IEnumerable<KernelWork> Orthogonal()
    {
        foreach (var (batch, n) in new[] { (4096, 4), (256, 32), (16, 128), (1, 512) })
        {
            // Golub and Van Loan 5.2: 4/3 n^3 for R, as much again for Q.
            yield return Of(batch == 1 ? "qr" : "qr-batched", $"{batch} of {n} x {n}", 12L * batch * n * n, 8.0 / 3 * batch * n * n * n, () =>
            {
                var x = Work.Sample(1, batch, n, n);
                return () => x.Qr();
            });
        }
        foreach (var (batch, n) in new[] { (128, 32), (1, 512) })
        {
            // Three products a step.
            yield return Of(batch == 1 ? "newton-schulz" : "newton-schulz-batched", $"5 quintic steps, {batch} of {n} x {n}", 8L * batch * n * n, 30.0 * batch * n * n * n, () =>
            {
                var x = Work.Sample(1, batch, n, n);
                return () => x.NewtonSchulz();
            });
        }
        foreach (var n in new[] { 64, 512 })
        {
            // 2 n^2 for each reflection applied to half of the columns on average.
            yield return Of("householder", $"product of {n} reflections of {n}", 8L * n * n, 4.0 / 3 * n * n * n, () =>
            {
                var v = Work.Sample(1, n, n);
                return () => v.HouseholderProduct(n);
            });
        }
    }

    /// <summary>From a function that makes the inputs and gives what computes a result of them; without gradients, and its memory goes back at once.</summary>
    internal static KernelWork Of(string family, string name, long bytes, double flops, Func<Func<object?>> prepare, Arithmetic arithmetic = Arithmetic.Single) => new(family, name, bytes, flops, () =>
    {
        var run = prepare();
        return () =>
        {
            using var pause = Graph.NoGrad();
            using var scope = new TensorScope();
            _ = run();
        };
    }, arithmetic);
}
