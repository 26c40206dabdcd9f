namespace Ortho.Autograd;

/// <summary>A number for the vertical and one for the horizontal dimension of images; one number stands for both.</summary>
/// <param name="Height">The vertical one; of no meaning for signals.</param>
/// <param name="Width">The horizontal one.</param>
public readonly record struct Extent2(int Height, int Width)
{
    /// <summary>The same in both dimensions.</summary>
    public static implicit operator Extent2(int both) => new(both, both);

    /// <summary>The vertical, then the horizontal one.</summary>
    public static implicit operator Extent2((int Height, int Width) sizes) => new(sizes.Height, sizes.Width);
}

/// <summary>Zeros around images.</summary>
/// <param name="Top">Rows above; of no meaning for signals, as <paramref name="Bottom"/>.</param>
/// <param name="Bottom">Rows below.</param>
/// <param name="Left">Columns before the first.</param>
/// <param name="Right">Columns behind the last.</param>
public readonly record struct Padding2(int Top, int Bottom, int Left, int Right)
{
    /// <summary>As many as leave the extents of the images unchanged at stride 1; where their number is odd, one more below and on the
    /// right.</summary>
    public static Padding2 Same { get; } = new(-1, -1, -1, -1);

    /// <summary>The same on all sides.</summary>
    public static implicit operator Padding2(int all) => new(all, all, all, all);

    /// <summary>So many rows above and below, and so many columns on the left and on the right.</summary>
    public static implicit operator Padding2((int Height, int Width) sizes) => new(sizes.Height, sizes.Height, sizes.Width, sizes.Width);
}
