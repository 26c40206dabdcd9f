namespace Ortho.Bench;

/// <summary>Files that are there completely or as they were before, never half.</summary>
static class AtomicFile
{
    /// <summary>Writes next to the target, flushes to the disk and renames.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        var target = Path.GetFullPath(path);
        var temporary = $"{target}.{Environment.ProcessId}.tmp"; // the same folder: a rename does not cross file systems
        try
        {
            using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, target, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }
}
