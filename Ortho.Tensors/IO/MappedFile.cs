using System.IO.MemoryMappedFiles;

namespace Ortho.Tensors.IO;

/// <summary>A file in memory, read as it is touched. Changes of the memory stay in memory (copy on write).</summary>
sealed unsafe class MappedFile : IDisposable
{
    readonly MemoryMappedFile map;
    readonly MemoryMappedViewAccessor view;

    MappedFile(MemoryMappedFile map, long length)
    {
        this.map = map;
        Length = length;
        view = map.CreateViewAccessor(0, length, MemoryMappedFileAccess.CopyOnWrite);
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        Start = start + view.PointerOffset;
    }

    /// <summary>Maps a file that is not empty.</summary>
    public static MappedFile Open(FileStream file)
    {
        var map = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.CopyOnWrite, HandleInheritability.None, leaveOpen: true);
        try
        {
            return new(map, file.Length);
        }
        catch
        {
            map.Dispose();
            throw;
        }
    }

    /// <summary>Its first byte.</summary>
    public byte* Start { get; }

    /// <summary>Its size in bytes.</summary>
    public long Length { get; }

    /// <summary>A piece of it as a tensor's memory, which keeps it mapped after <see cref="Dispose"/>.</summary>
    public ForeignBlock Share(long offset, long bytes) => new(Start + offset, bytes, new Hold(view.SafeMemoryMappedViewHandle));

    /// <summary>Unmaps it when no tensor lies in it any more.</summary>
    public void Dispose()
    {
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        map.Dispose();
        GC.SuppressFinalize(this);
    }

    // Without Dispose: the view unmaps itself, once the pointer is given back.
    ~MappedFile() => view?.SafeMemoryMappedViewHandle.ReleasePointer();

    sealed class Hold : IDisposable
    {
        readonly Microsoft.Win32.SafeHandles.SafeMemoryMappedViewHandle handle;

        public Hold(Microsoft.Win32.SafeHandles.SafeMemoryMappedViewHandle handle)
        {
            this.handle = handle;
            var isHeld = false;
            handle.DangerousAddRef(ref isHeld);
        }

        public void Dispose() => handle.DangerousRelease();
    }
}
