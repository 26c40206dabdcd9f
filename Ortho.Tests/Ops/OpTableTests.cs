using System.Numerics;
using System.Reflection;
using System.Runtime.CompilerServices;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Gpu;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Ops;

/// <summary>What is asked of every row of <see cref="OpTable"/>.</summary>
[TestFixture, Category("Kernels"), Category("Devices")]
public class OpTableTests
{
    static IEnumerable<TestCaseData> RowsOnDevices
        => from kind in Devices.Kinds
           from row in OpTable.Rows.Index()
           select new TestCaseData(row.Item, kind).SetArgDisplayNames($"{row.Item.Name} {row.Index}", kind);

    static IEnumerable<TestCaseData> RowsOnGpus => RowsOnDevices.Where(test => (string)test.Arguments[1]! != "Cpu");

    static IEnumerable<TestCaseData> Rows => OpTable.Rows.Index().Select(row => new TestCaseData(row.Item).SetArgDisplayNames($"{row.Item.Name} {row.Index}"));

    // Compiling for OpenCL takes a second a kernel: there the float32 kernels stand for both precisions.
    static IEnumerable<DType> DTypesOn(OpRow row, Device device)
        => device.Kind == DeviceKind.OpenCL ? row.DTypes.Where(dtype => dtype.RealType != DType.Float64) : row.DTypes;

    static Tensor[] Tensors(Nd[] arguments, DType dtype, Device device) => [.. arguments.Select(argument => argument.ToTensor(dtype, device))];

    // Integers and truth values are exact; what becomes of them in Float32 is not.
    static double Tolerance(OpRow row, DType dtype, DType result)
        => dtype.RealType == DType.Float64 ? row.Double : dtype.RealType == DType.Float32 || result == DType.Float32 ? row.Single : 0;

    static void AreClose(Nd actual, Nd expected, double tolerance, string what)
    {
        Assert.That(actual.Shape, Is.EqualTo(expected.Shape), what);
        var scale = 1 + expected.Data.Select(x => x.Magnitude).DefaultIfEmpty(0).Max();
        for (var i = 0; i < expected.Data.Length; i++)
        {
            var error = (actual.Data[i] - expected.Data[i]).Magnitude / scale;
            if (!(error <= tolerance))
                Assert.Fail($"{what}: element {i} is {actual.Data[i]}; expected {expected.Data[i]} within {tolerance * scale:g3}, off by {error * scale:g3}");
        }
    }

    [TestCaseSource(nameof(RowsOnDevices))]
    public void Forward_matches_the_reference(OpRow row, string kind)
    {
        var device = Devices.Of(kind);
        foreach (var dtype in DTypesOn(row, device))
        {
            foreach (var shapes in row.Shapes)
            {
                using var scope = new TensorScope();
                var arguments = Tensors(row.Arguments(shapes, dtype), dtype, device);
                var expected = row.Reference([.. arguments.Select(Nd.From)]);
                var y = row.Call(arguments);
                Assert.That(y.Device, Is.SameAs(device), "the result stays on the device");
                AreClose(Nd.From(y), expected, Tolerance(row, dtype, y.DType), $"{row} {dtype} {string.Join(" ", shapes)}");
            }
        }
    }

    [TestCaseSource(nameof(RowsOnDevices))]
    public void Special_values_are_those_of_the_reference(OpRow row, string kind)
    {
        var device = Devices.Of(kind);
        foreach (var dtype in row.Special.Length == 0 ? [] : DTypesOn(row, device).Where(dtype => dtype.IsFloatingPoint))
        {
            var x = new Nd([row.Special.Length], [.. row.Special.Select(value => new Complex(value, 0))]);
            var (y, expected) = (Nd.From(row.Call(Tensors([x], dtype, device))), row.Reference([x]));
            for (var i = 0; i < row.Special.Length; i++)
                Assert.That(y.Data[i].Real, Is.EqualTo(expected.Data[i].Real).Within(1e-6), $"{row}({row.Special[i]}) in {dtype}");
        }
    }

    static IEnumerable<TestCaseData> RealRowsOnDevices => RowsOnDevices.Where(test => ((OpRow)test.Arguments[0]!).IsReal);

