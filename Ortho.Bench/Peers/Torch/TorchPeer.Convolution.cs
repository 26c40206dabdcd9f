using Ortho.Autograd;
using static TorchSharp.torch.nn.functional;
using Tensor = Ortho.Tensors.Tensor;
using TorchTensor = TorchSharp.torch.Tensor;

namespace Ortho.Bench.Peers.Torch;

sealed partial class TorchPeer
{
    static IEnumerable<Comparison> Convolutions()
    {
        (string Name, int[] Images, int[] Kernel, int Stride, int Padding, int Groups)[] works =
        [
            ("32x32x32x32, 3x3, 32 to 32 channels", [32, 32, 32, 32], [32, 32, 3, 3], 1, 1, 1),
            ("the same, stride 2", [32, 32, 32, 32], [32, 32, 3, 3], 2, 1, 1),
            ("16x64x32x32, 1x1, 64 to 128 channels", [16, 64, 32, 32], [128, 64, 1, 1], 1, 0, 1),
            ("16x256x14x14, 3x3, 256 to 256 channels", [16, 256, 14, 14], [256, 256, 3, 3], 1, 1, 1),
            ("32x64x32x32, 3x3, one channel to one", [32, 64, 32, 32], [64, 1, 3, 3], 1, 1, 64),
            ("4x3x224x224, 7x7, stride 2, 3 to 64 channels", [4, 3, 224, 224], [64, 3, 7, 7], 2, 3, 1),
        ];
        foreach (var (name, images, kernel, stride, padding, groups) in works)
        {
            yield return Compare("conv2d", name, 1e-5, () =>
            {
                var (x, w, b) = (Work.Sample(1, images), Work.Sample(2, kernel), Work.Sample(3, kernel[0]));
                var (p, q, r) = (Same(x), Same(w), Same(b));
                return (Work.Forward(() => Ours(x, w, b)), Forward(() => Theirs(p, q, r)));
            });
            yield return Compare("conv2d-backward", name, 1e-4, () =>
            {
                var (x, w, b) = (Work.Sample(1, images), Work.Sample(2, kernel), Work.Sample(3, kernel[0]));
                return (Work.Backward(at => Ours(at[0], at[1], at[2]), x, w, b), Backward(at => Theirs(at[0], at[1], at[2]), Same(x), Same(w), Same(b)));
            });

            Tensor Ours(Tensor x, Tensor w, Tensor b) => x.Conv2d(w, b, stride, padding, groups: groups);

            TorchTensor Theirs(TorchTensor x, TorchTensor w, TorchTensor b) => conv2d(x, w, b, [stride, stride], [padding, padding], null, groups);
        }
    }
}
