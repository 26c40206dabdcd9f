using System.Runtime.Intrinsics;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.Fourier;

/// <summary>Transforms over the last two dimensions on the host, image by image: what the first leaves to the second is still in the cache.</summary>
/// <remarks>
/// Small images run a vector of them at once, one in each position (<see cref="Stack{V, E, FV}"/>); larger ones alone, rows and columns as
/// <see cref="HostFft.Lines{E}"/>. The arithmetic is that of one dimension after the other: rows before columns, but for
/// <see cref="TransformKind.ComplexToReal"/>.
/// </remarks>
static unsafe class HostPlane
{
    /// <summary>A transform over two dimensions.</summary>
    /// <param name="Kind">Of the rows; columns are complex.</param>
    /// <param name="Rows">The plan of a row.</param>
    /// <param name="Columns">The plan of a column.</param>
    /// <param name="X">A row of the source.</param>
    /// <param name="Y">A row of the result.</param>
    /// <param name="Height">Rows.</param>
    /// <param name="Inverse">Whether it is by exp(+2 pi i j k / n).</param>
    /// <param name="Scale">Factor of the result.</param>
    internal sealed record Job(TransformKind Kind, FftPlan Rows, FftPlan Columns, Packing.Side X, Packing.Side Y, int Height, bool Inverse, double Scale)
    {
        /// <summary>A job of the kind over [height, width] numbers (real ones, unless complex become complex).</summary>
        public Job(TransformKind kind, int height, int width, bool inverse, double scale) : this(kind, FftPlan.Of(kind, width), FftPlan.Of(TransformKind.Complex, height),
            Fft.Source(kind, width, inverse), Fft.Result(kind, width, inverse), height, inverse, scale)
        {
        }

        /// <summary>Elements of a row's spectrum.</summary>
        public int Bins => Kind == TransformKind.ComplexToReal ? X.Length : Y.Length;

        /// <summary>The longest signal of either dimension.</summary>
        public int Longest => Math.Max(Rows.Longest, Columns.Longest);

        /// <summary>An image's work in cheap operations.</summary>
        public long Work => (long)Height * Bins * (Rows.Steps.Length + Columns.Steps.Length);

        public Fft.Job RowJob => new(Rows, Height, 1, X, Y, Kind == TransformKind.ComplexToReal ? Scale : 1);

        public Fft.Job ColumnJob
        {
            get
            {
                var side = new Packing.Side(Height, 2, Inverse ? 1 : 0, 1);
                return new(Columns, 1, Bins, side, side, Kind == TransformKind.ComplexToReal ? 1 : Scale);
            }
        }
    }

    // An image's spectrum that stays in the second-level cache beside the image and the scratch memory.
    const long CachedBytes = 512 << 10;

    /// <summary>Transforms every image, unless one dimension after the other is better.</summary>
    /// <returns>Whether it did.</returns>
    public static bool Run<T, E, F>(Job job, Tensor x, Tensor y) where T : struct, ILane<T> where E : unmanaged where F : struct, IFormat<T, E>
    {
        var images = x.Shape[..^2].ElementCount;
        var numbers = 2L * job.Height * job.Bins;
        var (from, to) = ((nint)HostFft.Start<E>(x), (nint)HostFft.Start<E>(y));
        var width = HostFft.Width<E>(numbers);
        if (images >= width && width >= Math.Min(Packed256<E>.Width, HostFft.Width<E>(0)) && numbers * width * sizeof(E) <= CachedBytes)
        {
            HostThreads.Range((images + width - 1) / width, Math.Max(1, HostThreads.Grain / (job.Work * width)), (begin, end) =>
            {
                for (var block = begin; block < end; block++)
                {
                    var (first, count) = (block * width, (int)Math.Min(width, images - block * width));
                    if (width == Packed512<E>.Width)
                        Stacked<Vec512<E>, E, Packed512<E>>(job, from, to, first, count);
                    else if (width == Packed256<E>.Width)
                        Stacked<Vec256<E>, E, Packed256<E>>(job, from, to, first, count);
                    else if (width == Packed128<E>.Width)
                        Stacked<Vec128<E>, E, Packed128<E>>(job, from, to, first, count);
                    else
                        Stacked<T, E, F>(job, from, to, first, count);
                }
                FourierScratch.ReleaseLarge();
            });
        }
        else if (images > 1 && numbers * sizeof(E) <= CachedBytes)
        {
            HostThreads.Range(images, Math.Max(1, HostThreads.Grain / job.Work), (begin, end) =>
            {
                for (var image = begin; image < end; image++)
                    Alone<T, E, F>(job, (E*)from + image * job.Height * job.X.Numbers, (E*)to + image * job.Height * job.Y.Numbers);
                FourierScratch.ReleaseLarge();
            });
        }
        else
        {
            return false;
        }
        GC.KeepAlive(x);
        GC.KeepAlive(y);
        return true;
    }

