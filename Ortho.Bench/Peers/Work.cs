using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Bench.Peers;

/// <summary>Inputs and Ortho's side of comparisons.</summary>
static class Work
{
    /// <summary>Numbers in [-1, 1), the same for the same seed.</summary>
    public static float[] Numbers(int count, int seed)
    {
        var random = new Random(seed);
        var numbers = new float[count];
        for (var i = 0; i < count; i++)
            numbers[i] = 2 * random.NextSingle() - 1;
        return numbers;
    }

    /// <summary>A tensor of such numbers.</summary>
    public static Tensor Sample(int seed, params int[] shape) => Tensor.From(Numbers(checked((int)Shape.Create(shape).ElementCount), seed), shape);

    /// <summary>Ortho's side: a function without gradients.</summary>
    public static Contender Forward(Func<Tensor> function) => Of(() =>
    {
        using var pause = Graph.NoGrad();
        return [function()];
    });

    /// <summary>The weights of results in the sums whose gradients are compared.</summary>
    public const int WeightSeed = 99;

    /// <summary>Ortho's side: a function, and the gradients of a weighted sum of its result.</summary>
    public static Contender Backward(Func<Tensor[], Tensor> function, params Tensor[] inputs)
    {
        var weights = Sample(WeightSeed, [.. function(inputs).Shape]);
        return Of(() =>
        {
            Tensor[] at = [.. inputs.Select(x => x.Detach().RequiresGrad())];
            return Graph.Gradients([function(at)], at, [weights]);
        });
    }

    /// <summary>Ortho's side: anything that ends with tensors.</summary>
    public static Contender Of(Func<IReadOnlyList<Tensor>> function) => new(
        () =>
        {
            using var scope = new TensorScope();
            _ = function();
        },
        () =>
        {
            using var scope = new TensorScope();
            return [.. function().SelectMany(Floats)];
        });

    static float[] Floats(Tensor x)
        => (x.DType.IsComplex ? Tensor.Stack([x.Real(), x.Imag()], x.Rank) : x).ToArray<float>();
}
