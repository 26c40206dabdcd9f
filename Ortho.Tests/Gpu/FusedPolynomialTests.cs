using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.MatMul;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Gpu;

/// <summary>Newton-Schulz steps of small matrices in one launch: the bits of the CPU's, for every size of group, tall and wide, and for
/// polynomials of any degree.</summary>
[TestFixture]
public class FusedPolynomialTests
{
    // Matrices, rows, columns. Sides at least twice as long as the other make several steps on the Gram matrix.
    static readonly int[][] small = [[5, 4, 4], [2, 16, 16], [2, 7, 13], [1, 13, 11], [2, 16, 5], [2, 3, 16], [1, 30, 9], [2, 1, 1]];
    static readonly int[][] large =
    [
        [9, 16, 16], [5, 4, 4], [6, 13, 15], [3, 60, 14], [3, 32, 32], [2, 25, 30], [2, 32, 12], [2, 20, 70], [3, 48, 45], [3, 64, 64], [2, 63, 61],
        [2, 57, 64],
        [2, 80, 64], [2, 64, 72],
    ];

    static int[][] Sizes(Device device) => device.Kind == DeviceKind.Simulator ? small : large;

    static IReadOnlyList<double>[] Muon(int steps) => [.. Enumerable.Repeat<IReadOnlyList<double>>([3.4445, -4.7750, 2.0315], steps)];

    static readonly (string Name, IReadOnlyList<double>[] Polynomials)[] schedules =
    [
        ("quintic", Muon(3)), ("cubic", [.. Enumerable.Repeat<IReadOnlyList<double>>([1.5, -0.5], 4)]),
        ("of any degree", [[1.5, -0.5, 0.25, 0.125, 0.0625], [1.5, -0.5], [1.875, -1.25, 0.375, -0.03]]),
    ];

    static Tensor Sample(int[] size, DType dtype)
    {
        var x = Tensor.Normal(size, new Generator(1)).To(dtype);
        return x / x.Norm([-2, -1], keepDimensions: true);
    }

    // Of zeros too, unlike comparing numbers.
    static byte[] Bits(Tensor x) => x.DType == DType.Float32
        ? System.Runtime.InteropServices.MemoryMarshal.AsBytes(x.ToArray<float>().AsSpan()).ToArray()
        : System.Runtime.InteropServices.MemoryMarshal.AsBytes(x.ToArray<double>().AsSpan()).ToArray();

    [Test, Category("Devices")]
    public void All_steps_at_once_have_the_bits_of_the_cpu([Values(DType.Float32, DType.Float64)] DType dtype)
    {
        foreach (var gpu in Devices.Gpus)
        {
            foreach (var size in Sizes(gpu))
            {
                foreach (var (name, polynomials) in schedules)
                {
                    using var scope = new TensorScope();
                    var x = Sample(size, dtype);
                    var onGpu = x.To(gpu);
                    var what = $"{gpu}: {string.Join(" x ", size)}, {name}";
                    Assert.That(Bits(OddPolynomial.Run(onGpu, polynomials)), Is.EqualTo(Bits(OddPolynomial.Run(x, polynomials))), what);
                    if (name != "of any degree" && size.Max() <= (dtype == DType.Float32 ? 64 : 48))
                        Assert.That(FusedPolynomial.Run(gpu, onGpu, polynomials), Is.Not.Null, what);
                }
            }
        }
    }

    [Test, Category("Devices")]
    public void Gradients_of_all_steps_at_once_have_the_bits_of_the_cpu([Values(DType.Float32, DType.Float64)] DType dtype)
    {
        foreach (var gpu in Devices.Gpus)
        {
            foreach (var size in Sizes(gpu))
            {
                foreach (var (name, polynomials) in schedules)
                {
                    using var scope = new TensorScope();
                    var (x, g) = (Sample(size, dtype), Tensor.Normal(size, new Generator(2)).To(dtype));
                    var (onGpu, along) = (x.To(gpu), g.To(gpu));
                    var what = $"{gpu}: {string.Join(" x ", size)}, {name}";
                    Assert.That(Bits(OddPolynomial.Pull(onGpu, along, polynomials)), Is.EqualTo(Bits(OddPolynomial.Pull(x, g, polynomials))), what);
                    if (size[1] == size[2] && size.Max() <= (dtype == DType.Float32 ? 64 : 48))
                        Assert.That(FusedPolynomial.Pull(gpu, onGpu, along, polynomials), Is.Not.Null, what);
                }
            }
        }
    }

