using System.Numerics;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Host;
using Ortho.Tensors;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;
using MatMulKernel = Ortho.Kernels.MatMul.MatMul;

namespace Ortho.Tests.Linalg;

/// <summary>Matrix products around the edges of tiles, panels and chains, against sums in float64, and their bits.</summary>
[TestFixture, Category("Kernels")]
public class ProductTests
{
    int threads;

    [SetUp] public void Remember() => threads = HostThreads.Count;

    [TearDown] public void Restore() => HostThreads.Count = threads;

    static readonly int[][] sizes =
    [
        [1, 1, 1], [1, 7, 1], [1, 300, 40], [2, 3, 17], [3, 256, 16], [4, 257, 15], [5, 5, 33], [7, 255, 47], [8, 16, 48], [9, 17, 49], [12, 64, 31], [13, 9, 130],
        [33, 512, 20], [64, 64, 64], [65, 130, 66], [130, 70, 200], [257, 300, 65], [40, 513, 800],
    ];

    static IEnumerable<TestCaseData> Cases => from dtype in Types from size in sizes select new TestCaseData(dtype, size).SetArgDisplayNames($"{dtype}", string.Join("x", size));

    // A matrix that lies in memory by rows, by columns, or with gaps.
    static Tensor Laid(int rows, int columns, DType dtype, int seed, int layout) => layout switch
    {
        0 => Stored([rows, columns], dtype, seed),
        1 => Stored([columns, rows], dtype, seed).T,
        _ => Stored([rows, 2 * columns], dtype, seed).Slice(1, step: 2),
    };

    static Tensor Stored(int[] shape, DType dtype, int seed) => dtype.IsHalfPrecision ? Random(shape, DType.Float32, seed).To(dtype) : Random(shape, dtype, seed);

    static Complex[] Expected(Tensor a, Tensor b)
    {
        var (m, k, n) = (a.Shape[0], a.Shape[1], b.Shape[1]);
        var (p, q, y) = (Numbers(a), Numbers(b), new Complex[m * n]);
        for (var i = 0; i < m; i++)
        {
            for (var l = 0; l < k; l++)
            {
                for (var j = 0; j < n; j++)
                    y[i * n + j] += p[i * k + l] * q[l * n + j];
            }
        }
        return y;
    }

    // Partial sums are of the size of the square root of their number, and each is rounded once (twice when complex), here and in the reference.
    static double Tolerance(DType dtype, int inner) => (dtype is DType.Float32 or DType.Complex64 ? 2.4e-7 : 4.5e-16) * (4 + inner);

    [TestCaseSource(nameof(Cases))]
    public void Products_are_the_sums(DType dtype, int[] size)
    {
        using var scope = new TensorScope();
        var (m, k, n) = (size[0], size[1], size[2]);
        for (var layouts = 0; layouts < 9; layouts++)
        {
            var (a, b) = (Laid(m, k, dtype, 1, layouts / 3), Laid(k, n, dtype, 2, layouts % 3));
            Assert.That(Difference(a.MatMul(b), Of(Expected(a, b), [m, n], dtype)), Is.LessThan(Tolerance(dtype, k)), $"layouts {layouts}");
        }
    }

    [Test]
    public void Half_precision_is_widened_exactly_and_rounded_once([Values(DType.BFloat16, DType.Half)] DType dtype, [ValueSource(nameof(sizes))] int[] size)
    {
        using var scope = new TensorScope();
        var (m, k, n) = (size[0], size[1], size[2]);
        for (var layouts = 0; layouts < 9; layouts++)
        {
            var (a, b, c) = (Laid(m, k, dtype, 1, layouts / 3), Laid(k, n, dtype, 2, layouts % 3), Stored([n], dtype, 3));
            Assert.That(Bits(a.MatMul(b)), Is.EqualTo(Bits(a.Wide.MatMul(b.Wide).To(dtype))), $"layouts {layouts}");
            Assert.That(Bits(c.Addmm(a, b, 0.5, 2)), Is.EqualTo(Bits(c.Wide.Addmm(a.Wide, b.Wide, 0.5, 2).To(dtype))), $"sums, layouts {layouts}");
        }
    }

    [TestCaseSource(nameof(Cases))]
    public void Sums_are_scaled_and_added_in_one_pass(DType dtype, int[] size)
    {
        using var scope = new TensorScope();
        var (m, k, n) = (size[0], size[1], size[2]);
        for (var layout = 0; layout < 3; layout++)
        {
            var (a, b, c) = (Random([m, k], dtype, 1), Random([k, n], dtype, 2), Laid(m, n, dtype, 3, layout));
            // The product is rounded, then scaled, then beta c is added by a fused multiply-add.
            var separate = Wide(a.MatMul(b) * -0.75) + Wide(c) * 1.5;
            Assert.That(Difference(c.Addmm(a, b, 1.5, -0.75), separate), Is.LessThan(Tolerance(dtype, 0) * (1 + Largest(separate))), $"layout {layout}");
            Assert.That(Bits(c.Addmm(a, b)), Is.EqualTo(Bits(c + a.MatMul(b))), $"layout {layout}");
        }
    }

