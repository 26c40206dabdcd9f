using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Optimizers;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers.Parametrizations;

/// <summary>What is asked of every parametrization, by <see cref="ParametrizationRow.All"/>.</summary>
[TestFixture]
public class ParametrizationTests
{
    static IEnumerable<TestCaseData> Rows => ParametrizationRow.All.Select(row => new TestCaseData(row).SetArgDisplayNames($"{row}"));

    // One of the middle for what is long or has been asked of the others.
    static IEnumerable<ParametrizationRow> Middle
        => ParametrizationRow.All.GroupBy(row => row.Name).Select(rows => rows.ElementAt(rows.Count() / 2));

    static IEnumerable<TestCaseData> Some => Middle.Select(row => new TestCaseData(row).SetArgDisplayNames($"{row}"));

    [TestCaseSource(nameof(Rows))]
    public void Free_numbers_give_elements(ParametrizationRow row)
    {
        foreach (var dtype in row.Types)
        {
            var set = row.Make(dtype);
            foreach (int[] lead in (int[][])[[], [2, 3]])
            {
                var value = set.Forward(row.Free(dtype, 5, lead));
                Assert.That((value.Shape, value.DType), Is.EqualTo((Shape.Create([.. lead, .. row.Shape]), dtype)));
                Assert.That(set.Error(value), Is.LessThan(row.Tolerance(dtype, value)), $"{dtype} {value.Shape}");
                Assert.That(set.Contains(value, 1e-3));
            }
        }
    }

    [TestCaseSource(nameof(Rows))]
    public void Samples_are_elements_and_come_back(ParametrizationRow row)
    {
        foreach (var dtype in row.Types)
        {
            var set = row.Make(dtype);
            foreach (int[] lead in (int[][])[[], [2, 2]])
            {
                int[] shape = [.. lead, .. row.Shape];
                var value = set.Sample(shape, new(3), dtype);
                Assert.That((value.Shape, value.DType), Is.EqualTo((Shape.Create(shape), dtype)));
                Assert.That(set.Error(value), Is.LessThan(row.Tolerance(dtype, value)), $"{dtype} {value.Shape}");
                Assert.That(Difference(set.Sample(shape, new(3), dtype), value), Is.Zero, "by the generator alone");
                var free = set.Inverse(value);
                Assert.That((free.Shape, free.DType, free.IsContiguous), Is.EqualTo((set.FreeShape(shape), dtype, true)));
                Assert.That(Difference(row.Identity(set.Forward(free)), row.Identity(value)), Is.LessThan(row.Tolerance(dtype, value)),
                    $"{dtype} {value.Shape}");
            }
        }
    }

    [TestCaseSource(nameof(Rows))]
    public void What_free_numbers_give_comes_back(ParametrizationRow row)
    {
        var dtype = row.Types[^1];
        var set = row.Make(dtype);
        var value = set.Forward(row.Free(dtype, 9));
        Assert.That(Difference(row.Identity(set.Forward(set.Inverse(value))), row.Identity(value)),
            Is.LessThan(row.Tolerance(dtype, value)));
    }

    // Larger sizes are for the other tests.
    static IEnumerable<TestCaseData> Small => Rows.Where(data => ((ParametrizationRow)data.Arguments[0]!).Shape.Aggregate(1, (a, b) => a * b) <= 64);

    [TestCaseSource(nameof(Small))]
    public void Gradients_match_central_differences(ParametrizationRow row)
    {
        foreach (var dtype in row.Types.Where(dtype => dtype.RealType == DType.Float64))
        {
            var set = row.Make(dtype);
            // Around an element and not among all numbers: iterations have converged there.
            var free = set.Inverse(set.Sample(row.Shape, new(8), dtype));
            free += Random(free.Shape, dtype, 6) * 0.05;
            CheckGradient(x => set.Forward(x[0]), [free], order: dtype == DType.Float64 && !row.IsSteep && Middle.Contains(row) ? 2 : 1);
        }
    }

