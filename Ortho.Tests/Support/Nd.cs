using System.Numerics;
using Ortho.Tensors;
using Ortho.Autograd;

namespace Ortho.Tests.Support;

/// <summary>A reference array: complex float64 numbers and a shape, with nothing but loops.</summary>
public sealed class Nd(Shape shape, Complex[] data)
{
    public Shape Shape { get; } = shape;

    public Complex[] Data { get; } = data;

    /// <summary>The array with the value of a function at each index.</summary>
    public static Nd Of(Shape shape, Func<int[], Complex> value)
    {
        var (data, index) = (new Complex[shape.ElementCount], new int[shape.Rank]);
        for (var i = 0; i < data.Length; i++)
        {
            data[i] = value(index);
            for (var d = shape.Rank - 1; d >= 0 && ++index[d] == shape.Span[d]; d--)
                index[d] = 0;
        }
        return new(shape, data);
    }

    /// <summary>The element at an index, with broadcasting: leading indices beyond the rank are ignored, extents of 1 repeat.</summary>
    public Complex this[params int[] index]
    {
        get
        {
            var offset = 0;
            for (var d = 0; d < Shape.Rank; d++)
                offset = offset * Shape.Span[d] + (Shape.Span[d] == 1 ? 0 : index[index.Length - Shape.Rank + d]);
            return Data[offset];
        }
    }

    /// <summary>Element by element, with broadcasting.</summary>
    public static Nd Map(Func<Complex[], Complex> formula, params Nd[] x)
    {
        var shape = x.Select(a => a.Shape).Aggregate((a, b) => Shape.Broadcast(a, b, "reference"));
        return Of(shape, index => formula([.. x.Select(a => a[index])]));
    }

    /// <summary>Reduced over some dimensions, which disappear.</summary>
    public Nd Reduce(int[] axes, Func<IEnumerable<Complex>, Complex> reduction)
    {
        int[] kept = [.. Enumerable.Range(0, Shape.Rank).Except(axes)];
        Shape small = [.. kept.Select(d => Shape.Span[d])];
        Shape gone = [.. axes.Select(d => Shape.Span[d])];
        return Of(small, outer => reduction(Of(gone, inner =>
        {
            var index = new int[Shape.Rank];
            for (var d = 0; d < kept.Length; d++)
                index[kept[d]] = outer[d];
            for (var d = 0; d < axes.Length; d++)
                index[axes[d]] = inner[d];
            return this[index];
        }).Data));
    }

    /// <summary>As a tensor.</summary>
    public Tensor ToTensor(DType dtype, Device device)
        => dtype.IsComplex
            ? Tensor.From(Data, Shape).To(dtype).To(device)
            : Tensor.From([.. Data.Select(x => x.Real)], Shape).To(dtype).To(device);

    /// <summary>From a tensor of any type.</summary>
    public static Nd From(Tensor tensor)
    {
        tensor = tensor.Detach().To(Device.Cpu);
        return new(tensor.Shape, tensor.DType.IsComplex
            ? tensor.To(DType.Complex128).ToArray<Complex>()
            : [.. tensor.To(DType.Float64).ToArray<double>().Select(x => new Complex(x, 0))]);
    }
}
