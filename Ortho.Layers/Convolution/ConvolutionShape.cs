using Ortho.Autograd;

namespace Ortho.Layers;

/// <summary>The architecture of a convolution: a cross-correlation y[m, p] = sum over c, t of K[m, c, t] x[c, S p + d (t - r)] with
/// r = floor(k/2) in each dimension; a signal is an image of one row.</summary>
/// <param name="Inputs">C, channels of x.</param>
/// <param name="Outputs">M, channels of y.</param>
/// <param name="Kernel">k, taps.</param>
/// <param name="Stride">S.</param>
/// <param name="Dilation">d.</param>
/// <param name="Groups">Groups of channels that are convolved apart.</param>
/// <param name="Padding">What lies beyond the edge.</param>
public sealed record ConvolutionShape(int Inputs, int Outputs, Extent2 Kernel, Extent2 Stride, Extent2 Dilation, int Groups,
    ConvolutionPadding Padding)
{
    /// <summary>Channels of x in a group.</summary>
    public int GroupInputs => Inputs / Groups;

    /// <summary>Channels of y in a group.</summary>
    public int GroupOutputs => Outputs / Groups;

    /// <summary>Places from the first of a stride to that of the next: Sh Sw.</summary>
    public int Block => Stride.Height * Stride.Width;

    /// <summary>Places that a tap before the middle reaches back: d floor(k/2).</summary>
    public Extent2 Before => new(Dilation.Height * (Kernel.Height / 2), Dilation.Width * (Kernel.Width / 2));

    /// <summary>Places that the last tap reaches forward: d floor((k-1)/2).</summary>
    public Extent2 After => new(Dilation.Height * ((Kernel.Height - 1) / 2), Dilation.Width * ((Kernel.Width - 1) / 2));
}
