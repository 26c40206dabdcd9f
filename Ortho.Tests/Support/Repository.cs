namespace Ortho.Tests.Support;

/// <summary>The working copy that these tests were built from.</summary>
static class Repository
{
    /// <summary>The folder of Ortho.sln.</summary>
    public static string Root { get; } = Find();

    static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Ortho.sln")))
                return folder.FullName;
        }
        throw new DirectoryNotFoundException($"no Ortho.sln above {AppContext.BaseDirectory}");
    }
}
