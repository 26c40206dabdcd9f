using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.MatMul;
using Ortho.Tensors;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Orthogonal;

/// <summary>Polar iterations against the polar factor of a matrix whose singular vectors are known.</summary>
[TestFixture]
public class NewtonSchulzTests
{
    // a = U diag(values) V^H and its polar factor U V^H.
    static (Tensor Matrix, Tensor Polar) Known(int rows, int columns, DType dtype)
    {
        var k = Math.Min(rows, columns);
        var (u, v) = (Unitary(rows, dtype, 1).Slice(-1, 0, k), Unitary(columns, dtype, 2).Slice(-1, 0, k));
        var values = Tensor.From([.. Enumerable.Range(0, k).Select(i => 0.3 + i)], [k]).To(dtype);
        return ((u * values).MatMul(v.H), u.MatMul(v.H));
    }

    [Test]
    public void The_cubic_finds_the_polar_factor([Values("6x6", "9x4", "4x9", "1x5")] string shape, [Values(DType.Float64, DType.Complex128)] DType dtype)
    {
        var size = shape.Split('x').Select(int.Parse).ToArray();
        var (a, polar) = Known(size[0], size[1], dtype);
        Assert.That(Difference(a.NewtonSchulz(NewtonSchulzSchedule.Cubic(24)), polar), Is.LessThan(1e-13));
        Assert.That(Difference(a.Bjorck(steps: 24), polar), Is.LessThan(1e-13));
        Assert.That(Difference(a.Bjorck(steps: 24, norm: Tensor.Full([], 6.0, DType.Float64)), polar), Is.LessThan(1e-13));
    }

    [Test]
    public void The_quintic_acts_on_singular_values([Values("6x6", "9x4", "4x9")] string shape)
    {
        var size = shape.Split('x').Select(int.Parse).ToArray();
        var (a, _) = Known(size[0], size[1], DType.Float64);
        var values = a.NewtonSchulz().SingularValues();
        var norm = a.Norm().Item();
        double[] expected = [.. Numbers(a.SingularValues()).Select(number => Enumerable.Range(0, 5).Aggregate(number.Real / norm,
            (s, _) => 3.4445 * s - 4.7750 * s * s * s + 2.0315 * s * s * s * s * s)).OrderDescending()];
        Assert.That(Difference(values, Tensor.From(expected, [expected.Length])), Is.LessThan(1e-12));
        Assert.That(expected, Has.All.InRange(0.6, 1.3));
    }

    // Steps on the Gram matrix alone must not cost what is left of small singular values.
    [Test]
    public void Long_matrices_are_as_exact_as_short_ones([Values("64x256", "200x50", "70x80")] string shape, [Values(1, 1e-2, 1e-4, 1e-6)] double smallest)
    {
        using var scope = new TensorScope();
        var size = shape.Split('x').Select(int.Parse).ToArray();
        var k = size.Min();
        var (u, v) = (Unitary(size[0], DType.Float64, 1).Slice(-1, 0, k), Unitary(size[1], DType.Float64, 2).Slice(-1, 0, k));
        var a = (u * Tensor.From([.. Enumerable.Range(0, k).Select(i => Math.Pow(smallest, i / (k - 1.0)))], [k])).MatMul(v.T).To(DType.Float32);
        var y = a.To(DType.Float64);
        y /= y.Norm([-2, -1], keepDimensions: true);
        for (var step = 0; step < 5; step++)
        {
            var gram = y.MatMul(y.T);
            y = y * 3.4445 + (gram * -4.7750 + gram.MatMul(gram) * 2.0315).MatMul(y);
        }
        // Five steps of slope up to 3.4445 multiply the roundings of the first by 500.
        Assert.That(Difference(a.NewtonSchulz(), y), Is.LessThan(3e-5 * Largest(y)));
        var cubic = a.To(DType.Float64).NewtonSchulz(NewtonSchulzSchedule.Cubic(9));
        Assert.That(Difference(a.NewtonSchulz(NewtonSchulzSchedule.Cubic(9)), cubic), Is.LessThan(3e-5 * Largest(cubic)));
    }

    static (string Name, NewtonSchulzSchedule Schedule)[] Schedules =>
    [
        ("Muon", NewtonSchulzSchedule.Muon()), ("You", NewtonSchulzSchedule.You), ("Polar Express", NewtonSchulzSchedule.PolarExpress()),
        ("Polar Express, safe", NewtonSchulzSchedule.PolarExpress(safety: 1.05)), ("Polar Express of Dion", NewtonSchulzSchedule.PolarExpressDion()),
        ("cubic", NewtonSchulzSchedule.Cubic(6)), ("quintic", NewtonSchulzSchedule.Quintic(7)),
    ];

