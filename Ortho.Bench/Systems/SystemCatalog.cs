namespace Ortho.Bench.Systems;

/// <summary>The systems that the library is to hold, and the experiments there are.</summary>
static class SystemCatalog
{
    /// <summary>Every system's title, by number.</summary>
    public static IReadOnlyDictionary<string, string> Titles { get; } = new SortedDictionary<string, string>
    {
        ["01"] = "Orthogonal convolution",
        ["02"] = "MatryoshkaKV",
        ["03"] = "OmniPrism",
        ["04"] = "OCA",
        ["05"] = "Online orthogonal dictionary learning",
        ["06"] = "Continual Inference Networks and Structured Pruning Adapters",
        ["07"] = "Neural Collapse in deep linear networks",
        ["08"] = "Retrieval-augmented generation of images",
        ["09"] = "Linear Interpreter (LinearScope)",
        ["10"] = "Parameter-free spatial layers",
        ["11"] = "Depth-efficiency analysis",
        ["12"] = "HLOP",
        ["13"] = "EBV",
        ["14"] = "AuON and the orthogonalising optimisers",
        ["15"] = "LayerDecomp",
        ["16"] = "Modern Hopfield layers",
        ["17"] = "Hierarchical polynomials by layerwise training",
        ["18"] = "Shallow parallel residual layer",
        ["19"] = "OPCM",
        ["20"] = "Parameterized hypercomplex layers",
        ["21"] = "MgNO",
        ["22"] = "Neural operators toolkit",
        ["23"] = "DOLG",
        ["24"] = "Householder projector",
        ["25"] = "Tversky layers",
        ["26"] = "Hourglass MLP",
        ["27"] = "EvoNorm",
        ["28"] = "Starbucks",
        ["29"] = "Bricks",
        ["30"] = "Scalable neural network kernels",
        ["31"] = "NoProp",
        ["32"] = "LayGA",
        ["33"] = "S4-PTD / S5-PTD",
        ["34"] = "DesignEdit",
        ["35"] = "HyperZZW / Terminator",
        ["36"] = "FW-Merging",
        ["37"] = "Projection head",
        ["38"] = "Rotation representations",
        ["39"] = "Score gauge freedom",
        ["40"] = "Tri-plane fields",
        ["41"] = "Observable Propagation (ObsProp)",
        ["42"] = "SineNet",
        ["43"] = "OLinear",
        ["44"] = "Group-rational KAN",
        ["45"] = "AF-KAN (with B-spline KAN and ReLU-KAN)",
        ["46"] = "Convergent learning",
        ["47"] = "Mixup and neural collapse",
        ["48"] = "aTLAS",
        ["49"] = "Spherical-harmonic location encoder",
        ["50"] = "Locally regularized neural differential equations",
        ["51"] = "DCT low-rank optimisers",
        ["52"] = "Li2 / grokking dynamics",
        ["53"] = "Hierarchical proxy nodes",
        ["54"] = "Gaunt Tensor Product",
        ["55"] = "Axial attention and the Axial Transformer",
        ["56"] = "BVTON canonicalizing flow",
        ["57"] = "Unified Embedding",
        ["58"] = "DMJD",
        ["59"] = "MBAT with orthogonal matrices, and soft vectors for JSON",
        ["60"] = "In-context Newton",
    };

    /// <summary>The experiments, by number.</summary>
    public static IReadOnlyList<ISystem> All { get; } =
    [
        new OrthogonalConvolution(),
    ];
}