    [TestCaseSource(nameof(Rows))]
    public void Values_outside_are_told_and_refused(ParametrizationRow row)
    {
        foreach (var dtype in row.Types)
        {
            var set = row.Make(dtype);
            var value = set.Sample(row.Shape, new(4), dtype);
            Assert.That(set.Error(value * double.NaN), Is.NaN.Or.EqualTo(double.PositiveInfinity));
            Assert.That(set.Contains(value * double.NaN, 1), Is.False);
            Assert.That(() => set.Inverse(value * double.NaN), Throws.TypeOf<TensorArgumentException>());
            if (row.Outside is null)
                continue;
            var outside = row.Outside(value);
            Assert.That(set.Error(outside), Is.GreaterThan(0.01), $"{dtype}");
            Assert.That(set.Contains(outside, 0.01), Is.False);
            Assert.That(() => set.Inverse(outside), Throws.TypeOf<TensorArgumentException>().With.Message.Contains(".Inverse: value is at distance"));
            // One bad matrix of a batch is enough.
            if (row.Shape.Length > 1)
                Assert.That(set.Error(Tensor.Stack([value, outside], 0)), Is.EqualTo(set.Error(outside)).Within(1e-6).Percent);
        }
    }

    [TestCaseSource(nameof(Rows))]
    public void Shapes_that_do_not_fit_are_refused(ParametrizationRow row)
    {
        var set = row.Make(DType.Float32);
        int[] longer = [.. row.Shape[..^1], row.Shape[^1] + 1];
        Assert.That(() => set.Forward(Tensor.Ones([])), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("free is []"));
        Assert.That(() => set.Forward(Tensor.Ones([.. set.FreeShape(row.Shape)], DType.Int64)), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => set.Error(Tensor.Ones([])), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => set.Sample([], new(1)), Throws.TypeOf<TensorArgumentException>());
        if (set is not (Parametrization and IOrthogonalParametrization) and not (Sphere or WeightNorm))
            Assert.That(() => set.Inverse(Tensor.Ones(longer)),
                Throws.TypeOf<TensorArgumentException>().With.Message.Contains($"value is [{string.Join(", ", longer)}]"));
        if (!row.IsComplex)
            Assert.That(() => set.Forward(row.Free(DType.Float32, 1).To(DType.Complex64)), Throws.TypeOf<TensorArgumentException>());
    }

    [TestCaseSource(nameof(Some))]
    public void Storage_of_16_bits_is_computed_in_float32(ParametrizationRow row)
    {
        foreach (var dtype in (DType[])[DType.BFloat16, DType.Half])
        {
            var set = row.Make(DType.Float32);
            var free = row.Free(DType.Float32, 5).To(dtype);
            var value = set.Forward(free);
            Assert.That(value.DType, Is.EqualTo(dtype));
            Assert.That(Difference(value, set.Forward(free.To(DType.Float32)).To(dtype)), Is.Zero);
            Assert.That(set.Sample(row.Shape, new(2), dtype).DType, Is.EqualTo(dtype));
            Assert.That(set.Error(value), Is.LessThan(0.1 * (1 + Largest(value))));
            var leaf = free.Detach().RequiresGrad();
            set.Forward(leaf).To(DType.Float32).Sum().Backward();
            Assert.That(leaf.Grad!.DType, Is.EqualTo(dtype));
        }
    }

    [TestCaseSource(nameof(Some))]
    public void Fifty_steps_of_Adam_stay_in_the_set(ParametrizationRow row)
    {
        var set = row.Make(DType.Float32);
        var weight = Parametrized.Sample(set, row.Shape, new(7));
        var start = weight.Value.Detach();
        var target = set.Sample(row.Shape, new(8));
        var optimizer = new Adam(weight.Parameters(), 0.02);
        double first = 0, last = 0;
        for (var step = 0; step < 50; step++)
        {
            using var scope = new TensorScope();
            optimizer.ZeroGrad();
            var loss = (row.Identity(weight.Value) - row.Identity(target)).Square().Sum();
            loss.Backward();
            optimizer.Step();
            last = loss.Item();
            if (step == 0)
                first = last;
        }
        Assert.That(last, Is.LessThan(first), "it has learnt something");
        var (plain, error) = weight.Bake();
        if (set is IOrthogonalParametrization)
            Assert.That(weight.Certify().OrthogonalityError, Is.LessThan(1e-5));
        Assert.That(error, Is.LessThan(1e-5 * (1 + Largest(plain))));

        // And what was learnt is in the state.
        var other = Parametrized.Sample(set, row.Shape, new(9));
        other.LoadStateDict(weight.StateDict());
        Assert.That(Difference(other.Value.Detach(), plain), Is.Zero);
        Assert.That(Difference(plain, start), Is.Positive);
    }