    [TestCaseSource(nameof(RealRowsOnDevices))]
    public void Half_precision_is_the_float32_result_rounded_once(OpRow row, string kind)
    {
        var device = Devices.Of(kind);
        foreach (var dtype in (DType[])[DType.BFloat16, DType.Half])
        {
            foreach (var shapes in row.Shapes)
            {
                using var scope = new TensorScope();
                Tensor[] arguments = [.. Tensors(row.Arguments(shapes, DType.Float32), DType.Float32, device).Select(x => x.To(dtype))];
                var wide = row.Call([.. arguments.Select(x => x.To(DType.Float32))]);
                var expected = wide.DType == DType.Float32 ? wide.To(dtype) : wide;
                var y = row.Call(arguments);
                var what = $"{row} {dtype} {string.Join(" ", shapes)}";
                Assert.That((y.DType, y.Device), Is.EqualTo((expected.DType, device)), what);
                if (row.IsComposed)
                    AreClose(Nd.From(y), Nd.From(expected), dtype == DType.Half ? 4e-3 : 4e-2, what);
                else
                    Assert.That(Bits(y), Is.EqualTo(Bits(expected)), what);
            }
        }
    }

    [TestCaseSource(nameof(Rows))]
    public void Layout_does_not_change_a_bit(OpRow row)
    {
        foreach (var dtype in row.DTypes)
        {
            foreach (var shapes in row.Shapes.Where(shapes => shapes.Any(shape => shape.Rank > 0)))
            {
                var arguments = Tensors(row.Arguments(shapes, dtype), dtype, Device.Cpu);
                var expected = row.Call(arguments);
                Assert.That(Bits(row.Call([.. arguments.Select(Transposed)])), Is.EqualTo(Bits(expected)), $"{row} {dtype} of transposed storage");
                Assert.That(Bits(row.Call([.. arguments.Select(Sliced)])), Is.EqualTo(Bits(expected)), $"{row} {dtype} of a slice");
                Assert.That(Bits(row.Call([.. arguments.Select(Reversed)])), Is.EqualTo(Bits(expected)), $"{row} {dtype} of reversed storage");
            }
        }
    }

    static Tensor Transposed(Tensor x) => x.Rank < 2 ? x : x.Transpose(0, -1).Clone().Transpose(0, -1);

    // Negative strides in all dimensions.
    static Tensor Reversed(Tensor x) => x.Flip().Clone().Flip();

    // Every second element of a larger tensor.
    static Tensor Sliced(Tensor x)
    {
        if (x.Rank == 0)
            return x;
        var pair = Tensor.Stack([x, Tensor.Ones(x.Shape, x.DType, x.Device)], x.Rank);
        return pair.Select(-1, 0);
    }

    static byte[] Bits(Tensor x)
    {
        var dense = x.Detach().Contiguous().To(Device.Cpu);
        var bytes = new byte[dense.ElementCount * dense.DType.Size];
        if (bytes.Length > 0)
            dense.Device.Download(dense.Storage.Block, dense.Layout.Offset * dense.DType.Size, bytes);
        return bytes;
    }

    [TestCaseSource(nameof(Rows))]
    public void Gradients_match_central_differences(OpRow row)
    {
        if (row.Derivative == Derivative.None)
            return;
        foreach (var dtype in row.DTypes.Where(dtype => dtype.RealType == DType.Float64))
        {
            foreach (var shapes in row.Shapes.Where(shapes => shapes.All(shape => shape.ElementCount is > 0 and < 2000)))
            {
                var arguments = Tensors(row.Arguments(shapes, dtype), dtype, Device.Cpu);
                var found = GradientCheck.Run(row.Call, arguments, 1e-4, row.Derivative == Derivative.Second ? 2 : 1, samples: 12);
                Assert.That(found.Error, Is.LessThan(row.Gradient), $"{row} {dtype} {string.Join(" ", shapes)}: {found.Where}");
            }
        }
    }

    [TestCaseSource(nameof(Rows))]
    public void No_derivative_means_no_gradient(OpRow row)
    {
        if (row.Derivative != Derivative.None || !row.DTypes.Contains(DType.Float64))
            return;
        var arguments = Tensors(row.Arguments(row.Shapes[0], DType.Float64), DType.Float64, Device.Cpu);
        foreach (var argument in arguments)
            argument.RequiresGrad();
        var y = row.Call(arguments);
        if (!y.WantsGrad)
            return;
        // Piecewise constant ops may be recorded: their gradient is zero. Others must refuse.
        Tensor[] gradients;
        try
        {
            gradients = Graph.Gradients([y], arguments, [Tensor.Ones(y.Shape, y.DType)]);
        }
        catch (NotSupportedException refusal)
        {
            Assert.That(refusal.Message, Does.Contain(row.Name).And.Contain("derivative"));
            return;
        }
        foreach (var gradient in gradients)
            Assert.That(gradient.ToArray<double>(), Is.All.Zero);
    }

