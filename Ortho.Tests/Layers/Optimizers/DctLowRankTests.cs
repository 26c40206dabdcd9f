using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers.Optimizers;

/// <summary>Columns of a fixed basis, and the optimizers that live in them.</summary>
[TestFixture]
public class DctLowRankTests
{
    [Test]
    public void The_matrix_of_cosines_is_orthogonal()
    {
        double[] four = [0.5, 0.6533, 0.5, 0.2706, 0.5, 0.2706, -0.5, -0.6533, 0.5, -0.2706, -0.5, 0.6533, 0.5, -0.6533, 0.5, -0.2706];
        Assert.That(Tensor.DctMatrix(4).To(DType.Float64).ToArray<double>(), Is.EqualTo(four).Within(1e-4));
        foreach (var n in new[] { 1, 2, 3, 7, 16, 257 })
        {
            Assert.That(Skewness(Tensor.DctMatrix(n, dtype: DType.Float64)), Is.LessThan(1e-12), $"{n}");
            Assert.That(Difference(Tensor.DctMatrix(n, DctType.III, DType.Float64), Tensor.DctMatrix(n, dtype: DType.Float64).T), Is.Zero);
        }
    }

    [Test]
    public void The_fast_transform_is_the_product([Values(1, 2, 3, 4, 7, 16, 31, 64)] int n)
    {
        var x = Random([3, n], seed: n);
        Assert.That(Difference(x.Dct(), x.MatMul(Tensor.DctMatrix(n, dtype: DType.Float64))), Is.LessThan(1e-10));
        Assert.That(Difference(x.Dct().Idct(), x), Is.LessThan(1e-10));
        Assert.That(Difference(x.Dct(-1, DctType.III).Idct(-1, DctType.III), x), Is.LessThan(1e-10));
        Assert.That(Difference(x.T.Dct(0), x.Dct().T), Is.LessThan(1e-12));
    }

    [Test]
    public void Columns_that_carry_everything_are_enough([Values] bool useFft)
    {
        var g = Tensor.From([1.0, 1, 1, 1, 1, -1, -1, 1], [2, 4]);
        var subspace = new DctSubspace(4, 2, useFft: useFft, dtype: DType.Float64);
        var low = subspace.Refresh(g);
        Assert.That(low.ToArray<double>(), Is.EqualTo(new[] { 2.0, 0, 0, 2 }).Within(1e-12));
        Assert.That(subspace.Indices.ToArray<long>(), Is.EqualTo(new long[] { 0, 2 }));
        Assert.That(Difference(subspace.Lift(low), g), Is.LessThan(1e-12));
        Assert.That(Difference(subspace.Project(g), low), Is.LessThan(1e-12));
        // Of equal columns the lower ones come first.
        _ = subspace.Refresh(Tensor.Zeros([2, 4], DType.Float64));
        Assert.That(subspace.Indices.ToArray<long>(), Is.EqualTo(new long[] { 0, 1 }));
    }

    static double Residual(DctSubspace subspace, Tensor g) => (g - subspace.Lift(subspace.Refresh(g))).Norm().Item();

    [Test]
    public void Two_norms_leave_what_the_others_carry([Values] SubspaceBasis basis)
    {
        const int q = 8, r = 3;
        var generator = new Generator(3);
        var two = new DctSubspace(q, r, basis, norm: 2, dtype: DType.Float64, generator: new(4));
        var one = new DctSubspace(q, r, basis, norm: 1, dtype: DType.Float64, generator: new(4));
        for (var trial = 0; trial < 100; trial++)
        {
            using var scope = new TensorScope();
            var g = Tensor.Normal([12, q], generator, dtype: DType.Float64);
            var residual = Residual(two, g);
            var low = two.Project(g);
            var total = g.Square().Sum().Item();
            Assert.That(residual * residual, Is.EqualTo(total - low.Square().Sum().Item()).Within(1e-10 * total));
            Assert.That(residual * residual, Is.LessThanOrEqualTo((1 - (double)r / q) * total));
            Assert.That(residual, Is.LessThanOrEqualTo(Residual(one, g) + 1e-12));
            Assert.That(residual * residual, Is.GreaterThanOrEqualTo(g.SingularValues().Narrow(0, r, q - r).Square().Sum().Item() - 1e-12));
        }
    }

    [Test]
    public void Smooth_rows_are_kept_nearly_as_by_singular_vectors()
    {
        var noise = Tensor.Normal([128, 64], new(1), dtype: DType.Float64);
        var smooth = (Tensor.Normal([128, 64], new(2), dtype: DType.Float64) / (Tensor.Arange(64, DType.Float64) + 1)).Idct();
        // Shares of the squared norm.
        double Relative(Tensor g) => Math.Pow(Residual(new(64, 16, dtype: DType.Float64), g) / g.Norm().Item(), 2);
        double Best(Tensor g) => g.SingularValues().Narrow(0, 16, 48).Square().Sum().Item() / g.Square().Sum().Item();
        Assert.That(Relative(noise), Is.LessThanOrEqualTo(0.75).And.GreaterThan(Best(noise)));
        Assert.That(Relative(smooth), Is.LessThanOrEqualTo(1.5 * Best(smooth)));
    }

