using Ortho.Autograd;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;
using Ortho.Tensors.IO;

namespace Ortho.Layers.Training;

/// <summary>Learns from a stream, without storing it, the orthogonal matrix in which the data are sparse: y = D x with most elements of x
/// zero. Maximises E |D^T y|_p^p, p &gt; 2, over the spectral-norm ball, the convex hull of the orthogonal matrices, by <see
/// cref="FrankWolfe"/>: one averaged gradient, one polar factor and one convex combination for each batch. Xue and Lau 2021.</summary>
/// <remarks>
/// The objective is convex, so that a maximiser lies on the orthogonal matrices: the relaxation is tight, and D drifts to them by itself.
/// D is found up to signs and order of its columns. p = 3 recovers better than p = 4 (measured, <c>Ortho.Bench -- systems 05</c>). What
/// is remembered is D and the averaged gradient, 2 n^2 numbers, whatever the length of the stream. Data that are not from an orthogonal
/// model should be whitened before.
/// </remarks>
public sealed class OnlineOrthogonalDictionary
{
    readonly double p;
    readonly FrankWolfe steps;
    readonly Tensor dictionary;

    /// <summary>A dictionary that has seen nothing: a random orthogonal matrix, of which the first batch keeps nothing but its own
    /// gradient there.</summary>
    /// <param name="dimension">n.</param>
    /// <param name="generator">Source of the start.</param>
    /// <param name="p">Exponent, 3 or 4 as a rule.</param>
    /// <param name="polar">How polar factors are found.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <param name="device">Where it is; the CPU when null.</param>
    /// <exception cref="ArgumentOutOfRangeException">No dimension, or an exponent that is not above 2.</exception>
    public OnlineOrthogonalDictionary(int dimension, Generator generator, double p = 3, PolarMethod polar = PolarMethod.Svd,
        DType dtype = DType.Float64, Device? device = null)
        : this(Tensor.Haar([Positive(dimension), dimension], generator, dtype: dtype, device: device), p, polar)
    {
    }

    /// <summary>A dictionary with a start of one's own.</summary>
    /// <param name="start">An orthogonal matrix [n, n], copied.</param>
    /// <param name="p">Exponent, 3 or 4 as a rule.</param>
    /// <param name="polar">How polar factors are found.</param>
    /// <exception cref="TensorArgumentException">Not a square real matrix.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The exponent is not above 2.</exception>
    public OnlineOrthogonalDictionary(Tensor start, double p = 3, PolarMethod polar = PolarMethod.Svd)
    {
        ArgumentNullException.ThrowIfNull(start);
        if (start.Rank != 2 || start.Shape[0] != start.Shape[1] || start.DType is not (DType.Float32 or DType.Float64))
            throw new TensorArgumentException("OnlineOrthogonalDictionary", nameof(start), $"{start.DType} {start.Shape}",
                "a square matrix, Float32 or Float64");
        this.p = Exponent(p);
        steps = new(new SpectralBall(1, polar));
        using (Graph.NoGrad())
            dictionary = TensorScope.Release(start.Clone());
    }

    /// <summary>D [n, n], of norm at most 1; changed in place by <see cref="PartialFit"/>.</summary>
    public Tensor Dictionary => dictionary;

    /// <summary>Batches seen.</summary>
    public int Steps => steps.Steps;

    /// <summary>Learns from some samples.</summary>
    /// <param name="batch">[samples, n], of the dictionary's dtype and device.</param>
    /// <returns>The Frank-Wolfe gap before the step, a number [] on the dictionary's device.</returns>
    /// <exception cref="TensorArgumentException">The batch does not fit, or (on the CPU; a device would have to be waited for) has elements that are not
    /// finite: nothing is changed.</exception>
    public Tensor PartialFit(Tensor batch)
    {
        using var pause = Graph.NoGrad();
        using var scope = new TensorScope();
        return scope.Keep(steps.Step(dictionary, Gradient(Checked("PartialFit", batch), dictionary, p)));
    }

    /// <summary>The orthogonal matrix nearest to D.</summary>
    public Tensor Orthogonalized() => Polar(dictionary);

