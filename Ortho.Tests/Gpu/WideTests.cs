using System.Runtime.InteropServices;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Gpu;

/// <summary>Kernels that read and write 16 bytes at once: the bits of the CPU at sizes that fill no piece, in views that are not aligned, and nothing
/// written beside them.</summary>
[TestFixture, Category("Devices")]
public class WideTests
{
    static IEnumerable<GpuDevice> Gpus => Devices.Gpus;

    static IEnumerable<DType> DTypes =>
        [DType.Float32, DType.Float64, DType.Complex64, DType.Complex128, DType.BFloat16, DType.Half, DType.Int32, DType.Int64];

    static readonly int[] sizes = [1, 3, 4, 5, 8, 15, 16, 31, 67];

    static Tensor Sample(Shape shape, DType dtype, ulong seed)
    {
        Tensor Real(ulong seed) => Tensor.Normal(shape, new Generator(seed));
        return dtype switch
        {
            DType.Int32 or DType.Int64 => (Real(seed) * 100).To(dtype),
            DType.Complex64 or DType.Complex128 => Tensor.Complex(Real(seed), Real(seed + 100)).To(dtype),
            _ => Real(seed).To(dtype),
        };
    }

    // The bits of all elements.
    static byte[] Bits(Tensor x) => x.Contiguous().DType switch
    {
        DType.Float32 => MemoryMarshal.AsBytes<float>(x.ToArray<float>()).ToArray(),
        DType.Float64 => MemoryMarshal.AsBytes<double>(x.ToArray<double>()).ToArray(),
        DType.Complex64 => MemoryMarshal.AsBytes<Complex64>(x.ToArray<Complex64>()).ToArray(),
        DType.Complex128 => MemoryMarshal.AsBytes<System.Numerics.Complex>(x.ToArray<System.Numerics.Complex>()).ToArray(),
        DType.Int32 => MemoryMarshal.AsBytes<int>(x.ToArray<int>()).ToArray(),
        DType.Int64 => MemoryMarshal.AsBytes<long>(x.ToArray<long>()).ToArray(),
        _ => MemoryMarshal.AsBytes<float>(x.To(DType.Float32).ToArray<float>()).ToArray(),
    };

    static void AssertSame(Tensor expected, Tensor obtained, string what) => Assert.That(Bits(obtained), Is.EqualTo(Bits(expected)), what);

    // The same on the CPU and on a device.
    static void AssertAgrees(GpuDevice gpu, string what, Func<Tensor, Tensor, Tensor> compute, Tensor a, Tensor b)
    {
        using var scope = new TensorScope();
        AssertSame(compute(a, b), compute(a.To(gpu), b.To(gpu)), $"{gpu}: {what}");
    }

    [TestCaseSource(nameof(DTypes))]
    public void Maps_of_any_size_and_start_have_the_bits_of_the_cpu(DType dtype)
    {
        foreach (var gpu in Gpus)
        {
            foreach (var n in sizes)
            {
                for (var (left, right) = (0, 0); left < 5; left++, right = (right + 3) % 8)
                {
                    var (begin, other) = (left, right);
                    AssertAgrees(gpu, $"{n} from {begin} and {other}", (a, b) => a.Narrow(0, begin, n) * b.Narrow(0, other, n) + b.Narrow(0, other, 1),
                        Sample([80], dtype, 1), Sample([80], dtype, 2));
                }
            }
        }
    }

    [TestCaseSource(nameof(DTypes))]
    public void What_is_written_into_a_view_leaves_its_neighbours_alone(DType dtype)
    {
        foreach (var gpu in Gpus)
        {
            foreach (var n in sizes)
            {
                for (var begin = 0; begin < 5; begin++)
                {
                    using var scope = new TensorScope();
                    Tensor Written(Device device)
                    {
                        var (y, x) = (Sample([80], dtype, 1).To(device), Sample([n], dtype, 2).To(device));
                        Pointwise.Into<Binary<Add>>("Add", y.Narrow(0, begin, n), y.Narrow(0, begin, n), x);
                        return y;
                    }
                    AssertSame(Written(Device.Cpu), Written(gpu), $"{gpu}: {n} from {begin}");
                }
            }
        }
    }

    [TestCaseSource(nameof(DTypes))]
    public void Rows_and_columns_broadcast(DType dtype)
    {
        foreach (var gpu in Gpus)
        {
            foreach (var columns in (int[])[3, 4, 8, 12, 16])
            {
                Tensor Rows(int rows, ulong seed, int extra = 0) => Sample([rows, columns + extra], dtype, seed);
                var row = Sample([columns], dtype, 2);
                AssertAgrees(gpu, $"a row of {columns}", (a, b) => a + b, Rows(5, 1), row);
                AssertAgrees(gpu, $"a column beside {columns}", (a, b) => a * b, Rows(5, 1), Sample([5, 1], dtype, 2));
                AssertAgrees(gpu, $"columns of {columns} + 1", (a, b) => a.Narrow(1, 1, columns) * b, Rows(5, 1, extra: 1), row);
                AssertAgrees(gpu, $"every other row of {columns}", (a, b) => a.Slice(0, 0, step: 2) * b, Rows(6, 1), row);
                AssertAgrees(gpu, $"rows of {columns} in reverse", (a, b) => a.Flip(0) * b + a.Flip(1), Rows(4, 1), Rows(4, 2));
                AssertAgrees(gpu, $"{columns} rows across", (a, b) => a.T * b, Sample([columns, 8], dtype, 1), row);
            }
        }
    }