    [Test]
    public void Hermitian_products_are_mirrored([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype, [Values(1, 15, 63, 64, 65, 79, 130, 200)] int n)
    {
        using var scope = new TensorScope();
        var a = Random([n, 33], dtype, 1);
        var gram = MatMulKernel.Run("Gram", a, a.H, isHermitian: true);
        Assert.That(Difference(gram, a.MatMul(a.H)), Is.LessThan(Tolerance(dtype, 33)));
        if (n >= 64)
            Assert.That(Bits(gram.Tril(-1)), Is.EqualTo(Bits(gram.H.Tril(-1))));
        // Products of commuting matrices.
        var square = MatMulKernel.Run("Square", gram, gram, gram, -0.5, 2, isHermitian: true);
        Assert.That(Difference(square, gram.MatMul(gram) * -0.5 + gram * 2.0), Is.LessThan(Tolerance(dtype, n) * Largest(square)));
    }

    [Test, Category("Devices")]
    public void An_update_in_place_has_the_bits_of_a_sum([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype, [Values("64x26x64", "90x64x90", "7x3x20", "33x64x270")] string sizes)
    {
        var (m, k, n) = sizes.Split('x').Select(int.Parse).ToArray() is [var rows, var inner, var columns] ? (rows, inner, columns) : default;
        var (a, b, c) = (Random([2, m, k], dtype, 1), Random([2, k, n], dtype, 2), Random([2, m, n], dtype, 3));
        var expected = Bits(MatMulKernel.Run("Sum", a, b, c, -1, 0.5));
        foreach (var device in Devices.Gpus.Where(_ => m < 20).Prepend(Device.Cpu))
        {
            var y = c.To(device).Clone();
            MatMulKernel.Update("Sum", y, a.To(device), b.To(device), -1, 0.5);
            Assert.That(Bits(y), Is.EqualTo(expected), $"{device}");
        }
        Assert.Throws<TensorArgumentException>(() => MatMulKernel.Update("Sum", c, Random([2, m, 300], dtype, 1), Random([2, 300, n], dtype, 2)));
    }

    [Test]
    public void Bits_do_not_depend_on_threads([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype)
    {
        (string, Func<Tensor> Call)[] calls =
        [
            ("one row", () => Random([1, 500], dtype, 1).MatMul(Random([500, 900], dtype, 2))),
            ("wide", () => Random([20, 300], dtype, 1).MatMul(Random([300, 1700], dtype, 2))),
            ("tall", () => Random([900, 40], dtype, 1).MatMul(Random([40, 50], dtype, 2))),
            ("square", () => Random([210, 270], dtype, 1).MatMul(Random([220, 270], dtype, 2).T)),
            ("batch", () => Random([9, 40, 40], dtype, 1).MatMul(Random([40, 40], dtype, 2))),
            ("Hermitian", () => MatMulKernel.Run("Gram", Random([300, 90], dtype, 1), Random([300, 90], dtype, 1).H, isHermitian: true)),
            ("sum", () => Random([270], dtype, 3).Addmm(Random([210, 300], dtype, 1), Random([300, 270], dtype, 2), 2)),
            ("iteration", () => Random([5, 70, 65], dtype, 1).NewtonSchulz()),
        ];
        foreach (var (name, call) in calls)
        {
            using var scope = new TensorScope();
            var bits = new[] { 1, 2, 3, 8 }.Select(count =>
            {
                HostThreads.Count = count;
                return Bits(call());
            }).ToArray();
            Assert.That(bits.Skip(1), Has.All.EqualTo(bits[0]), name);
        }
    }

    [Test, Category("Devices")]
    public void Devices_have_the_hosts_bits([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype)
    {
        foreach (var device in Devices.Gpus)
        {
            using var scope = new TensorScope();
            var (a, c) = (Random([2, 66, 5], dtype, 1), Random([2, 66, 66], dtype, 2));
            // Hermitian as far as the kernel is concerned: what it does above the diagonal is seen.
            Assert.That(Bits(MatMulKernel.Run("Gram", a.To(device), a.H.To(device), c.To(device), 0.7, 1.3, isHermitian: true)),
                Is.EqualTo(Bits(MatMulKernel.Run("Gram", a, a.H, c, 0.7, 1.3, isHermitian: true))), $"{device}");
            var x = Random([2, 6, 4], dtype, 3);
            Assert.That(Bits(x.To(device).NewtonSchulz(NewtonSchulzSchedule.Muon(2))), Is.EqualTo(Bits(x.NewtonSchulz(NewtonSchulzSchedule.Muon(2)))), $"{device}");
            var mixed = new NewtonSchulzSchedule([[1.5, -0.5, 0.25, 0.125], [3.4445, -4.7750, 2.0315]]);
            Assert.That(Bits(x.H.To(device).NewtonSchulz(mixed)), Is.EqualTo(Bits(x.H.NewtonSchulz(mixed))), $"{device}");
        }
    }

    // Numbers whose equality is that of bits: equal values that are not zero are, and no zeros of another sign are expected.
    static Complex[] Bits(Tensor x) => Numbers(x.To(Device.Cpu));
}