    /// <summary>Codes of samples, y D, of which those below a threshold are 0.</summary>
    /// <param name="y">[samples, n].</param>
    /// <param name="threshold">The least magnitude that is kept.</param>
    /// <exception cref="TensorArgumentException">The samples do not fit.</exception>
    public Tensor Encode(Tensor y, double threshold = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threshold);
        Fits("Encode", y);
        return y.MatMul(dictionary).Hardshrink(threshold);
    }

    /// <summary>The batch method, matching, stretching and projection: D &lt;- polar(gradient at D) on stored data. Zhai et al. 2019. The
    /// objective never falls.</summary>
    /// <param name="data">[samples, n], Float32 or Float64.</param>
    /// <param name="start">D at first [n, n].</param>
    /// <param name="p">Exponent.</param>
    /// <param name="iterations">How many.</param>
    /// <returns>An orthogonal matrix [n, n].</returns>
    public static Tensor FitBatch(Tensor data, Tensor start, double p, int iterations)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(start);
        ArgumentOutOfRangeException.ThrowIfNegative(iterations);
        if (data.Rank != 2 || start.Rank != 2 || start.Shape[0] != start.Shape[1] || data.Shape[1] != start.Shape[0] || data.DType != start.DType)
            throw new TensorArgumentException("FitBatch", nameof(data),
                $"{data.DType} {data.Shape} for a start {start.DType} {start.Shape}", "[samples, n] for [n, n]");
        Exponent(p);
        using var pause = Graph.NoGrad();
        var d = start;
        for (var step = 0; step < iterations; step++)
            d = Polar(Gradient(data, d, p));
        return d;
    }

    /// <summary>The objective of a batch, mean over samples of |D^T y|_p^p; differentiable.</summary>
    /// <param name="batch">[samples, n].</param>
    /// <param name="dictionary">D [n, n].</param>
    /// <param name="p">Exponent.</param>
    public static Tensor Objective(Tensor batch, Tensor dictionary, double p) => batch.MatMul(dictionary).Abs().Pow(p).Sum([-1]).Mean();

    /// <summary>The gradient of <see cref="Objective"/> in D: p/B Y (|Z|^(p-1) sign Z), Z = Y^T D for samples in rows.</summary>
    /// <param name="batch">[samples, n].</param>
    /// <param name="dictionary">D [n, n].</param>
    /// <param name="p">Exponent.</param>
    public static Tensor Gradient(Tensor batch, Tensor dictionary, double p)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var z = batch.MatMul(dictionary);
        var slope = p == 3 ? z * z.Abs() : p == 4 ? z * z.Square() : z.Sign() * z.Abs().Pow(p - 1);
        return batch.T.MatMul(slope) * (p / batch.Shape[0]);
    }

    /// <summary>How far a dictionary is from the truth, up to signs and order: 1 - mean over its columns of the largest |cosine| with a
    /// column of the truth (<c>Column</c>), and the same with both exchanged (<c>Row</c>). 0 only for a signed permutation.</summary>
    /// <param name="dictionary">[n, n]; its columns are brought to length 1.</param>
    /// <param name="truth">[n, n], orthogonal.</param>
    public static (double Column, double Row) RecoveryError(Tensor dictionary, Tensor truth)
    {
        using var pause = Graph.NoGrad();
        using var scope = new TensorScope();
        var cosines = truth.T.MatMul(dictionary / dictionary.Norm([0], keepDimensions: true)).Abs();
        return (1 - cosines.Max(0).Values.Mean().Item(), 1 - cosines.Max(1).Values.Mean().Item());
    }

    /// <summary>Writes everything that is remembered to a safetensors file, atomically.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">The file cannot be written; what was there before still is.</exception>
    public void Save(string path)
    {
        var state = new OrderedDictionary<string, Tensor> { ["dictionary"] = dictionary, ["steps"] = Tensor.Scalar((long)Steps) };
        if (steps.Average is { } average)
            state["average"] = average;
        Safetensors.Save(path, state, new Dictionary<string, string> { ["p"] = p.ToString("R",
            System.Globalization.CultureInfo.InvariantCulture) });
    }

    /// <summary>Goes on where a saved dictionary was: to the last bit, given the same exponent and polar method.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="TensorArgumentException">The file's entries are not those of a dictionary of this size.</exception>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public void Load(string path)
    {
        using var pause = Graph.NoGrad();
        using var file = Safetensors.Open(path);
        var count = Tensor.Zeros([], DType.Int64);
        var targets = new OrderedDictionary<string, Tensor> { ["dictionary"] = dictionary, ["steps"] = count };
        var average = dictionary.ZerosLike();
        if (file.Names.Contains("average"))
            targets["average"] = average;
        NamedTensors.Assign("Load", "this OnlineOrthogonalDictionary", targets, file.Names, file.Describe, name => file[name]);
        steps.Resume(targets.ContainsKey("average") ? average : null, (int)count.Item());
    }

    Tensor Checked(string operation, Tensor batch)
    {
        Fits(operation, batch);
        if (batch.Shape[0] == 0)
            throw new TensorArgumentException(operation, nameof(batch), $"{batch.Shape}", "at least one sample");
        if (batch.Device == Device.Cpu && !double.IsFinite(batch.Abs().Sum().Item()))
            throw new TensorArgumentException(operation, nameof(batch), "elements that are not finite", "numbers");
        return batch;
    }

    void Fits(string operation, Tensor batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (batch.Rank != 2 || batch.Shape[1] != dictionary.Shape[0] || batch.DType != dictionary.DType || batch.Device != dictionary.Device)
        {
            throw new TensorArgumentException(operation, nameof(batch), $"{batch.DType} {batch.Shape} on {batch.Device}",
                $"{dictionary.DType} [samples, {dictionary.Shape[0]}] on {dictionary.Device}");
        }
    }

    static Tensor Polar(Tensor x)
    {
        var (u, _, v) = x.Svd();
        return u.MatMul(v.H);
    }

    static int Positive(int dimension)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        return dimension;
    }

    static double Exponent(double p) => p > 2 ? p : throw new ArgumentOutOfRangeException(nameof(p), p,
        $"p is {p}; expected a number above 2.");
}