    [Test]
    public void What_has_no_room_is_saved_and_restored()
    {
        var squares = PolynomialProgram.Gradient(DType.Float32, 64, 64, Muon(5), 2 * 64 * 17);
        var kinds = squares.Numbers.Chunk(PolynomialProgram.StepNumbers).GroupBy(step => (PolynomialProgram.Kind)step[0]).ToDictionary(group => group.Key, group => group.Count());
        Assert.That(squares.Quads, Is.EqualTo(2 * 64 * 17));
        Assert.That(squares.SavedQuads, Is.GreaterThan(0));
        // Some of what is saved is only added to something else, from where it lies.
        Assert.That((kinds[PolynomialProgram.Kind.Save], kinds[PolynomialProgram.Kind.Restore]), Is.EqualTo((33, 31)));
        var roomy = PolynomialProgram.Gradient(DType.Float32, 16, 16, Muon(2), 64 * 80);
        Assert.That(roomy.SavedQuads, Is.Zero);
        Assert.That(PolynomialProgram.Gradient(DType.Float32, 64, 64, Muon(5), 64 * 17).Count, Is.Zero, "one matrix alone");
    }

    [Test, Category("Devices")]
    public void Views_and_zeros_are_taken_as_they_are()
    {
        foreach (var gpu in Devices.Gpus)
        {
            using var scope = new TensorScope();
            var x = Sample([3, 8, 12], DType.Float32);
            var view = x.Transpose(-1, -2).Slice(1, step: 2);
            Assert.That(Bits(x.To(gpu).Transpose(-1, -2).Slice(1, step: 2).NewtonSchulz()), Is.EqualTo(Bits(view.NewtonSchulz())), $"{gpu}");
            Assert.That(Tensor.Zeros([2, 6, 6], device: gpu).NewtonSchulz().ToArray<float>(), Has.All.Zero, $"{gpu}");
            // Sums of -0, which nothing may be added to: 2^-40 to the third power, times -2^-40, is less than any number.
            var tiny = Tensor.Full([1, 6, 6], Math.ScaleB(1, -40));
            var polynomials = new IReadOnlyList<double>[] { [0, -1] };
            Assert.That(Bits(OddPolynomial.Run(tiny.To(gpu), polynomials)), Is.EqualTo(Bits(OddPolynomial.Run(tiny, polynomials))), $"{gpu}: -0");
        }
    }

    [Test]
    public void A_program_needs_no_more_room_than_its_matrices()
    {
        // x and its Gram matrix, which the polynomial of it replaces.
        var program = new PolynomialProgram(64, 64, Muon(5));
        Assert.That((program.Count, program.Quads, program.Stride), Is.EqualTo((15, 2 * 64 * 17, 17)));
        var longer = new PolynomialProgram(64, 32, Muon(5));
        Assert.That(longer.Quads, Is.EqualTo((64 + 3 * 32) * 9));
        var known = PolynomialProgram.Of(DType.Float32, 8, 8, Muon(2));
        Assert.That(PolynomialProgram.Of(DType.Float32, 8, 8, Muon(2)), Is.SameAs(known));
        Assert.That(PolynomialProgram.Of(DType.Float64, 8, 8, Muon(2)), Is.Not.SameAs(known));
        Assert.That(PolynomialProgram.Of(DType.Float32, 8, 8, Muon(3)), Is.Not.SameAs(known));
    }
}
