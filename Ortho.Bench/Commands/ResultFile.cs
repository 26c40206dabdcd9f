namespace Ortho.Bench.Commands;

/// <summary>Files that a command writes at its end.</summary>
static class ResultFile
{
    /// <summary>Makes the file's folder before the work: half an hour of it must not end in "no such folder".</summary>
    /// <returns>The full path; null for none.</returns>
    public static string? Prepare(string? file)
    {
        if (file is null) return null;
        var path = Path.GetFullPath(file);
        _ = Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return path;
    }
}
