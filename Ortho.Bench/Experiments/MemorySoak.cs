using System.Diagnostics;
using System.Text.Json;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Losses;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;

namespace Ortho.Bench.Experiments;

/// <summary>Memory at one moment of a training loop, in bytes.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Resident">Of the process.</param>
/// <param name="Live">Held by tensors.</param>
/// <param name="Cached">Held for reuse.</param>
/// <param name="Allocations">Blocks asked of the operating system so far.</param>
sealed record MemorySample(int Step, long Resident, long Live, long Cached, long Allocations);

/// <summary>The course of memory over a training loop without a single <c>Dispose</c>.</summary>
sealed record MemoryCurve(IReadOnlyList<MemorySample> Samples)
{
    /// <summary>Largest resident size of the second half over that of the second quarter: 1 when memory is flat.</summary>
    public double Growth => (double)Largest(Samples.Count / 2, Samples.Count) / Largest(Samples.Count / 4, Samples.Count / 2);

    long Largest(int begin, int end) => Samples.Take(begin..end).Max(sample => sample.Resident);

    /// <summary>Indented JSON.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, ResultJson.Default.MemoryCurve);
}

/// <summary>Trains a small orthogonal network for many steps and watches memory.</summary>
static class MemorySoak
{
    /// <summary>The loop, as a user writes it who never heard of scopes: nothing in it is disposed.</summary>
    /// <param name="steps">Training steps, at least as many as samples.</param>
    /// <param name="samples">Moments to look at memory, at least 8.</param>
    public static MemoryCurve Run(int steps, int samples = 100)
    {
        var generator = new Generator(1);
        var network = new Sequential(
            new OrthogonalConv2d(1, 8, 3, generator, stride: 2), new MaxMin(), new Flatten(),
            new OrthogonalLinear(8 * 4 * 4, 32, generator), new MaxMin(), new OrthogonalLinear(32, 10, generator));
        var optimizer = new Adam(network.Parameters(), 1e-3);
        var curve = new List<MemorySample>();
        for (var step = 1; step <= steps; step++)
        {
            var images = Tensor.Uniform([32, 1, 8, 8], generator);
            var labels = Tensor.Uniform([32], generator, 0, 10).To(DType.Int64);
            var loss = network.Forward(images).MarginCrossEntropy(labels, margin: 0.5, temperature: 4);
            optimizer.ZeroGrad();
            loss.Backward();
            optimizer.Step();
            if ((long)step * samples / steps != (long)(step - 1) * samples / steps)
                curve.Add(Sample(step));
        }
        return new(curve);
    }

    static MemorySample Sample(int step)
    {
        using var process = Process.GetCurrentProcess();
        var pool = Device.Cpu.Pool;
        return new(step, process.WorkingSet64, pool.LiveBytes, pool.CachedBytes, pool.DeviceAllocations);
    }
}