    [Test]
    public void Schedules_act_on_singular_values_and_keep_the_vectors([Values("5x5", "12x4", "3x9")] string shape)
    {
        var size = shape.Split('x').Select(int.Parse).ToArray();
        var (rows, columns, k) = (size[0], size[1], size.Min());
        var (u, v) = (Unitary(rows, DType.Float64, 1).Slice(-1, 0, k), Unitary(columns, DType.Float64, 2).Slice(-1, 0, k));
        double[] values = [.. Enumerable.Range(1, k).Select(i => 10.0 * i / k)];
        var norm = Math.Sqrt(values.Sum(s => s * s));
        var a = (u * Tensor.From(values, [k])).MatMul(v.T);
        foreach (var (name, schedule) in Schedules)
        {
            var mapped = u.T.MatMul(a.NewtonSchulz(schedule)).MatMul(v);
            Assert.That(Difference(mapped, Tensor.From([.. values.Select(s => schedule.Map(s / norm))], [k]).Diag()), Is.LessThan(1e-12), name);
            var single = a.To(DType.Float32).NewtonSchulz(schedule);
            Assert.That(Difference(single, a.NewtonSchulz(schedule)), Is.LessThan(1e-5), $"{name} in float32");
        }
    }

    // Of a condition number of 10 and 64 singular values the smallest is above 0.0125 of the Frobenius norm.
    [Test]
    public void Singular_values_end_in_the_ranges([Values("64x64", "64x80", "130x64")] string shape)
    {
        var size = shape.Split('x').Select(int.Parse).ToArray();
        var (u, v) = (Unitary(size[0], DType.Float64, 1).Slice(-1, 0, 64), Unitary(size[1], DType.Float64, 2).Slice(-1, 0, 64));
        var a = (u * Tensor.From([.. Enumerable.Range(0, 64).Select(i => Math.Pow(10, -i / 63.0))], [64])).MatMul(v.T).To(DType.Float32);
        (NewtonSchulzSchedule Schedule, double Low, double High)[] rows =
        [
            (NewtonSchulzSchedule.Muon(), 0.682, 1.134), (NewtonSchulzSchedule.You, 0.978, 1.032), (NewtonSchulzSchedule.PolarExpress(), 0.876, 1.124),
            (NewtonSchulzSchedule.PolarExpress(safety: 1.05), 0.846, 1.124), (NewtonSchulzSchedule.PolarExpressDion(), 0.859, 1.141),
        ];
        foreach (var (schedule, low, high) in rows)
        {
            double[] values = [.. Numbers(a.NewtonSchulz(schedule).SingularValues()).Select(value => value.Real)];
            Assert.That(values, Has.All.InRange(low - 1e-3, high + 1e-3));
        }
    }

    // The composed maps on a fine grid: the ranges that the schedules' documentation prints.
    [Test]
    public void Schedules_have_their_ranges()
    {
        (NewtonSchulzSchedule Schedule, double From, double Low, double High)[] rows =
        [
            (NewtonSchulzSchedule.Muon(), 0.01, 0.682, 1.134), (NewtonSchulzSchedule.You, 0.01, 0.978, 1.032), (NewtonSchulzSchedule.You, 0.001, 0.475, 1.145),
            (NewtonSchulzSchedule.PolarExpress(), 0.01, 0.876, 1.124), (NewtonSchulzSchedule.PolarExpress(), 0.001, 0.876, 1.124),
            (NewtonSchulzSchedule.PolarExpress(safety: 1.05), 0.01, 0.846, 1.124), (NewtonSchulzSchedule.PolarExpress(safety: 1.05), 0.001, 0.729, 1.124),
            (NewtonSchulzSchedule.PolarExpressDion(), 0.01, 0.859, 1.141), (NewtonSchulzSchedule.PolarExpressDion(), 0.001, 0.847, 1.141),
            (NewtonSchulzSchedule.Cubic(15), 0.01, 0.9999, 1),
        ];
        foreach (var (schedule, from, low, high) in rows)
        {
            double[] values = [.. Enumerable.Range(0, 20001).Select(i => schedule.Map(from + (1 - from) * i / 20000))];
            Assert.That((values.Min(), values.Max()), Is.EqualTo((low, high)).Using<(double A, double B)>((x, y) => Math.Abs(x.A - y.A) < 1e-3 && Math.Abs(x.B - y.B) < 1e-3), $"from {from}");
        }
        Assert.That(NewtonSchulzSchedule.Muon(1).Map(1), Is.EqualTo(0.701).Within(1e-6));
        Assert.That(NewtonSchulzSchedule.Muon(1).Map(0.6), Is.EqualTo(1.193269).Within(1e-6));
        Assert.That(NewtonSchulzSchedule.Muon(1).Map(0.8), Is.EqualTo(0.976482).Within(1e-6));
        var step = Tensor.From([3.0, 4], [2]).Diag().NewtonSchulz(NewtonSchulzSchedule.Muon(1));
        Assert.That(step.ToArray<double>(), Is.EqualTo(new[] { 1.193269, 0, 0, 0.976482 }).Within(1e-6));
        Assert.That(NewtonSchulzSchedule.PolarExpress(8).Steps[7], Is.EqualTo(NewtonSchulzSchedule.PolarExpress(5).Steps[4]), "the last one is repeated");
    }