    [Test]
    public void Truth_values_are_combined()
    {
        foreach (var gpu in Gpus)
        {
            foreach (var n in sizes)
            {
                using var scope = new TensorScope();
                Tensor Positive(int length, ulong seed, Device device) => Tensor.Normal([length], new Generator(seed)).To(device).Greater(0);
                Tensor Both(Device device) => Positive(80, 1, device).Narrow(0, 1, n).LogicalAnd(Positive(n, 2, device));
                Assert.That(Both(gpu).ToArray<bool>(), Is.EqualTo(Both(Device.Cpu).ToArray<bool>()), $"{gpu}: {n}");
            }
        }
    }

    [Test]
    public void Steps_of_tensors_of_any_size_and_start_have_the_bits_of_the_cpu([Values(DType.Float32, DType.Float64, DType.BFloat16, DType.Complex64)] DType dtype)
    {
        var numbers = new Coefficients<double> { A = 0.1, B = 0.01, C = 1e-8, D = 0.999, E = -0.01 };
        foreach (var gpu in Gpus)
        {
            for (var begin = 0; begin < 3; begin++)
            {
                using var scope = new TensorScope();
                // Second moments are not negative.
                static Tensor Part(int part, Tensor x) => part == 3 ? x.Abs().To(x.DType) : x;
                Tensor[] Stepped(Device device)
                {
                    // Eleven tensors: two launches, of which the second has slots to spare.
                    var all = Enumerable.Range(0, 11).Select(k => Enumerable.Range(1, 4)
                        .Select(part => Part(part, Sample([80], dtype, (ulong)(4 * k + part))).To(device)).ToArray()).ToList();
                    Pointwise.Update<AdamStep>("Adam", [.. all.Select((one, k) => new Updated(
                        one[0].Narrow(0, begin, sizes[k % sizes.Length]), one[1].Narrow(0, 0, sizes[k % sizes.Length]),
                        one[3].Narrow(0, begin, sizes[k % sizes.Length]), one[2].Narrow(0, begin, sizes[k % sizes.Length])))], numbers);
                    return [.. all.SelectMany(one => one)];
                }
                foreach (var (expected, obtained) in Stepped(Device.Cpu).Zip(Stepped(gpu)))
                    AssertSame(expected, obtained, $"{gpu}: from {begin}");
            }
        }
    }

    // Rows that have fewer elements than partials, whole pieces or not, and with as many rows as fill no group.
    static readonly int[] lengths = [1, 2, 3, 4, 6, 8, 12, 31, 64, 66, 68, 130, 132];

    static readonly Func<Tensor, Tensor, Tensor>[] functions =
    [
        (a, b) => a.Sum([-1]),
        (a, b) => a.Max([-1]),
        (a, b) => a.Softmax(-1),
        (a, b) => a.LogSumExp([-1]),
        (a, b) => a.LayerNorm([a.Shape[^1]], b.Narrow(0, 0, a.Shape[^1]), b.Narrow(0, 4, a.Shape[^1])),
    ];

    [Test]
    public void Rows_of_any_length_and_start_have_the_bits_of_the_cpu([Values(DType.Float32, DType.Float64)] DType dtype, [Range(0, 4)] int function)
    {
        foreach (var gpu in Gpus)
        {
            foreach (var n in lengths)
            {
                foreach (var begin in (int[])[0, 1, 4])
                {
                    AssertAgrees(gpu, $"5 rows of {n} from {begin}", (a, b) => functions[function](a.Narrow(0, begin, 5 * n).Reshape(5, n), b),
                        Sample([700], dtype, 1), Sample([140], dtype, 2));
                }
            }
        }
    }

    [Test]
    public void Rows_of_several_chunks_have_the_bits_of_the_cpu([Values(DType.Float32, DType.Float64)] DType dtype, [Range(0, 4)] int function)
    {
        foreach (var gpu in Gpus)
        {
            foreach (var n in (int[])[16388, 32771])
                AssertAgrees(gpu, $"3 rows of {n}", functions[function], Sample([3, n], dtype, 1), Sample([n + 4], dtype, 2));
        }
    }