    static void Stacked<V, E, FV>(Job job, nint from, nint to, long first, int count) where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
    {
        var stack = new Stack<V, E, FV>(job);
        var images = stackalloc nint[FV.Width];
        Stack<V, E, FV>.Addresses((E*)from, (long)job.Height * job.X.Numbers, first, count, images);
        if (job.Kind == TransformKind.ComplexToReal)
        {
            stack.LoadSpectra(images);
            stack.Columns();
            Stack<V, E, FV>.Addresses((E*)to, (long)job.Height * job.Y.Numbers, first, count, images);
            stack.StoreRows(images, count, Window.Whole(job.Height, job.Y.Length));
        }
        else
        {
            stack.LoadRows(images, Window.Whole(job.Height, job.X.Length));
            stack.Columns();
            Stack<V, E, FV>.Addresses((E*)to, (long)job.Height * job.Y.Numbers, first, count, images);
            stack.StoreSpectra(images, count);
        }
    }

    static void Alone<T, E, F>(Job job, E* x, E* y) where T : struct, ILane<T> where E : unmanaged where F : struct, IFormat<T, E>
    {
        if (job.Kind == TransformKind.ComplexToReal)
        {
            var between = (E*)FourierScratch.Plane((nuint)(2L * job.Height * job.Bins) * (nuint)sizeof(E));
            Lines<T, E, F>(job.ColumnJob, x, between);
            Lines<T, E, F>(job.RowJob, between, y);
        }
        else
        {
            // A block of columns is read before it is written: in place.
            Lines<T, E, F>(job.RowJob, x, y);
            Lines<T, E, F>(job.ColumnJob, y, y);
        }
    }

    static void Lines<T, E, F>(Fft.Job job, E* x, E* y) where T : struct, ILane<T> where E : unmanaged where F : struct, IFormat<T, E>
    {
        var lines = new HostFft.Lines<E>(job, x, y);
        lines.Run<T, F>(0, lines.Blocks);
    }
}

/// <summary>The part of a circular plane that an image covers: its element (0, 0) lies at (<paramref name="Top"/>, <paramref name="Left"/>),
/// and what leaves the plane on one side comes in on the other.</summary>
readonly record struct Window(int Rows, int Columns, int Top, int Left)
{
    public static Window Whole(int rows, int columns) => new(rows, columns, 0, 0);
}