    // Steps on a Gram matrix and the restarts between them, against plain steps.
    [Test]
    public void The_Gram_form_is_the_plain_one([Values("16x64", "8x40", "70x20")] string shape)
    {
        var size = shape.Split('x').Select(int.Parse).ToArray();
        var a = Random([2, size[0], size[1]], DType.Float32, 3);
        foreach (var (name, schedule) in Schedules)
        {
            var plain = Wide(a);
            plain /= plain.Norm([-2, -1], keepDimensions: true) * schedule.InputScale;
            foreach (var step in schedule.Steps)
            {
                var gram = plain.MatMul(plain.T);
                var sum = gram * step[1] + (step.Count > 2 ? gram.MatMul(gram) * step[2] : Tensor.Zeros([], DType.Float64));
                plain = plain * step[0] + sum.MatMul(plain);
            }
            Assert.That(Difference(a.NewtonSchulz(schedule), plain), Is.LessThan(1e-4), name);
            Assert.That(Difference(Wide(a).NewtonSchulz(schedule), plain), Is.LessThan(1e-12), name);
        }
    }

    [Test]
    public void A_precision_is_that_of_the_products([Values("12x12", "16x64", "64x10")] string shape, [Values(MatMulPrecision.TensorFloat32, MatMulPrecision.BFloat16)] MatMulPrecision precision)
    {
        var size = shape.Split('x').Select(int.Parse).ToArray();
        var a = Random([2, size[0], size[1]], DType.Float32, 3);
        var (exact, rounded) = (a.NewtonSchulz(NewtonSchulzSchedule.Muon(3)), a.NewtonSchulz(NewtonSchulzSchedule.Muon(3), precision: precision));
        // Operands of 8 or 11 bits, and three steps of slope up to 3.4445.
        Assert.That(Difference(exact, rounded), Is.InRange(1e-6, precision == MatMulPrecision.BFloat16 ? 0.15 : 0.02));
        Assert.That(Difference(a.NewtonSchulz(precision: MatMulPrecision.Float32), a.NewtonSchulz()), Is.Zero);
        var recorded = Random([2, size[0], size[1]], DType.Float32, 3).RequiresGrad();
        var y = recorded.NewtonSchulz(NewtonSchulzSchedule.Muon(3), precision: precision);
        Assert.That(Difference(y.Detach(), rounded), Is.LessThan(1e-5), "the same products when they are recorded");
        y.Sum().Backward();
        var slope = Random([2, size[0], size[1]], DType.Float32, 3).RequiresGrad();
        slope.NewtonSchulz(NewtonSchulzSchedule.Muon(3)).Sum().Backward();
        Assert.That((recorded.Grad! - slope.Grad!).Norm().Item(), Is.LessThan((precision == MatMulPrecision.BFloat16 ? 0.2 : 0.02) * slope.Grad!.Norm().Item()));
    }

    [Test]
    public void Tiny_numbers_do_not_overflow()
    {
        var tiny = Random([5, 3], DType.Float32, 3) * 1e-25;
        Assert.That(Largest(tiny.NewtonSchulz()), Is.LessThan(1.3));
    }

    [Test]
    public void Zero_stays_zero() => Assert.That(Largest(Tensor.Zeros([3, 4]).NewtonSchulz()), Is.Zero);

    [Test]
    public void Gradients_are_the_slopes([Values(DType.Float64, DType.Complex128)] DType dtype)
    {
        var a = Random([2, 4, 3], dtype, 3);
        CheckGradient(x => x[0].NewtonSchulz(NewtonSchulzSchedule.Muon(2)), [a], order: 2);
        CheckGradient(x => x[0].H.Bjorck(steps: 3), [a], order: 2);
        CheckGradient(x => x[0].NewtonSchulz(new([[1.5, -0.5], [2.0], [3.4445, -4.7750, 2.0315]], 1.1)), [a], order: 2);
        CheckGradient(x => x[0].NewtonSchulz(NewtonSchulzSchedule.PolarExpress(3)), [Random([2, 7], dtype, 4)]);
    }

