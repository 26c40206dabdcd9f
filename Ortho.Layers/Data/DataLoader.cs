using Ortho.Tensors;

namespace Ortho.Layers.Data;

/// <summary>Batches of a data set, shuffled anew for each pass.</summary>
/// <param name="dataset">The images.</param>
/// <param name="batchSize">Images of a batch.</param>
/// <param name="device">Where batches are put.</param>
/// <param name="shuffle">Source of the order; null keeps that of the data set.</param>
/// <param name="dropLast">Whether a last, smaller batch is left out.</param>
/// <exception cref="ArgumentOutOfRangeException">The batch size is not positive.</exception>
public sealed class DataLoader(ImageDataset dataset, int batchSize, Device? device = null, PhiloxStream? shuffle = null, bool dropLast = false)
{
    readonly int batchSize = batchSize > 0 ? batchSize : throw new ArgumentOutOfRangeException(nameof(batchSize), batchSize, "DataLoader: at least one image a batch.");

    /// <summary>Batches of a pass.</summary>
    public int BatchCount => dropLast ? dataset.Count / batchSize : (dataset.Count + batchSize - 1) / batchSize;

    /// <summary>One pass: images Float32 [batch, 1, height, width] in [0, 1] and labels Int64 [batch].</summary>
    public IEnumerable<(Tensor Images, Tensor Labels)> Batches()
    {
        int[] order = [.. Enumerable.Range(0, dataset.Count)];
        shuffle?.Shuffle(order.AsSpan());
        for (var batch = 0; batch < BatchCount; batch++)
        {
            var indices = order.AsSpan(batch * batchSize, Math.Min(batchSize, order.Length - batch * batchSize)).ToArray();
            var pixels = new float[indices.Length * dataset.Height * dataset.Width];
            dataset.CopyTo(indices, pixels);
            var labels = new long[indices.Length];
            for (var k = 0; k < labels.Length; k++)
                labels[k] = dataset.Labels[indices[k]];
            yield return (Tensor.From(pixels, [indices.Length, 1, dataset.Height, dataset.Width], device), Tensor.From(labels, [labels.Length], device));
        }
    }
}
