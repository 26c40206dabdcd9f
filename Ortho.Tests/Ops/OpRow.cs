using System.Numerics;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Ops;

/// <summary>One op of the library: how it is called, what it should give, and how exactly.</summary>
/// <param name="Name">The member of a tensor that it is.</param>
/// <param name="Call">The op.</param>
/// <param name="Reference">The same by loops in float64.</param>
/// <param name="Shapes">Operand shapes, one list for each case.</param>
public sealed record OpRow(string Name, Func<Tensor[], Tensor> Call, Func<Nd[], Nd> Reference, params Shape[][] Shapes)
{
    /// <summary>Where arguments are taken from: element i of operand k is a point of [Low, High].</summary>
    public double Low { get; init; } = -2;

    /// <summary>See <see cref="Low"/>.</summary>
    public double High { get; init; } = 2;

    /// <summary>Makes special arguments out of the sampled numbers (positive definite, integers, ...).</summary>
    public Func<int, Nd, Nd>? Prepare { get; init; }

    /// <summary>Largest error in float32, relative to 1 + the largest reference value.</summary>
    public double Single { get; init; } = 1e-6;

    /// <summary>Largest error in float64, likewise.</summary>
    public double Double { get; init; } = 1e-14;

    /// <summary>Largest error of gradients against central differences.</summary>
    public double Gradient { get; init; } = 1e-8;

    /// <summary>What the catalog says of its derivative.</summary>
    public Derivative Derivative => IsPosition ? Derivative.None : OpCatalog.Find(Name).Derivative;

    /// <summary>Whether the call gives that result of the op that has no derivative: positions or counts.</summary>
    public bool IsPosition { get; init; }

    /// <summary>Whether real tensors are taken.</summary>
    public bool IsReal { get; init; } = true;

    /// <summary>Whether complex tensors are taken.</summary>
    public bool IsComplex { get; init; }

    /// <summary>Whether integer tensors are taken.</summary>
    public bool IsInteger { get; init; }

    /// <summary>Whether Bool tensors are taken.</summary>
    public bool IsBool { get; init; }

    /// <summary>Whether the call is of several ops, each of which rounds in half precision.</summary>
    public bool IsComposed { get; init; }

    /// <summary>Further arguments whose result is known without a tolerance: NaN, infinities, signed zeros. One operand only.</summary>
    public double[] Special { get; init; } = [];

    public IEnumerable<DType> DTypes
        => (IsReal ? new[] { DType.Float32, DType.Float64 } : [])
            .Concat(IsComplex ? [DType.Complex64, DType.Complex128] : [])
            .Concat(IsInteger ? [DType.Int32, DType.Int64] : [])
            .Concat(IsBool ? [DType.Bool] : []);

    /// <summary>The arguments of a case: fixed pseudo-random numbers that the dtype has.</summary>
    public Nd[] Arguments(Shape[] shapes, DType dtype)
    {
        var state = 88172645463325252UL;
        return [.. shapes.Select((shape, k) =>
        {
            var sampled = Nd.Of(shape, _ => dtype.IsComplex ? new Complex(Next(), Next())
                : dtype == DType.Bool ? (Next() < (Low + High) / 2 ? 0 : 1)
                : dtype.IsDifferentiable ? Next() : Math.Round(Next()));
            return Prepare is null ? sampled : Prepare(k, sampled);
        })];

        double Next()
        {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            return Low + (High - Low) * (state >> 11) / (1UL << 53);
        }
    }

    /// <summary>The name of its tests.</summary>
    public override string ToString() => Name;
}
