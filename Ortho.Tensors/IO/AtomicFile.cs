namespace Ortho.Tensors.IO;

/// <summary>Files that are there completely or as they were before, never half: written beside the target, flushed to the disk, renamed.</summary>
/// <remarks>
/// A process that is killed leaves at most its temporary file, <c>NAME.32 hexadecimal digits.tmp</c>; the next writer of the same target
/// removes it. Writers that are alive hold a lock on theirs, so several may write one target: the last to finish wins.
/// </remarks>
public static class AtomicFile
{
    const string Suffix = ".tmp";
    const int IdDigits = 32;

    /// <summary>Writes a file.</summary>
    /// <param name="path">The target; a file there is replaced.</param>
    /// <param name="content">Its bytes.</param>
    /// <exception cref="IOException">The file cannot be written; what was there before still is.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        using var writer = new Writer(path);
        writer.Stream.Write(content);
        writer.Commit();
    }

    /// <summary>Writes a file piece by piece.</summary>
    /// <param name="path">The target; a file there is replaced.</param>
    /// <param name="write">Writes its content. An exception of it leaves the target as it was.</param>
    /// <exception cref="IOException">The file cannot be written; what was there before still is.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        using var writer = new Writer(path);
        write(writer.Stream);
        writer.Commit();
    }

    sealed class Writer : IDisposable
    {
        const int Attempts = 3;

        readonly string target, temporary = "";
        bool isCommitted;

        public Writer(string path)
        {
            target = Path.GetFullPath(path);
            RemoveAbandoned(target);
            for (var attempt = 1; ; attempt++)
            {
                // The same folder: a rename does not cross file systems.
                temporary = $"{target}.{Guid.NewGuid():N}{Suffix}";
                try
                {
                    // On Unix the lock comes a moment after the file: another writer's clean-up may have been quicker.
                    Stream = new(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete);
                    if (File.Exists(temporary))
                        return;
                    Stream.Dispose();
                }
                catch (IOException) when (attempt < Attempts && Directory.Exists(Path.GetDirectoryName(target)))
                {
                    // Taken away between creation and lock: another name.
                }
            }
        }

        public FileStream Stream { get; }

        // Renamed while open: the lock is held until the temporary name is gone.
        public void Commit()
        {
            Stream.Flush(flushToDisk: true);
            File.Move(temporary, target, overwrite: true);
            isCommitted = true;
        }

        public void Dispose()
        {
            Stream.Dispose();
            if (!isCommitted)
                File.Delete(temporary);
        }
    }

    // Temporary files of the target whose writers are gone: the operating system has released their locks.
    static void RemoveAbandoned(string target)
    {
        var (folder, name) = (Path.GetDirectoryName(target), Path.GetFileName(target));
        if (!Directory.Exists(folder))
            return;
        foreach (var file in Directory.EnumerateFiles(folder, $"*{Suffix}").Where(IsTemporary))
        {
            try
            {
                new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // Its writer lives, or it is somebody else's.
            }
        }

        bool IsTemporary(string file)
        {
            var other = Path.GetFileName(file.AsSpan());
            return other.Length == name.Length + 1 + IdDigits + Suffix.Length
                && other.StartsWith($"{name}.")
                && !other[(name.Length + 1)..^Suffix.Length].ContainsAnyExcept("0123456789abcdef");
        }
    }
}
