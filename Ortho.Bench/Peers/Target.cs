namespace Ortho.Bench.Peers;

/// <summary>What a family of work is held to against libtorch: the geometric mean of the ratios ours / theirs of its works.</summary>
/// <param name="Floor">Work on the family is not done above it.</param>
/// <param name="Aim">What it should come near.</param>
sealed record Target(double Floor, double Aim)
{
    /// <summary>The peer that they are about.</summary>
    public const string Peer = "libtorch";

    /// <summary>The targets by family.</summary>
    public static IReadOnlyDictionary<string, Target> Of { get; } = new Dictionary<string, Target>
    {
        ["gemm"] = new(1.0, 0.9),
        ["pointwise"] = new(1.0, 0.8),
        ["fused"] = new(0.6, 0.4),
        ["fft"] = new(1.0, 0.5),
        ["circular-convolution"] = new(0.5, 0.25),
        ["newton-schulz"] = new(0.55, 0.3),
        ["newton-schulz-batched"] = new(0.35, 0.15),
        ["qr-batched"] = new(0.4, 0.1),
        ["qr-batched-backward"] = new(0.4, 0.2),
        ["qr"] = new(1.0, 0.8),
        ["householder"] = new(0.7, 0.4),
        ["householder-backward"] = new(0.1, 0.03),
        ["cayley"] = new(0.9, 0.5),
        ["matrix-exponential"] = new(0.7, 0.4),
        ["polar"] = new(0.3, 0.1),
        ["conv2d"] = new(1.3, 1.0),
        ["conv2d-backward"] = new(1.3, 1.0),
        ["orthogonal-step"] = new(0.6, 0.3),
        ["mlp-step"] = new(1.0, 0.7),
    };
}