    [Test]
    public void What_is_remembered_follows_its_columns()
    {
        var (basis, generator) = (Tensor.DctMatrix(9, dtype: DType.Float64), new Generator(5));
        var subspace = new DctSubspace(9, 4, dtype: DType.Float64);
        var state = Random([5, 4], seed: 2);
        for (var trial = 0; trial < 20; trial++)
        {
            var before = basis.IndexSelect(1, subspace.Indices);
            var kept = subspace.Indices.ToArray<long>();
            _ = subspace.Refresh(Tensor.Normal([5, 9], generator, dtype: DType.Float64));
            var moved = subspace.Reindex(state);
            Assert.That(Difference(moved, state.MatMul(before.T.MatMul(basis.IndexSelect(1, subspace.Indices)))), Is.LessThan(1e-12));
            foreach (var (column, index) in subspace.Indices.ToArray<long>().Index())
            {
                var from = Array.IndexOf(kept, index);
                Assert.That(moved.Select(1, column).ToArray<double>(), Is.EqualTo(from < 0 ? new double[5] : state.Select(1, from).ToArray<double>()));
            }
        }
    }

    static Parameter Matrix(int rows, int columns)
    {
        var parameter = new Linear(columns, rows, new(1), false, DType.Float64).Weight;
        parameter.Assign(Random([rows, columns], seed: 7));
        return parameter;
    }

    // Gradients of all sizes that change from step to step.
    static Tensor Gradient(Tensor w) => w.Sin() + w * w.Cos();

    static void Step(Optimizer optimizer, Parameter parameter)
    {
        optimizer.ZeroGrad();
        (parameter.Value.Sin() * parameter.Value).Sum().Backward();
        optimizer.Step();
    }

    [Test]
    public void With_all_columns_it_is_AdamW_in_cosine_coordinates([Values("6x4", "4x6")] string shape, [Values] bool errorFeedback)
    {
        var size = shape.Split('x').Select(int.Parse).ToArray();
        var parameter = Matrix(size[0], size[1]);
        var optimizer = new DctAdamW([parameter], 0.02, rank: 4, weightDecay: 0.1, beta1: 0.8, beta2: 0.95, errorFeedback: errorFeedback);
        var d = Tensor.DctMatrix(4, dtype: DType.Float64);
        Tensor To(Tensor x) => size[0] >= size[1] ? x.MatMul(d) : d.T.MatMul(x);
        Tensor From(Tensor x) => size[0] >= size[1] ? x.MatMul(d.T) : d.MatMul(x);
        var w = parameter.Value.Detach().Clone();
        var (m, v) = (w.ZerosLike(), w.ZerosLike());
        for (var t = 1; t <= 20; t++)
        {
            Step(optimizer, parameter);
            var g = To(Gradient(w));
            m = m * 0.8 + g * 0.2;
            v = v * 0.95 + g.Square() * 0.05;
            var u = m / (1 - Math.Pow(0.8, t)) / ((v / (1 - Math.Pow(0.95, t))).Sqrt() + 1e-8);
            w = w * (1 - 0.02 * 0.1) - From(u) * 0.02;
            Assert.That(Difference(parameter.Value.Detach(), w), Is.LessThan(1e-6));
        }
        if (errorFeedback)
            Assert.That(Largest(optimizer.StateDict()["0.error"]), Is.LessThan(1e-12));
    }

    [Test]
    public void It_is_its_algorithm([Values(1, 3)] int refreshGap)
    {
        var parameter = Matrix(7, 5);
        var optimizer = new DctAdamW([parameter], 0.02, rank: 2, beta1: 0.8, beta2: 0.95, refreshGap: refreshGap);
        var d = Tensor.DctMatrix(5, dtype: DType.Float64);
        var w = parameter.Value.Detach().Clone();
        var e = w.ZerosLike();
        var (m, v) = (Tensor.Zeros([7, 2], DType.Float64), Tensor.Zeros([7, 2], DType.Float64));
        Tensor? di = null;
        for (var t = 1; t <= 10; t++)
        {
            Step(optimizer, parameter);
            var a = Gradient(w) + e;
            if (t == 1 || t % refreshGap == 0)
            {
                var s = a.MatMul(d);
                int[] chosen = [.. s.Abs().Sum([0]).ToArray<double>().Index().OrderByDescending(row => row.Item).Take(2).Select(row => row.Index).Order()];
                var next = d.IndexSelect(1, Tensor.From([.. chosen.Select(index => (long)index)], [2]));
                if (di is not null)
                    (m, v) = (m.MatMul(di.T.MatMul(next)), v.MatMul(di.T.MatMul(next)).Abs());
                di = next;
            }
            var low = a.MatMul(di!);
            e = a - low.MatMul(di!.T);
            m = m * 0.8 + low * 0.2;
            v = v * 0.95 + low.Square() * 0.05;
            var u = m / (1 - Math.Pow(0.8, t)) / ((v / (1 - Math.Pow(0.95, t))).Sqrt() + 1e-8);
            w -= u.MatMul(di!.T) * 0.02;
            Assert.That(Difference(parameter.Value.Detach(), w), Is.LessThan(1e-6));
        }
    }

