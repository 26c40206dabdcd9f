using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Analysis;
using Ortho.Layers.Losses;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;

namespace Ortho.Bench.Systems;

/// <summary>System 23: images with a global attribute (the orientation of a grating) and a local one (a glyph somewhere) are searched by descriptors of
/// two branches, fused in four ways.</summary>
sealed class DeepOrthogonalFusion : ISystem
{
    const int Size = 16, Orientations = 5, Glyphs = 5, GlyphSize = 4, TrainOfClass = 24, TestOfClass = 10, Descriptor = 32, Steps = 350, BatchSize = 50;
    const int Classes = Orientations * Glyphs, LocalChannels = 24, GlobalChannels = 48;

    /// <inheritdoc/>
    public string Key => "23";

    enum Fusion
    {
        Global,
        Hadamard,
        Concatenation,
        Orthogonal,
    }

    /// <inheritdoc/>
    public IReadOnlyList<Metric> Run(IReadOnlyList<ulong> seeds, Action<string> say, CancellationToken token)
    {
        var fusions = Enum.GetValues<Fusion>();
        var outcomes = seeds.Select(seed =>
        {
            var stream = new PhiloxStream(seed);
            double[] glyphs = [.. Enumerable.Range(0, Glyphs * GlyphSize * GlyphSize).Select(_ => stream.NextNormal())];
            var (train, test) = (Draw(TrainOfClass, glyphs, stream), Draw(TestOfClass, glyphs, stream));
            double[] outcome = [.. fusions.Select(fusion => Precision(fusion, train, test, new Generator(seed), token))];
            say($"seed {seed}: " + string.Join(", ", fusions.Zip(outcome, (fusion, map) => $"{fusion} {map:0.000}")));
            return outcome;
        }).ToList();
        double Mean(Fusion fusion) => outcomes.Average(outcome => outcome[(int)fusion]);
        var orthogonal = Mean(Fusion.Orthogonal);
        return
        [
            Metric.Report("mAP, global only", Mean(Fusion.Global)),
            Metric.Report("mAP, Hadamard product", Mean(Fusion.Hadamard)),
            Metric.Report("mAP, concatenation", Mean(Fusion.Concatenation)),
            Metric.AtLeast("orthogonal: 0.3 above global only", Mean(Fusion.Global) + 0.3, orthogonal),
            Metric.AtLeast("orthogonal: 0.05 above the Hadamard product", Mean(Fusion.Hadamard) + 0.05, orthogonal),
            Metric.AtMost("orthogonal: distance from concatenation", 0.05, Math.Abs(orthogonal - Mean(Fusion.Concatenation))),
        ];
    }

    static double Precision(Fusion fusion, (Tensor X, Tensor Labels) train, (Tensor X, Tensor Labels) test, Generator generator, CancellationToken token)
    {
        var (network, loss) = (new Network(fusion, generator), new ArcFace(Descriptor, Classes, generator, scale: 16));
        Training.Run(network.Parameters().Concat(loss.Parameters()), Steps, 3e-3, Schedules.Linear(Steps), () =>
        {
            var batch = Training.Batch(BatchSize, Classes * TrainOfClass, generator);
            return loss.Loss(network.Forward(train.X.IndexSelect(0, batch)), train.Labels.IndexSelect(0, batch));
        }, token);
        network.Eval();
        using var pause = Graph.NoGrad();
        var descriptors = network.Forward(test.X);
        return Retrieval.Evaluate(Retrieval.CosineTruncated(descriptors, descriptors), test.Labels, test.Labels, excludeSelf: true).MeanAveragePrecision;
    }

    // A grating of wavelength 5 in one of the orientations, a glyph of norm 4.5 at a random place, noise.
    static (Tensor X, Tensor Labels) Draw(int ofClass, double[] glyphs, PhiloxStream stream)
    {
        var (pixels, labels) = (new float[Classes * ofClass * Size * Size], new long[Classes * ofClass]);
        const int area = GlyphSize * GlyphSize;
        for (var k = 0; k < labels.Length; k++)
        {
            var kind = k / ofClass;
            labels[k] = kind;
            var (angle, phase) = (Math.PI * (kind / Glyphs) / Orientations, stream.NextUniform(0, 2 * Math.PI));
            var (glyph, top, left) = (kind % Glyphs * area, stream.NextInt(Size - GlyphSize + 1), stream.NextInt(Size - GlyphSize + 1));
            var norm = Math.Sqrt(Enumerable.Range(glyph, area).Sum(at => glyphs[at] * glyphs[at]));
            for (var y = 0; y < Size; y++)
            {
                for (var x = 0; x < Size; x++)
                {
                    var value = Math.Sin(2 * Math.PI / 5 * (x * Math.Cos(angle) + y * Math.Sin(angle)) + phase) + 0.35 * stream.NextNormal();
                    if (y >= top && y < top + GlyphSize && x >= left && x < left + GlyphSize)
                        value += glyphs[glyph + (y - top) * GlyphSize + x - left] * 4.5 / norm;
                    pixels[(k * Size + y) * Size + x] = (float)value;
                }
            }
        }
        return (Tensor.From(pixels, [labels.Length, 1, Size, Size]), Tensor.From(labels, [labels.Length]));
    }

    // The stem to 24 channels of 8x8 pixels; from there DolgHead, or the same parts fused in another way.
    sealed class Network : Module
    {
        readonly Fusion fusion;
        readonly Module stem, stage;
        readonly DolgHead? head;
        readonly GeMPooling? pooling;
        readonly Linear? global, descriptor;
        readonly SpatialAttention2d? local;

        public Network(Fusion fusion, Generator generator)
        {
            this.fusion = fusion;
            stem = Register("stem", new Sequential(
                new Conv2d(1, 16, 3, generator, padding: 1), new Activation(x => x.Relu()),
                new Conv2d(16, LocalChannels, 3, generator, stride: 2, padding: 1), new Activation(x => x.Relu())));
            stage = new Sequential(
                new Conv2d(LocalChannels, GlobalChannels, 3, generator, stride: 2, padding: 1), new Activation(x => x.Relu()),
                new Conv2d(GlobalChannels, GlobalChannels, 3, generator, padding: 1), new Activation(x => x.Relu()));
            if (fusion == Fusion.Orthogonal)
            {
                head = Register("head", new DolgHead(stage, LocalChannels, GlobalChannels, generator, Descriptor, [1, 2]));
                return;
            }
            _ = Register("stage", stage);
            pooling = Register("pooling", new GeMPooling());
            global = Register("global", new Linear(GlobalChannels, LocalChannels, generator));
            if (fusion != Fusion.Global)
                local = Register("local", new SpatialAttention2d(LocalChannels, LocalChannels, generator, [1, 2]));
            descriptor = Register("descriptor", new Linear(fusion == Fusion.Concatenation ? 2 * LocalChannels : LocalChannels, Descriptor, generator));
        }

        public override Tensor Forward(Tensor x)
        {
            x = stem.Forward(x);
            if (head is not null)
                return head.Forward(x);
            var (g, l) = (global!.Forward(pooling!.Forward(stage.Forward(x))), local?.Forward(x).Mean([2, 3]));
            return descriptor!.Forward(fusion switch
            {
                Fusion.Global => g,
                Fusion.Hadamard => g * l!,
                _ => Tensor.Concat([g, l!], 1),
            });
        }
    }
}