/// <summary>A vector of images and their spectra, one in each position: a plane of rows of bins, as <see cref="PlaceKind.Packed"/> signals.</summary>
readonly unsafe struct Stack<V, E, FV> where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
{
    readonly HostPlane.Job job;
    readonly E* plane, a, b;

    /// <summary>Takes the memory of the calling thread.</summary>
    public Stack(HostPlane.Job job)
    {
        this.job = job;
        var numbers = 2L * FV.Width * job.Longest;
        a = (E*)FourierScratch.Steps((nuint)(2 * numbers) * (nuint)sizeof(E));
        b = a + numbers;
        plane = (E*)FourierScratch.Plane((nuint)(2L * job.Height * job.Bins * FV.Width) * (nuint)sizeof(E));
    }

    E* Row(int row) => plane + (nint)row * job.Bins * (2 * FV.Width);

    /// <summary>Where images begin that follow each other; positions beyond the last of a block repeat it.</summary>
    public static void Addresses(E* start, long numbers, long first, int count, nint* images)
    {
        for (var w = 0; w < FV.Width; w++)
            images[w] = (nint)(start + (first + Math.Min(w, count - 1)) * numbers);
    }

    /// <summary>Transforms the rows of images, zero outside a window, into the plane.</summary>
    public void LoadRows(nint* images, Window window)
    {
        for (var row = 0; row < window.Rows; row++)
        {
            Packing.Pack<V, E, FV>(images, (nint)row * window.Columns * job.X.Parts, window.Columns * job.X.Parts, window.Left, job.X, b);
            var target = Row((row + window.Top) % job.Height);
            HostFft.Execute<V, E, FV>(job.Rows, new(PlaceKind.Packed, (nint)b), new(PlaceKind.Packed, (nint)target), a, b);
        }
        if (window.Rows == job.Height)
            return;
        // Rows of zeros are all alike.
        var empty = Row((window.Rows + window.Top) % job.Height);
        new Span<E>(b, 2 * job.Rows.InLength * FV.Width).Clear();
        HostFft.Execute<V, E, FV>(job.Rows, new(PlaceKind.Packed, (nint)b), new(PlaceKind.Packed, (nint)empty), a, b);
        var numbers = 2 * job.Bins * FV.Width;
        for (var row = window.Rows + 1; row < job.Height; row++)
            new Span<E>(empty, numbers).CopyTo(new(Row((row + window.Top) % job.Height), numbers));
    }

    /// <summary>Transforms the plane's rows, those of them that meet a window, into images.</summary>
    public void StoreRows(nint* images, int count, Window window)
    {
        var result = HostFft.LastOf(job.Rows, a, b);
        for (var row = 0; row < window.Rows; row++)
        {
            var source = new Place(PlaceKind.Packed, (nint)Row((row + window.Top) % job.Height));
            HostFft.Execute<V, E, FV>(job.Rows, source, HostFft.PackedResult(result, FV.Width, job.Scale), a, b);
            Packing.Unpack<V, E, FV>(images, count, (nint)row * window.Columns * job.Y.Parts, window.Columns * job.Y.Parts, window.Left, job.Y, result);
        }
    }

    Packing.Side Spectrum => new(job.Height * job.Bins, 2, job.Kind == TransformKind.Complex && job.Inverse ? 1 : 0, 1);

    /// <summary>Packs spectra of images, [height, bins], into the plane.</summary>
    public void LoadSpectra(nint* images) => Packing.Pack<V, E, FV>(images, 0, Spectrum.Numbers, 0, Spectrum, plane);

    /// <summary>The inverse of <see cref="LoadSpectra"/>.</summary>
    public void StoreSpectra(nint* images, int count) => Packing.Unpack<V, E, FV>(images, count, 0, Spectrum.Numbers, 0, Spectrum, plane);

    /// <summary>Transforms the plane's columns where they are.</summary>
    public void Columns()
    {
        for (var column = 0; column < job.Bins; column++)
            HostFft.Execute<V, E, FV>(job.Columns, Column(column), Column(column) with { Scale = ColumnScale }, a, b);
    }

    /// <summary>Transforms images, zero outside a window, and writes number f of their spectra to <c>spectra + 2 f row</c>, the imaginary
    /// part <paramref name="row"/> further on.</summary>
    public void Forward(nint* images, Window window, E* spectra, int row)
    {
        if (job.Height == 1)
        {
            Packing.Pack<V, E, FV>(images, 0, window.Columns, window.Left, job.X, b);
            HostFft.Execute<V, E, FV>(job.Rows, new(PlaceKind.Packed, (nint)b), Place.Apart(spectra, 2 * (nint)row, row, false, job.Scale), a, b);
            return;
        }
        LoadRows(images, window);
        for (var column = 0; column < job.Bins; column++)
            HostFft.Execute<V, E, FV>(job.Columns, Column(column), Frequencies(spectra, row, column) with { Scale = job.Scale }, a, b);
    }

    /// <summary>The inverse transform of spectra that lie like those of <see cref="Forward"/>, into the window's part of images.</summary>
    public void Inverse(E* spectra, int row, nint* images, int count, Window window)
    {
        if (job.Height == 1)
        {
            var result = HostFft.LastOf(job.Rows, a, b);
            HostFft.Execute<V, E, FV>(job.Rows, Place.Apart(spectra, 2 * (nint)row, row), HostFft.PackedResult(result, FV.Width, job.Scale), a, b);
            Packing.Unpack<V, E, FV>(images, count, 0, window.Columns, window.Left, job.Y, result);
            return;
        }
        for (var column = 0; column < job.Bins; column++)
            HostFft.Execute<V, E, FV>(job.Columns, Frequencies(spectra, row, column), Column(column), a, b);
        StoreRows(images, count, window);
    }

    Place Frequencies(E* spectra, int row, int column) => Place.Apart(spectra + (nint)column * 2 * row, (nint)job.Bins * 2 * row, row, IsFlipped);

    double ColumnScale => job.Kind == TransformKind.ComplexToReal ? 1 : job.Scale;

    // An inverse transform of complex images runs on exchanged parts throughout.
    bool IsFlipped => job.Inverse && job.Kind != TransformKind.Complex;

    Place Column(int column) => Place.Apart(plane + (nint)column * (2 * FV.Width), (nint)job.Bins * (2 * FV.Width), FV.Width, IsFlipped);
}