    [TestCaseSource(nameof(RowsOnGpus))]
    public void Devices_agree_bit_for_bit_with_the_cpu_in_values_and_gradients(OpRow row, string kind)
    {
        var device = Devices.Of(kind);
        foreach (var dtype in DTypesOn(row, device))
        {
            foreach (var shapes in row.Shapes)
            {
                using var scope = new TensorScope();
                var arguments = row.Arguments(shapes, dtype);
                var here = Results(row, arguments, dtype, Device.Cpu);
                var copies = device.HostCopies;
                var there = Results(row, arguments, dtype, device);
                if (!OpCatalog.Find(row.Name).Waits)
                    Assert.That(device.HostCopies, Is.EqualTo(copies), $"{row} {dtype}: nothing is read back");
                for (var k = 0; k < here.Count; k++)
                    Assert.That(Bits(there[k]), Is.EqualTo(Bits(here[k])), $"{row} {dtype} {string.Join(" ", shapes)}, {(k == 0 ? "value" : $"gradient {k - 1}")}");
            }
        }
    }

    [TestCaseSource(nameof(OpsThatWait))]
    public void An_op_that_is_said_to_wait_does(string name, string kind)
    {
        var device = Devices.Of(kind);
        var copies = device.HostCopies;
        foreach (var row in OpTable.Rows.Where(row => row.Name == name))
            _ = row.Call(Tensors(row.Arguments(row.Shapes[0], row.DTypes.First()), row.DTypes.First(), device));
        Assert.That(device.HostCopies, Is.GreaterThan(copies));
    }

    static IEnumerable<object[]> OpsThatWait
        => from op in OpCatalog.All where op.Waits from kind in Devices.Kinds where kind != "Cpu" select new object[] { op.Name, kind };

    static List<Tensor> Results(OpRow row, Nd[] arguments, DType dtype, Device device)
    {
        var tensors = Tensors(arguments, dtype, device);
        if (row.Derivative == Derivative.None || !dtype.IsDifferentiable)
            return [row.Call(tensors)];
        foreach (var tensor in tensors)
            tensor.RequiresGrad();
        var y = row.Call(tensors);
        var weight = Nd.Of(y.Shape, index => 0.5 + index.Sum() % 3).ToTensor(y.DType, device);
        return [y, .. Graph.Gradients([y], tensors, [weight])];
    }

    [TestCaseSource(nameof(Rows))]
    public void The_number_of_threads_does_not_change_a_bit(OpRow row)
    {
        var arguments = row.Arguments(row.Shapes.MaxBy(shapes => shapes.Sum(shape => shape.ElementCount))!, row.DTypes.First());
        var threads = Kernels.Host.HostThreads.Count;
        try
        {
            Kernels.Host.HostThreads.Count = 1;
            var alone = Bits(row.Call(Tensors(arguments, row.DTypes.First(), Device.Cpu)));
            Kernels.Host.HostThreads.Count = 4;
            Assert.That(Bits(row.Call(Tensors(arguments, row.DTypes.First(), Device.Cpu))), Is.EqualTo(alone));
        }
        finally
        {
            Kernels.Host.HostThreads.Count = threads;
        }
    }

    [Test]
    public void Every_op_is_marked()
    {
        // Extension members are static methods of the classes that declare them; a property's are its getter.
        var marked = OpCatalog.All.Select(op => op.Name).ToHashSet();
        var members = typeof(Graph).Assembly.GetTypes()
            .Where(type => type.IsPublic && type.Name.EndsWith("Ops", StringComparison.Ordinal))
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Where(method => $"{method.ReturnType}".Contains(nameof(Tensor), StringComparison.Ordinal) && !method.Name.StartsWith("op_", StringComparison.Ordinal))
            .Select(method => method.Name.StartsWith("get_", StringComparison.Ordinal) ? method.Name[4..] : method.Name)
            .Except(["Apply"]) // the definition of all pointwise ops
            .Distinct();
        Assert.That(members.Except(marked), Is.Empty, "ops without [Op]");
        Assert.That(marked, Is.SupersetOf(new[] { "+", "-", "*", "/", "negation" }));
    }

    [Test]
    public void Every_op_has_rows_that_cover_what_it_claims()
    {
        Assert.That(OpCatalog.All.Select(op => op.Name).Except(OpTable.Rows.Select(row => row.Name)), Is.Empty, "ops without a row");
        foreach (var op in OpCatalog.All)
        {
            var rows = OpTable.Rows.Where(row => row.Name == op.Name).ToList();
            Assert.That(rows.SelectMany(row => row.DTypes).Distinct(), Is.EquivalentTo(op.DTypes.Where(dtype => !dtype.IsHalfPrecision)), $"dtypes of {op.Name}");
        }
    }

    [OneTimeTearDown]
    public void SayDevices() => TestContext.Progress.WriteLine($"devices: {string.Join("; ", Devices.Present)}");
}