    [TestCaseSource(nameof(Some))]
    public void Uniform_samples_have_the_moments_of_their_measure(ParametrizationRow row)
    {
        if (row.MeanSquare is not { } square || row.Shape.All(extent => extent == 1))
            return;
        const int count = 4000;
        var dtype = row.Types[^1];
        var samples = row.Make(dtype).Sample([count, .. row.Shape], new(12), dtype);
        // Also after a fixed turn from the left: the measure is invariant.
        var parts = new List<Tensor> { samples };
        if (row.Shape.Length == 2 && row.Make(dtype) is IOrthogonalParametrization)
            parts.Add(Unitary(row.Shape[0], dtype, 3).MatMul(samples));
        foreach (var part in parts)
        {
            var mean = Largest(part.Mean([0]));
            var squares = (part * part.Conj()).Real().Mean([0]) - square;
            // Six standard deviations: those of an element's mean and of its square's.
            Assert.That(mean, Is.LessThan(6 * Math.Sqrt(square / count)));
            Assert.That(Largest(squares), Is.LessThan(6 * Math.Sqrt(2) * square / Math.Sqrt(count)));
        }
    }

    static IEnumerable<TestCaseData> OnDevices
        => from row in Middle
           from kind in Devices.Kinds
           where kind != "Cpu"
           select new TestCaseData(row, kind).SetArgDisplayNames($"{row}", kind);

    [TestCaseSource(nameof(OnDevices)), Category("Devices")]
    public void Every_device_gives_the_bits_of_the_cpu(ParametrizationRow row, string kind)
    {
        var device = Devices.Of(kind);
        (Tensor Value, Tensor Gradient) On(Device at)
        {
            var set = row.Make(DType.Float32);
            var free = row.Free(DType.Float32, 3).To(at).RequiresGrad();
            var value = set.Forward(free);
            value.Square().Sin().Sum().Backward();
            return (value.Detach().To(Device.Cpu), free.Grad!.To(Device.Cpu));
        }

        var (here, there) = (On(Device.Cpu), On(device));
        Assert.That(Difference(there.Value, here.Value), Is.Zero);
        Assert.That(Difference(there.Gradient, here.Gradient), Is.Zero);
        Assert.That(Difference(row.Make(DType.Float32).Sample(row.Shape, new(2), device: device).To(Device.Cpu),
            row.Make(DType.Float32).Sample(row.Shape, new(2))), Is.Zero);
    }

    static IEnumerable<TestCaseData> Structured
        => ParametrizationRow.All.Where(row => row.Make(DType.Float32) is IStructuredParametrization).Select(row
            => new TestCaseData(row).SetArgDisplayNames($"{row}"));

    [TestCaseSource(nameof(Structured))]
    public void Structures_are_applied_as_their_matrices_are(ParametrizationRow row)
    {
        foreach (var dtype in row.Types)
        {
            var set = (IStructuredParametrization)row.Make(dtype);
            var free = row.Free(dtype, 2);
            foreach (int[] lead in (int[][])[[], [4], [2, 3]])
            {
                var x = Random([.. lead, row.Shape[1]], dtype, 6);
                var y = set.Apply(free, x);
                var expected = set.Forward(free).MatMul(x.Unsqueeze(-1)).Squeeze(-1);
                Assert.That(Difference(y, expected), Is.LessThan(row.Tolerance(dtype, x)));
            }
            if (dtype.RealType == DType.Float64)
                CheckGradient(arguments => set.Apply(arguments[0], arguments[1]), [free, Random([2, row.Shape[1]], dtype, 6)]);
        }
        var weight = Parametrized.Sample(row.Make(DType.Float32), row.Shape, new(1));
        var input = Random([5, row.Shape[1]], DType.Float32);
        Assert.That(Difference(weight.Forward(input).Detach(), input.MatMul(weight.Value.T).Detach()), Is.LessThan(1e-5));
        var structured = (IStructuredParametrization)row.Make(DType.Float32);
        Assert.That(() => structured.Apply(weight.Free, Tensor.Ones([row.Shape[1] + 1])), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => structured.Apply(weight.Free.Value.Unsqueeze(0), input), Throws.TypeOf<TensorArgumentException>());
    }
}
