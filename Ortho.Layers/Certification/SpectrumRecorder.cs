namespace Ortho.Layers.Certification;

/// <summary>The spectrum of a layer at a step of training.</summary>
/// <param name="Step">The step.</param>
/// <param name="Layer">The layer's path and type, <c>0 OrthogonalConv2d</c>.</param>
/// <param name="Spectrum">The range of its singular values.</param>
public sealed record LayerRecord(long Step, string Layer, Spectrum Spectrum);

/// <summary>Watches the layers of a network that can be judged exactly: how far they drift from orthogonality while they are trained, and
/// how well they are conditioned.</summary>
/// <param name="network">The network; it has seen its images before the first record.</param>
public sealed class SpectrumRecorder(Module network)
{
    readonly List<LayerRecord> records = [];

    /// <summary>All records, in order.</summary>
    public IReadOnlyList<LayerRecord> Records => records;

    /// <summary>Judges all layers now: an offline judgement, in float64 on the host.</summary>
    /// <param name="step">What to record it under.</param>
    public void Record(long step) => records.AddRange(Spectra(network).Select(layer => new LayerRecord(step, layer.Name, layer.Spectrum)));

    /// <summary>The largest distance of a singular value from 1 that a layer ever had.</summary>
    public double WorstError(string layer) => Of(layer).Max(record => record.Spectrum.OrthogonalityError);

    /// <summary>The worst ratio of a layer's largest to its smallest singular value.</summary>
    public double WorstCondition(string layer) => Of(layer).Max(record => record.Spectrum.Condition);

    IEnumerable<LayerRecord> Of(string layer)
    {
        var names = records.Select(record => record.Layer).Distinct().ToList();
        return names.Contains(layer)
            ? records.Where(record => record.Layer == layer)
            : throw new ArgumentException($"SpectrumRecorder: layer '{layer}' has no record; there are {string.Join(", ", names)}.",
                nameof(layer));
    }

    /// <summary>The spectrum of every part of a network that is <see cref="ICertifiable"/>, in order, by path and type.</summary>
    public static IReadOnlyList<(string Name, Spectrum Spectrum)> Spectra(Module network)
    {
        ArgumentNullException.ThrowIfNull(network);
        return [.. from named in network.NamedModules()
                   let layer = named.Module as ICertifiable
                   where layer is not null
                   select ($"{named.Name} {named.Module.GetType().Name}", layer.Certify())];
    }
}
