using Ortho.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = Ortho.Tensors.Tensor;
using TorchTensor = TorchSharp.torch.Tensor;

namespace Ortho.Bench.Peers.Torch;

/// <summary>libtorch, through TorchSharp.</summary>
sealed partial class TorchPeer : IPeer
{
    /// <inheritdoc/>
    public void SetThreads(int count) => set_num_threads(count);

    /// <inheritdoc/>
    public IEnumerable<Comparison> Comparisons => [.. Products(), .. Elementwise(), .. Transforms(), .. Convolutions(), .. Orthogonal(), .. Training()];

    static Comparison Compare(string family, string work, double tolerance, Func<(Contender, Contender)> prepare) => new(family, work, Target.Peer, tolerance, prepare);

    static TorchTensor Same(Tensor x) => torch.tensor(x.ToArray<float>(), [.. x.Shape.Select(extent => (long)extent)]);

    // The peer's side, without gradients.
    static Contender Forward(Func<TorchTensor> function) => Of(() => [function()]);

    // The peer's side: the gradients of a weighted sum of a result.
    static Contender Backward(Func<TorchTensor[], TorchTensor> function, params TorchTensor[] inputs)
    {
        long[] shape = function(inputs).shape;
        var weights = Same(Work.Sample(Work.WeightSeed, [.. shape.Select(extent => (int)extent)]));
        foreach (var input in inputs)
            input.requires_grad = true;
        return Of(() =>
        {
            function(inputs).backward([weights]);
            return [.. inputs.Select(input =>
            {
                var gradient = input.grad!;
                input.grad = null;
                return gradient;
            })];
        });
    }

    static Contender Of(Func<IReadOnlyList<TorchTensor>> function) => new(
        () =>
        {
            using var scope = NewDisposeScope();
            _ = function();
        },
        () =>
        {
            using var scope = NewDisposeScope();
            return [.. function().SelectMany(y => (y.is_complex() ? view_as_real(y) : y).detach().contiguous().data<float>().ToArray())];
        });
}
