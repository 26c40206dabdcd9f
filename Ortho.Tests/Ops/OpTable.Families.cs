namespace Ortho.Tests.Ops;

public static partial class OpTable
{
    static IEnumerable<OpRow> Fourier() => [];

    static IEnumerable<OpRow> Orthogonal() => [];
}
