using Ortho.Tensors;

namespace Ortho.Layers.Data;

/// <summary>How much the generated glyphs vary. The defaults leave a small network a few percent of errors.</summary>
public sealed record GlyphOptions
{
    /// <summary>The glyph as drawn on paper: no jitter, no noise.</summary>
    public static GlyphOptions Clean { get; } = new() { Translation = 0, Rotation = 0, Scaling = 0, Thickening = 0, Fading = 0, Noise = 0 };

    /// <summary>Rows and columns of an image.</summary>
    public int Size { get; init; } = 16;

    /// <summary>Largest shift along each axis, in halves of the image.</summary>
    public double Translation { get; init; } = 0.2;

    /// <summary>Largest turn either way, as the tangent of half the angle: 0.2 is 22.6 degrees.</summary>
    public double Rotation { get; init; } = 0.2;

    /// <summary>Largest relative change of size.</summary>
    public double Scaling { get; init; } = 0.25;

    /// <summary>Largest relative change of the stroke's width.</summary>
    public double Thickening { get; init; } = 0.4;

    /// <summary>Largest loss of contrast between stroke and ground.</summary>
    public double Fading { get; init; } = 0.5;

    /// <summary>Standard deviation of the noise on each pixel, where 1 is the step from black to white.</summary>
    public double Noise { get; init; } = 0.1;
}

/// <summary>
/// Generated images: ten classes of drawn glyphs, each placed, turned, scaled, thickened, faded and covered with noise at random. Image i
/// depends on the seed and on i only. Nothing but additions, multiplications, divisions and square roots in double precision is used, which
/// IEEE 754 rounds in one way, so that the bytes are the same on every machine.
/// </summary>
public static class Glyphs
{
    // Half the width of a stroke on a canvas from -1 to 1. Coordinates are x to the right, y down; every glyph fits into the unit circle.
    const double HalfWidth = 0.14;

    static readonly Drawing[] Drawings =
    [
        new("ring", Ring: 0.62, []),
        new("cross", Ring: null, [new(-0.55, -0.55, 0.55, 0.55), new(-0.55, 0.55, 0.55, -0.55)]),
        new("plus", Ring: null, [new(-0.75, 0, 0.75, 0), new(0, -0.75, 0, 0.75)]),
        new("triangle", Ring: null, Closed((0, -0.75), (0.72, 0.55), (-0.72, 0.55))),
        new("square", Ring: null, Closed((-0.58, -0.58), (0.58, -0.58), (0.58, 0.58), (-0.58, 0.58))),
        new("bars", Ring: null, [new(-0.65, -0.6, 0.65, -0.6), new(-0.65, 0, 0.65, 0), new(-0.65, 0.6, 0.65, 0.6)]),
        new("arrow", Ring: null, [new(0, 0.75, 0, -0.75), new(0, -0.75, -0.5, -0.2), new(0, -0.75, 0.5, -0.2)]),
        new("zigzag", Ring: null, [new(-0.75, 0.4, -0.25, -0.4), new(-0.25, -0.4, 0.25, 0.4), new(0.25, 0.4, 0.75, -0.4)]),
        new("dots", Ring: null, [Dot(-0.5, -0.5), Dot(0.5, -0.5), Dot(0, 0), Dot(-0.5, 0.5), Dot(0.5, 0.5)]),
        new("corner", Ring: null, [new(-0.5, -0.7, -0.5, 0.6), new(-0.5, 0.6, 0.6, 0.6)]),
    ];

    /// <summary>How many classes there are.</summary>
    public static int ClassCount => Drawings.Length;

    /// <summary>The name of each class.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Drawings.Select(drawing => drawing.Name)];

