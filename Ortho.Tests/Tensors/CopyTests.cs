using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Host;
using Ortho.Tensors;

namespace Ortho.Tests.Tensors;

/// <summary>Copies between layouts, of rows of any length and cut anywhere.</summary>
[TestFixture, NonParallelizable]
public class CopyTests
{
    // Last dimensions that stay in place: rows from nothing to more than a few vectors.
    [Test]
    public void Permuted_copies_have_every_element_where_it_belongs(
        [Values(DType.Half, DType.Float32, DType.Float64, DType.Complex128)] DType dtype, [Values(1, 3, 4, 7, 8, 31, 40)] int row)
    {
        var threads = HostThreads.Count;
        try
        {
            HostThreads.Count = 3;
            foreach (var order in new int[][] { [0, 2, 4, 1, 3, 5], [4, 1, 0, 3, 2, 5], [3, 2, 1, 0, 4, 5], [1, 0, 2, 3, 4, 5] })
            {
                int[] shape = [5, 3, 7, 4, 6, row];
                var count = shape.Aggregate(1, (a, b) => a * b);
                var numbers = Enumerable.Range(0, count).Select(i => (double)(i * 37 % 101)).ToArray();
                var x = Tensor.From(numbers, Shape.Create(shape)).To(dtype).Permute(order);
                var y = x.Contiguous();
                int[] steps = [.. shape.Select((_, d) => shape[(d + 1)..].Aggregate(1, (a, b) => a * b))];
                var expected = new double[count];
                var at = new int[6];
                for (var i = 0; i < count; i++)
                {
                    var from = 0;
                    for (var d = 0; d < 6; d++)
                        from += at[d] * steps[order[d]];
                    expected[i] = numbers[from];
                    for (var d = 5; d >= 0 && ++at[d] == shape[order[d]]; d--)
                        at[d] = 0;
                }
                Assert.That((y.DType.IsComplex ? y.Real() : y).To(DType.Float64).ToArray<double>(), Is.EqualTo(expected));
                // And into a window of something larger, which keeps what is around it.
                var around = Tensor.Full([.. x.Shape[..^1], row + 2], 7, DType.Float64).To(dtype);
                Ortho.Kernels.Skeletons.Copy.Into(around.Narrow(-1, 1, row), x);
                Assert.That(Read(around.Narrow(-1, 1, row)), Is.EqualTo(expected));
                foreach (var edge in new[] { 0, row + 1 })
                    Assert.That(Read(around.Narrow(-1, edge, 1)), Is.All.EqualTo(7));
            }
        }
        finally
        {
            HostThreads.Count = threads;
        }

        static double[] Read(Tensor x) => (x.DType.IsComplex ? x.Real() : x).To(DType.Float64).Contiguous().ToArray<double>();
    }
}
