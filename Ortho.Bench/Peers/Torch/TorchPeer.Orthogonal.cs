using Ortho.Autograd;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = Ortho.Tensors.Tensor;

namespace Ortho.Bench.Peers.Torch;

sealed partial class TorchPeer
{
    static readonly double[] quintic = [3.4445, -4.7750, 2.0315];

    static IEnumerable<Comparison> Orthogonal() => [.. Polynomials(), .. Decompositions(), .. Reflections(), .. Maps()];

    static IEnumerable<Comparison> Polynomials()
    {
        foreach (var (rows, columns) in new[] { (256, 256), (256, 1024), (1024, 1024) })
            yield return Steps("newton-schulz", $"5 quintic steps, {rows} x {columns}", rows, columns);
        foreach (var (batch, n) in new[] { (128, 32), (64, 64) })
            yield return Steps("newton-schulz-batched", $"5 quintic steps, {batch} of {n} x {n}", batch, n, n);

        static Comparison Steps(string family, string work, params int[] shape) => Compare(family, work, 1e-3, () =>
        {
            var x = Work.Sample(1, shape);
            var p = Same(x);
            return (Work.Forward(() => x.NewtonSchulz(NewtonSchulzSchedule.Muon(5))), Forward(() =>
            {
                var y = p / p.square().sum([-2, -1], true).sqrt();
                for (var step = 0; step < 5; step++)
                {
                    var gram = y.matmul(y.mT);
                    y = (float)quintic[0] * y + ((float)quintic[1] * gram + (float)quintic[2] * gram.matmul(gram)).matmul(y);
                }
                return y;
            }));
        });
    }

    static IEnumerable<Comparison> Decompositions()
    {
        foreach (var (batch, n) in new[] { (4096, 4), (1024, 8), (256, 16), (256, 32), (64, 64), (16, 128) })
            yield return Qr("qr-batched", $"{batch} of {n} x {n}", batch, n, n);
        foreach (var n in new[] { 512, 1024 })
            yield return Qr("qr", $"{n} x {n}", n, n);
        foreach (var (batch, n) in new[] { (256, 32), (64, 64) })
        {
            yield return Compare("qr-batched-backward", $"{batch} of {n} x {n}, forward and backward", 1e-2, () =>
            {
                var x = Well(batch, n);
                return (Work.Backward(at => at[0].Qr().Q, x), Backward(at => linalg.qr(at[0]).Q, Same(x)));
            });
        }

        static Comparison Qr(string family, string work, params int[] shape) => Compare(family, work, 1e-3, () =>
        {
            var x = Work.Sample(1, shape);
            var p = Same(x);
            return (Work.Of(() =>
            {
                var (q, r) = x.Qr();
                return [q, r];
            }), Of(() =>
            {
                var (q, r) = linalg.qr(p);
                return [q, r];
            }));
        });

        // Far from singular: gradients of QR grow with the condition.
        static Tensor Well(int batch, int n) => Work.Sample(1, batch, n, n) * 0.1 + Tensor.Eye(n);
    }

    static IEnumerable<Comparison> Reflections()
    {
        foreach (var (n, k) in new[] { (512, 64), (512, 512), (1024, 1024) })
        {
            yield return Compare("householder", $"product, {n} x {k}", 1e-3, () =>
            {
                // Both read the strictly lower triangle only.
                var v = Work.Sample(1, n, k);
                var p = Same(v);
                var tau = 2 / (p.tril(-1) + eye(n, k)).square().sum([0]);
                return (Work.Forward(() => v.HouseholderFrame()), Forward(() => linalg.householder_product(p, tau)));
            });
        }
        foreach (var (n, k) in new[] { (512, 64), (512, 512) })
        {
            yield return Compare("householder-backward", $"product, {n} x {k}, forward and backward", 1e-2, () =>
            {
                var v = Work.Sample(1, n, k) * 0.1;
                return (Work.Backward(at => at[0].HouseholderFrame(), v), Backward(at =>
                {
                    var u = at[0].tril(-1) + eye(n, k);
                    return linalg.householder_product(u, 2 / (u * u).sum([0]));
                }, Same(v)));
            });
        }
    }

    static IEnumerable<Comparison> Maps()
    {
        var cayley = new Cayley();
        foreach (var n in new[] { 64, 256, 512 })
        {
            yield return Compare("cayley", $"{n} x {n}", 1e-3, () =>
            {
                var x = Work.Sample(1, n, n) * (1 / Math.Sqrt(n));
                var (p, identity) = (Same(x), eye(n));
                return (Work.Forward(() => cayley.Forward(x)), Forward(() =>
                {
                    var skew = p - p.mT;
                    return linalg.solve(identity + skew, identity - skew);
                }));
            });
            yield return Compare("polar", $"orthogonal factor, {n} x {n}", 1e-2, () =>
            {
                var x = Work.Sample(1, n, n);
                var p = Same(x);
                return (Work.Forward(() => x.PolarFactor()), Forward(() =>
                {
                    var (u, _, v) = linalg.svd(p);
                    return u.matmul(v);
                }));
            });
            yield return Compare("matrix-exponential", $"of a skew matrix, {n} x {n}", 1e-3, () =>
            {
                var x = Work.Sample(1, n, n) * (1 / Math.Sqrt(n));
                var p = Same(x);
                return (Work.Forward(() => (x - x.T).MatrixExp()), Forward(() => matrix_exp(p - p.mT)));
            });
        }
    }
}