    // Small matrices have a gradient of their own, in vectors of matrices or one after the other, for long matrices on their Gram matrix.
    [Test]
    public void Gradients_of_small_matrices_are_those_of_plain_products([Values("6x6", "16x8", "3x17", "40x10", "33x35", "1x5")] string shape, [Values(1, 19)] int batch)
    {
        var size = shape.Split('x').Select(int.Parse).ToArray();
        var (a, g) = (Random([batch, .. size], seed: 3), Random([batch, .. size], seed: 4));
        foreach (var steps in (double[][][])[[.. Enumerable.Repeat<double[]>([1.5, -0.5], 9)], [[3.4445, -4.7750, 2.0315], [1.5, -0.5], [35 / 16.0, -35 / 16.0, 21 / 16.0, -5 / 16.0]]])
        {
            var x = a.Detach().RequiresGrad();
            var norm = x.Detach().Norm([-2, -1], keepDimensions: true);
            var y = x / norm;
            foreach (var step in steps)
            {
                var gram = y.T.MatMul(y);
                var (power, sum) = (y, y * step[0]);
                foreach (var c in step[1..])
                {
                    power = power.MatMul(gram);
                    sum += power * c;
                }
                y = sum;
            }
            var z = x.NewtonSchulz(new NewtonSchulzSchedule(steps), norm);
            Assert.That(Difference(z, y), Is.LessThan(1e-13));
            var expected = Graph.Gradients([y], [x], [g])[0];
            Assert.That(Difference(Graph.Gradients([z], [x], [g])[0], expected), Is.LessThan(1e-12 * Largest(expected)));
        }
    }

    static Tensor[] WithGradient(Tensor a, Tensor g)
    {
        var x = a.Detach().RequiresGrad();
        var y = x.Bjorck(steps: 7, norm: Tensor.Full([], 9.0, a.DType, a.Device));
        return [y.Detach(), Graph.Gradients([y], [x], [g])[0]];
    }

    // Alone some are computed by tiles.
    [Test]
    public void Neighbours_change_no_bit([Values("24x24", "28x12", "12x30")] string shape, [Values(DType.Float32, DType.Float64)] DType dtype)
    {
        var size = shape.Split('x').Select(int.Parse).ToArray();
        var (a, g) = (Random([19, .. size], dtype, 3), Random([19, .. size], dtype, 4));
        var together = WithGradient(a, g);
        for (var k = 0; k < 19; k += 6)
        {
            foreach (var (alone, all) in WithGradient(a.Select(0, k), g.Select(0, k)).Zip(together))
                Assert.That(Difference(alone, all.Select(0, k)), Is.Zero);
        }
    }

    [Test, Category("Devices")]
    public void Devices_agree_on_every_bit([ValueSource(typeof(Devices), nameof(Devices.Kinds))] string kind)
    {
        foreach (var shape in (Shape[])[[3, 6, 5], [2, 4, 9], [8, 3]])
        {
            var (a, g) = (Random(shape, DType.Float32, 3), Random(shape, DType.Float32, 4));
            foreach (var (result, expected) in WithGradient(a.To(Devices.Of(kind)), g.To(Devices.Of(kind))).Zip(WithGradient(a, g)))
                Assert.That(result.ToArray<float>(), Is.EqualTo(expected.ToArray<float>()));
        }
    }

    [Test]
    public void Misfits_are_named()
    {
        Assert.That(() => Tensor.Ones([3]).NewtonSchulz(), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("NewtonSchulz: x is"));
        Assert.That(() => Tensor.Ones([3, 3], DType.Float64).NewtonSchulz(precision: MatMulPrecision.BFloat16), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("NewtonSchulz: x is Float64"));
        Assert.That(() => new NewtonSchulzSchedule([]), Throws.ArgumentException.With.Message.StartsWith("NewtonSchulzSchedule: there is no step"));
        Assert.That(() => new NewtonSchulzSchedule([[1.5, double.NaN]]), Throws.ArgumentException.With.Message.Contains("[1.5, NaN]"));
        Assert.That(() => new NewtonSchulzSchedule([[]]), Throws.ArgumentException);
        Assert.That(() => NewtonSchulzSchedule.Muon(0), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => NewtonSchulzSchedule.PolarExpress(0), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => NewtonSchulzSchedule.PolarExpress(safety: 0.9), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => Tensor.Ones([3, 3]).Bjorck(steps: -1), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("Bjorck: steps is"));
    }
}