    // Reductions over rows, of which columns share pieces or not; more than one run, whose states are joined, and more columns than would need that.
    [Test]
    public void Columns_of_any_width_and_start_have_the_bits_of_the_cpu([Values(DType.Float32, DType.Float64, DType.Complex64, DType.Int32)] DType dtype)
    {
        foreach (var gpu in Gpus)
        {
            foreach (var (outer, n, inner) in ((int, int, int)[])[(1, 3, 8), (2, 67, 12), (1, 200, 5), (3, 130, 4), (1, 70, gpu.Kind == DeviceKind.Simulator ? 80 : 40_000)])
            {
                foreach (var begin in (int[])[0, 1, 4])
                {
                    var count = outer * n * inner;
                    AssertAgrees(gpu, $"{outer} x {n} x {inner} from {begin}", (a, _) => a.Narrow(0, begin, count).Reshape(outer, n, inner).Sum([1]), Sample([count + 4], dtype, 1), Sample([1], dtype, 2));
                    if (!dtype.IsComplex)
                        AssertAgrees(gpu, $"most of {outer} x {n} x {inner} from {begin}", (a, _) => a.Narrow(0, begin, count).Reshape(outer, n, inner).Max([1]), Sample([count + 4], dtype, 1), Sample([1], dtype, 2));
                }
            }
        }
    }

    [TestCaseSource(nameof(DTypes))]
    public void Comparisons_of_any_size_and_start_have_the_bits_of_the_cpu(DType dtype)
    {
        foreach (var gpu in Gpus)
        {
            foreach (var n in sizes)
            {
                for (var begin = 0; begin < 5; begin++)
                {
                    using var scope = new TensorScope();
                    bool[] Same(Device device)
                    {
                        var (a, b) = (Sample([80], dtype, 1).To(device), Sample([80], dtype, 2).To(device));
                        var rows = a.Narrow(0, begin, n).EqualTo(b.Narrow(0, 2, n));
                        var columns = a.Narrow(0, 0, 64).Reshape(8, 8).T.NotEqual(b.Narrow(0, begin, 8));
                        return [.. rows.ToArray<bool>(), .. columns.ToArray<bool>(), .. a.Narrow(0, begin, 16).Reshape(2, 8).NotEqual(b.Narrow(0, 4, 8)).ToArray<bool>()];
                    }
                    Assert.That(Same(gpu), Is.EqualTo(Same(Device.Cpu)), $"{gpu}: {n} from {begin}");
                    if (dtype.IsComplex)
                        continue;
                    Assert.That(Sample([80], dtype, 1).To(gpu).Narrow(0, begin, n).Less(Sample([1], dtype, 2).To(gpu)).ToArray<bool>(),
                        Is.EqualTo(Sample([80], dtype, 1).Narrow(0, begin, n).Less(Sample([1], dtype, 2)).ToArray<bool>()), $"{gpu}: {n} from {begin} below a number");
                }
            }
        }
    }

    [Test]
    public void Many_rows_share_groups()
    {
        foreach (var gpu in Gpus)
        {
            foreach (var n in (int[])[7, 8, 64])
            {
                for (var function = 0; function < functions.Length; function++)
                {
                    var rows = gpu.Kind == DeviceKind.Simulator ? 13 : 3001;
                    AssertAgrees(gpu, $"rows of {n}", functions[function], Sample([rows, n], DType.Float32, 1), Sample([n + 4], DType.Float32, 2));
                }
            }
        }
    }

    [TestCaseSource(nameof(DTypes))]
    public void Copies_from_any_start_to_any_start_have_the_bits_of_the_cpu(DType dtype)
    {
        foreach (var gpu in Gpus)
        {
            foreach (var n in (int[])[3, 8, 12, 16])
            {
                foreach (var (from, to, gap) in ((int, int, int)[])[(0, 0, 0), (4, 8, 4), (1, 1, 0), (2, 4, 2), (0, 3, 8)])
                {
                    AssertAgrees(gpu, $"5 rows of {n} from {from} to {to}, {gap} apart", (x, y) =>
                    {
                        y = y.Clone();
                        Copy.Into(y.Narrow(1, to, n), x.Narrow(1, from, n));
                        Copy.Into(y.Narrow(1, 0, n).Flip(0), x.Narrow(1, from, n).Flip(1));
                        Copy.Into(y.Narrow(0, 1, 3).Narrow(1, to, n), x.Narrow(0, 2, 3).Narrow(1, from, n).Flip(0));
                        return y;
                    }, Sample([5, n + from + gap], dtype, 1), Sample([5, n + to + gap], dtype, 2));
                }
            }
            foreach (var n in sizes)
            {
                AssertAgrees(gpu, $"{n} in a row", (x, y) => Tensor.Concat([x.Narrow(0, 1, n), y.Narrow(0, 4, n), x.Narrow(0, 0, n)], 0),
                    Sample([80], dtype, 1), Sample([80], dtype, 2));
            }
        }
    }

    [Test]
    public void Conversions_of_any_size_and_start_have_the_bits_of_the_cpu()
    {
        DType[] dtypes = [DType.Float32, DType.Float64, DType.BFloat16, DType.Half, DType.Int32, DType.Int64];
        foreach (var gpu in Gpus)
        {
            foreach (var from in dtypes)
            {
                foreach (var to in dtypes)
                {
                    foreach (var (n, begin) in ((int, int)[])[(1, 0), (5, 1), (16, 4), (67, 0), (67, 2)])
                    {
                        AssertAgrees(gpu, $"{n} {from} from {begin} to {to}", (x, _) => x.Narrow(0, begin, n).To(to),
                            Sample([80], from, 1), Sample([1], from, 2));
                    }
                }
            }
        }
    }
}
