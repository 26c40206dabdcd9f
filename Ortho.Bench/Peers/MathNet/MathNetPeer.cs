using System.Numerics;
using MathNet.Numerics;
using MathNet.Numerics.IntegralTransforms;
using MathNet.Numerics.LinearAlgebra;
using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Bench.Peers.MathNet;

/// <summary>MathNet.Numerics without a native provider: what managed .NET code offers elsewhere.</summary>
sealed class MathNetPeer : IPeer
{
    const string Name = "MathNet";

    public MathNetPeer() => Control.UseManaged();

    /// <inheritdoc/>
    public void SetThreads(int count) => Control.MaxDegreeOfParallelism = count;

    /// <inheritdoc/>
    public IEnumerable<Comparison> Comparisons
    {
        get
        {
            foreach (var n in new[] { 64, 256 })
            {
                yield return new("gemm", $"{n} x {n} x {n}", Name, 1e-5, () =>
                {
                    var (a, b) = (Work.Sample(1, n, n), Work.Sample(2, n, n));
                    var (p, q) = (Same(a), Same(b));
                    return (Work.Forward(() => a.MatMul(b)), new(() => p.Multiply(q), () => p.Multiply(q).ToRowMajorArray()));
                });
            }
            yield return new("qr", "128 x 128", Name, 1e-3, () =>
            {
                var a = Work.Sample(1, 128, 128);
                var p = Same(a);
                // Up to the signs of R's diagonal, which are a convention: R^T R is not.
                return (Work.Forward(() => a.Qr().R is var r ? r.T.MatMul(r) : a), new(() => p.QR(), () =>
                {
                    var r = p.QR().R;
                    return r.TransposeThisAndMultiply(r).ToRowMajorArray();
                }));
            });
            yield return new("fft", "complex, one of 4096", Name, 1e-5, () =>
            {
                var z = Tensor.Complex(Work.Sample(1, 4096), Work.Sample(2, 4096));
                var (re, im) = (z.Real().ToArray<float>(), z.Imag().ToArray<float>());
                var buffer = new Complex32[re.Length];
                return (Work.Forward(() => z.Fft()), new(() => Transform(), () =>
                {
                    Transform();
                    return [.. buffer.SelectMany(c => new[] { c.Real, c.Imaginary })];
                }));

                void Transform()
                {
                    for (var i = 0; i < buffer.Length; i++)
                        buffer[i] = new(re[i], im[i]);
                    Fourier.Forward(buffer, FourierOptions.AsymmetricScaling);
                }
            });
        }
    }

    static Matrix<float> Same(Tensor x) => Matrix<float>.Build.DenseOfRowMajor(x.Shape[0], x.Shape[1], x.ToArray<float>());
}
