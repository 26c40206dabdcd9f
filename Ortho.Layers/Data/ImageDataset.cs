namespace Ortho.Layers.Data;

/// <summary>Grey images [count, height, width] as bytes, each with a class. Immutable; subsets share the memory.</summary>
public sealed class ImageDataset
{
    readonly ReadOnlyMemory<byte> pixels;
    readonly ReadOnlyMemory<int> labels;

    /// <summary>Wraps arrays without copying them.</summary>
    /// <param name="name">What reports call it.</param>
    /// <param name="height">Rows of an image.</param>
    /// <param name="width">Columns of an image.</param>
    /// <param name="pixels">The images one after another, row by row; 0 is black.</param>
    /// <param name="labels">The class of each image, from 0.</param>
    /// <param name="classCount">How many classes there are.</param>
    /// <exception cref="ArgumentException">The lengths do not fit together or a label is not a class.</exception>
    public ImageDataset(string name, int height, int width, ReadOnlyMemory<byte> pixels, ReadOnlyMemory<int> labels, int classCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(classCount);
        if (pixels.Length != (long)labels.Length * height * width)
            throw new ArgumentException($"ImageDataset: {pixels.Length} pixels do not make {labels.Length} images of {height} x {width}.", nameof(pixels));
        var misfit = labels.Span.IndexOfAnyExceptInRange(0, classCount - 1);
        if (misfit >= 0)
            throw new ArgumentException($"ImageDataset: label {labels.Span[misfit]} of image {misfit}; expected 0 to {classCount - 1}.", nameof(labels));
        (Name, Height, Width, this.pixels, this.labels, ClassCount) = (name, height, width, pixels, labels, classCount);
    }

    /// <summary>What reports call it.</summary>
    public string Name { get; }

    /// <summary>How many images.</summary>
    public int Count => labels.Length;

    /// <summary>Rows of an image.</summary>
    public int Height { get; }

    /// <summary>Columns of an image.</summary>
    public int Width { get; }

    /// <summary>How many classes.</summary>
    public int ClassCount { get; }

    /// <summary>All images, [count, height, width] in row-major order.</summary>
    public ReadOnlySpan<byte> Pixels => pixels.Span;

    /// <summary>The class of each image, from 0.</summary>
    public ReadOnlySpan<int> Labels => labels.Span;

    /// <summary>One image, [height, width].</summary>
    /// <param name="index">Which.</param>
    public ReadOnlySpan<byte> Image(int index) => pixels.Span.Slice(checked(index * Height * Width), Height * Width);

    /// <summary>The images of a range, without copying.</summary>
    /// <param name="range">Which images.</param>
    public ImageDataset Subset(Range range)
    {
        var (start, length) = range.GetOffsetAndLength(Count);
        var size = Height * Width;
        return new ImageDataset(Name, Height, Width, pixels.Slice(start * size, length * size), labels.Slice(start, length), ClassCount);
    }

    /// <summary>Gathers a batch as numbers from 0 to 1, [indices, height, width].</summary>
    /// <param name="indices">Which images.</param>
    /// <param name="destination">Room for all of them.</param>
    public void CopyTo(ReadOnlySpan<int> indices, Span<float> destination)
    {
        var size = Height * Width;
        for (var i = 0; i < indices.Length; i++)
        {
            var source = Image(indices[i]);
            var target = destination.Slice(i * size, size);
            for (var p = 0; p < size; p++) target[p] = source[p] / 255f;
        }
    }

    /// <summary>
    /// MNIST or a data set of the same layout (Fashion-MNIST, KMNIST) from a folder with its four IDX files, each plain or <c>.gz</c>. When
    /// only the two t10k files are there, the first four fifths of them (8,000) train and the rest (2,000) test.
    /// </summary>
    /// <param name="directory">The folder.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or images and labels do not fit together.</exception>
    public static (ImageDataset Train, ImageDataset Test) Mnist(string directory)
    {
        if (!Directory.Exists(directory)) throw new DirectoryNotFoundException($"{directory}: no such folder; expected the IDX files of MNIST in it.");
        var test = LoadMnist(directory, "t10k");
        if (Find(directory, "train-images-idx3-ubyte") is null)
        {
            var split = test.Count / 5 * 4;
            return (test.Subset(..split), test.Subset(split..));
        }
        var train = LoadMnist(directory, "train");
        if ((train.Height, train.Width) != (test.Height, test.Width))
            throw new InvalidDataException($"{directory}: train images are {train.Height} x {train.Width}, t10k images {test.Height} x {test.Width}; expected the same size.");
        return (train, test);
    }

    static ImageDataset LoadMnist(string directory, string part)
    {
        const int digits = 10;
        var (imagePath, labelPath) = (Require(directory, $"{part}-images-idx3-ubyte"), Require(directory, $"{part}-labels-idx1-ubyte"));
        var (images, labels) = (IdxFile.Read(imagePath), IdxFile.Read(labelPath));
        if (images.Shape.Count != 3) throw new InvalidDataException($"{imagePath}: rank {images.Shape.Count} at offset 3; expected 3: count, rows, columns.");
        if (labels.Shape.Count != 1) throw new InvalidDataException($"{labelPath}: rank {labels.Shape.Count} at offset 3; expected 1: count.");
        if (images.Data.Length == 0) throw new InvalidDataException($"{imagePath}: shape [{string.Join(", ", images.Shape)}]; expected at least one image.");
        if (images.Shape[0] != labels.Shape[0])
            throw new InvalidDataException($"{labelPath}: {labels.Shape[0]} labels; expected {images.Shape[0]}, one for each image of {Path.GetFileName(imagePath)}.");
        var misfit = labels.Data.AsSpan().IndexOfAnyExceptInRange((byte)0, (byte)(digits - 1));
        if (misfit >= 0) throw new InvalidDataException($"{labelPath}: label {labels.Data[misfit]} at offset {8 + misfit}; expected 0 to {digits - 1}.");

        // the folder is called by the user what the data are: mnist, fashion-mnist, ...
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)));
        return new ImageDataset(name, images.Shape[1], images.Shape[2], images.Data, Array.ConvertAll(labels.Data, label => (int)label), digits);
    }

    static string Require(string directory, string name)
        => Find(directory, name) ?? throw new FileNotFoundException($"{Path.Combine(directory, name)}: no such file, nor with .gz.");

    static string? Find(string directory, string name)
    {
        var plain = Path.Combine(directory, name);
        return File.Exists(plain) ? plain : File.Exists(plain + ".gz") ? plain + ".gz" : null;
    }
}