    [Test]
    public void Trion_with_all_columns_is_Muon_with_a_sum([Values("6x4", "4x6")] string shape)
    {
        var size = shape.Split('x').Select(int.Parse).ToArray();
        var parameter = Matrix(size[0], size[1]);
        var optimizer = new Trion([parameter], 0.05, rank: 4);
        var w = parameter.Value.Detach().Clone();
        var m = w.ZerosLike();
        for (var step = 0; step < 10; step++)
        {
            Step(optimizer, parameter);
            m = m * 0.95 + Gradient(w);
            w -= m.NewtonSchulz() * (0.05 * Math.Sqrt(Math.Max(1, (double)size[0] / size[1])));
            Assert.That(Difference(parameter.Value.Detach(), w), Is.LessThan(1e-6));
        }
    }

    [Test]
    public void Trion_keeps_what_it_has_not_chosen([Values("6x4", "4x6")] string shape)
    {
        var size = shape.Split('x').Select(int.Parse).ToArray();
        var parameter = Matrix(size[0], size[1]);
        var optimizer = new Trion([parameter], 0.05, rank: 2, momentum: 0.9);
        var d = Tensor.DctMatrix(4, dtype: DType.Float64);
        Tensor Turn(Tensor x) => size[0] >= size[1] ? x : x.T;
        var w = parameter.Value.Detach().Clone();
        var m = Turn(w).ZerosLike();
        for (var step = 0; step < 5; step++)
        {
            Step(optimizer, parameter);
            m += Turn(Gradient(w));
            var s = m.MatMul(d);
            var di = d.IndexSelect(1, s.Abs().Sum([0]).TopK(2).Indices);
            var b = m.MatMul(di);
            m -= b.MatMul(di.T) * 0.1;
            w -= Turn(b.NewtonSchulz().MatMul(di.T)) * (0.05 * Math.Sqrt(Math.Max(1, (double)size[0] / size[1])));
            Assert.That(Difference(parameter.Value.Detach(), w), Is.LessThan(1e-6));
        }
    }

    [Test]
    public void It_remembers_what_it_says()
    {
        static long Remembered(Optimizer optimizer) => optimizer.StateDict().Where(entry => entry.Value.Rank > 0).Sum(entry => entry.Value.ElementCount);
        foreach (var (rows, columns) in new[] { (20, 12), (12, 20) })
        {
            Assert.That(Remembered(new DctAdamW([Matrix(rows, columns)], 0.1, rank: 3, errorFeedback: false)), Is.EqualTo(2 * 20 * 3 + 3));
            Assert.That(Remembered(new DctAdamW([Matrix(rows, columns)], 0.1, rank: 3)), Is.EqualTo(2 * 20 * 3 + 3 + 20 * 12));
            Assert.That(Remembered(new Adam([Matrix(rows, columns)])), Is.EqualTo(2 * 20 * 12));
            Assert.That(Remembered(new DctAdamW([Matrix(rows, columns)], 0.1, rank: 3, maxShape: 15)), Is.EqualTo(2 * 20 * 12), "too long: plain AdamW");
        }
    }

    [Test]
    public void Vectors_take_the_steps_of_AdamW()
    {
        var (low, plain) = (new Linear(3, 4, new(1), dtype: DType.Float64), new Linear(3, 4, new(1), dtype: DType.Float64));
        Optimizer[] optimizers = [new DctAdamW(low.Parameters(), 0.02, rank: 2, weightDecay: 0.1), new Adam(plain.Parameters(), 0.02, weightDecay: 0.1)];
        foreach (var (layer, optimizer) in new[] { low, plain }.Zip(optimizers))
        {
            for (var step = 0; step < 3; step++)
            {
                optimizer.ZeroGrad();
                (layer.Forward(Random([2, 3], seed: step)).Square()).Sum().Backward();
                layer.Weight.Value.ZeroGrad();
                optimizer.Step();
            }
        }
        Assert.That(low.Bias!.Value.ToArray<double>(), Is.EqualTo(plain.Bias!.Value.ToArray<double>()));
    }

    [Test]
    public void Matrices_that_do_not_fit_are_named()
    {
        var subspace = new DctSubspace(4, 2);
        Assert.That(() => subspace.Refresh(Tensor.Ones([3, 5])), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("DctSubspace.Refresh: x is Float32 [3, 5]"));
        Assert.That(() => subspace.Lift(Tensor.Ones([3, 4])), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => subspace.Project(Tensor.Ones([3, 4], DType.Float64)), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => new DctSubspace(4, 5), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new DctSubspace(4, 2, SubspaceBasis.Hadamard, useFft: true), Throws.ArgumentException);
        Assert.That(() => new DctSubspace(6, 2, SubspaceBasis.Hadamard), Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.Contains("power of two"));
    }
}
