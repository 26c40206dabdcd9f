using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Gpu.TensorCores;
using Ortho.Kernels.MatMul;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Gpu;

/// <summary>Products as devices with tensor cores make them, from operands in any layout to the result: the launches are run by the emulator,
/// on the memory of ILGPU's simulator, whose addresses are the host's.</summary>
public class TensorCoreMatMulTests
{
    static readonly (string Name, Func<Tensor> A, Func<Tensor, Tensor> B, Func<Tensor>? C, bool IsSymmetric)[] cases =
    [
        ("one", () => Random([70, 45]), _ => Random([45, 30]), null, false),
        ("whole tiles", () => Random([128, 128]), _ => Random([128, 128]), () => Random([128, 128]), false),
        ("transposed", () => Random([45, 70]).T, _ => Random([31, 45]).T, null, false),
        ("batches that broadcast", () => Random([2, 1, 9, 20]), _ => Random([3, 20, 6]), () => Random([6]), false),
        ("one matrix for all", () => Random([3, 9, 20]), _ => Random([1, 20, 6]), () => Random([9, 1]), false),
        ("another layout of c", () => Random([8, 20]), _ => Random([20, 10]), () => Random([10, 9]).T.Narrow(0, 1, 8), false),
        ("half a batch of c", () => Random([2, 8, 20]), _ => Random([2, 20, 10]), () => Random([2, 9, 12]).Narrow(1, 1, 8).Narrow(2, 2, 10), false),
        ("odd places of c", () => Random([2, 8, 20]), _ => Random([2, 20, 10]), () => Random([2, 8, 11]).Narrow(2, 1, 10), false),
        ("symmetric", () => Random([80, 40]), a => a.T, null, true),
        ("symmetric, added", () => Random([2, 40, 80]).Transpose(1, 2), a => a.H, () => Symmetric(80), true),
    ];

    static Tensor Random(Shape shape) => Tensor.Normal(shape, new Generator((ulong)shape.ElementCount));

    static Tensor Symmetric(int n)
    {
        var x = Random([n, n]);
        return x + x.T;
    }

    static IEnumerable<string> Names => cases.Select(row => row.Name);

    [Test]
    public void Products_are_right([ValueSource(nameof(Names))] string name, [Values(8, 9)] int major, [Values(MatMulPrecision.BFloat16, MatMulPrecision.TensorFloat32)] MatMulPrecision precision)
    {
        var row = cases.First(row => row.Name == name);
        var a = row.A();
        var (b, c) = (row.B(a), row.C?.Invoke());
        var expected = ReducedMatMul.Run("MatMul", a, b, precision, c, -2, 0.5, row.IsSymmetric);

        var x = Rounded(a);
        var y = row.IsSymmetric ? x.H : Rounded(b);
        var added = c is null ? null : MatMul.Added("MatMul", There(c), DType.Float32, GpuDevice.Simulator, expected.Shape);
        var product = TensorCoreMatMul.Prepare(TensorCoreKernel.For((major, 0)), "MatMul", x, y, added, -2, 0.5, row.IsSymmetric, most: 2);
        Assert.That(product.Kernel.GetType(), Is.EqualTo(major == 9 ? typeof(WgmmaKernel) : typeof(MmaKernel)));
        var results = Emulate(product, $"sm_{major}0");
        GC.KeepAlive(x);

        var bound = a.Shape[^1] * 60 * Math.ScaleB(1, -24);
        Assert.That(results.Zip(expected.ToArray<float>(), (one, other) => Math.Abs((double)one - other)).Max(), Is.LessThan(bound));

        Tensor Rounded(Tensor tensor) => ReducedMatMul.Rounded(There(tensor), precision);
    }

    // In the layout that it has here.
    static Tensor There(Tensor x)
    {
        var all = x.View(Layout.Dense([checked((int)(x.Storage.Bytes / x.DType.Size))])).To(GpuDevice.Simulator);
        return all.View(x.Layout);
    }

    static float[] Emulate(TensorCoreMatMul.Product product, string architecture)
    {
        GpuDevice.Simulator.Synchronize();
        Tensor[] all = [.. product.Panels, .. product.C is null ? Array.Empty<Tensor>() : [product.C], product.Y];
        var emulator = new PtxEmulator(product.Kernel.Ptx(architecture), Memory);
        foreach (var (grid, x) in product.Launches)
        {
            emulator.Launch(grid, product.Kernel.Threads, product.Kernel.SharedBytes, x.A, x.B, x.Y, x.C, x.Rows, x.Columns, x.RowBytes, x.CRowBytes,
                x.ABatch, x.BBatch, x.YBatch, x.CBatch, BitConverter.SingleToUInt32Bits(x.Alpha), BitConverter.SingleToUInt32Bits(x.Beta), x.IsSymmetric, x.HasPairs);
        }
        return product.Y.ToArray<float>();

        unsafe Span<byte> Memory(long address, int bytes)
        {
            foreach (var tensor in all)
            {
                var start = GpuDevice.Address(tensor) - tensor.Layout.Offset * tensor.DType.Size;
                if (address >= start + tensor.Layout.Lowest * tensor.DType.Size && address + bytes <= start + (tensor.Layout.Highest + 1) * tensor.DType.Size)
                    return new((void*)address, bytes);
            }
            throw new InvalidOperationException($"{bytes} bytes at {address} are in no operand");
        }
    }

    [Test]
    public void A_matrix_times_its_transpose_has_one_panel()
    {
        var x = Tensor.Zeros([64, 64], DType.BFloat16, GpuDevice.Simulator);
        var product = TensorCoreMatMul.Prepare([new WgmmaKernel(MmaType.BFloat16, 64, 64, 4)], "MatMul", x, x.T, null, 1, 0, true);
        Assert.That(product.Panels.Select(panel => panel.Storage), Is.EqualTo(new[] { x.Storage }));
        Assert.That(product.Launches.Select(launch => launch.Arguments.A), Is.EqualTo(product.Launches.Select(launch => launch.Arguments.B)));
        // Read as rows of the one and as columns of the other, it is copied once.
        Assert.That(TensorCoreMatMul.Prepare(MmaKernel.Used, "MatMul", x, x, null, 1, 0, false).Panels, Has.Count.EqualTo(2));
    }
}