    /// <summary>Draws a data set in which the classes take turns.</summary>
    /// <param name="count">How many images.</param>
    /// <param name="seed">Equal seeds give equal images.</param>
    /// <param name="options">How much they vary.</param>
    public static ImageDataset Generate(int count, ulong seed, GlyphOptions? options = null)
    {
        options ??= new GlyphOptions();
        var stream = new PhiloxStream(seed);
        var area = options.Size * options.Size;
        var pixels = new byte[checked(count * area)];
        var labels = new int[count];
        Parallel.For(0, count, i =>
        {
            labels[i] = i % ClassCount;
            Draw(Drawings[labels[i]], stream.Split((ulong)i), options, pixels.AsSpan(i * area, area));
        });
        return new ImageDataset("glyphs", options.Size, options.Size, pixels, labels, ClassCount);
    }

    static void Draw(Drawing drawing, PhiloxStream random, GlyphOptions options, Span<byte> pixels)
    {
        var (shiftX, shiftY) = (Jitter(options.Translation), Jitter(options.Translation));
        // Cosine and sine from the tangent of the half angle: exact arithmetic, where Math.Sin is the system library's
        var tangent = Jitter(options.Rotation);
        var (cosine, sine) = ((1 - tangent * tangent) / (1 + tangent * tangent), 2 * tangent / (1 + tangent * tangent));
        var scale = 1 + Jitter(options.Scaling);
        var halfWidth = HalfWidth * (1 + Jitter(options.Thickening));
        var contrast = 1 - options.Fading * random.NextUniform();
        var ground = (1 - contrast) * random.NextUniform();
        var pixel = 2.0 / options.Size;

        for (var row = 0; row < options.Size; row++)
        for (var column = 0; column < options.Size; column++)
        {
            // from the pixel's centre back to the canvas on which the glyph was drawn
            var (x, y) = ((column + 0.5) * pixel - 1 - shiftX, (row + 0.5) * pixel - 1 - shiftY);
            var distance = scale * drawing.Distance((cosine * x + sine * y) / scale, (cosine * y - sine * x) / scale);
            var coverage = Math.Clamp(0.5 + (halfWidth - distance) / pixel, 0, 1);
            var value = ground + contrast * coverage + options.Noise * Noise();
            pixels[row * options.Size + column] = (byte)(255 * Math.Clamp(value, 0, 1) + 0.5);
        }

        double Jitter(double most) => random.NextUniform(-most, most);

        // Four uniform numbers of 16 bits: mean 0, variance 1, bell-shaped, and exact, where a logarithm would not be
        double Noise()
        {
            var (a, b) = (random.NextUInt32(), random.NextUInt32());
            var sum = (long)(a & 0xFFFF) + (a >> 16) + (b & 0xFFFF) + (b >> 16);
            return (sum - 2 * 65535) * (1.7320508075688772 / 65536);
        }
    }

    static Stroke Dot(double x, double y) => new(x, y, x, y, Thickness: 1.6);

    static Stroke[] Closed(params (double X, double Y)[] corners)
        => [.. corners.Select((corner, i) => new Stroke(corner.X, corner.Y, corners[(i + 1) % corners.Length].X, corners[(i + 1) % corners.Length].Y))];

    /// <summary>A circle of the given radius, or strokes.</summary>
    sealed record Drawing(string Name, double? Ring, Stroke[] Strokes)
    {
        /// <summary>Distance of a point to the middle of the nearest stroke.</summary>
        public double Distance(double x, double y)
        {
            var nearest = Ring is { } radius ? Math.Abs(Math.Sqrt(x * x + y * y) - radius) : double.PositiveInfinity;
            foreach (var stroke in Strokes) nearest = Math.Min(nearest, stroke.Distance(x, y));
            return nearest;
        }
    }

    /// <summary>A straight stroke with round ends, or a dot.</summary>
    readonly record struct Stroke(double X0, double Y0, double X1, double Y1, double Thickness = 1)
    {
        public double Distance(double x, double y)
        {
            var (dx, dy, px, py) = (X1 - X0, Y1 - Y0, x - X0, y - Y0);
            var length = dx * dx + dy * dy;
            var along = length > 0 ? Math.Clamp((px * dx + py * dy) / length, 0, 1) : 0;
            var (ex, ey) = (px - along * dx, py - along * dy);
            return Math.Sqrt(ex * ex + ey * ey) - (Thickness - 1) * HalfWidth;
        }
    }
}
