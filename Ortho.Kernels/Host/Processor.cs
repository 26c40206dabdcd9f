using System.Runtime.InteropServices;

namespace Ortho.Kernels.Host;

/// <summary>The processor that a thread runs on. Linux only; elsewhere threads are where the system puts them.</summary>
/// <remarks>Linux may wake a thread on the processor that woke it and leave both there for a hundred milliseconds while another processor
/// idles. Measured on a virtual machine: after 20 ms without work, 9 of 10 jobs of 0.1 ms took the time of one thread, and 3 of 100 when
/// workers were kept off the caller's processor.</remarks>
static unsafe partial class Processor
{
    // Processors that a mask has room for.
    const int Most = 1024;

    static volatile bool isKnown = OperatingSystem.IsLinux() && Environment.ProcessorCount > 1;

    /// <summary>Its number; -1 where it is not known.</summary>
    public static int Current
    {
        get
        {
            if (!isKnown)
                return -1;
            try
            {
                return GetProcessor();
            }
            catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException)
            {
                isKnown = false;
                return -1;
            }
        }
    }

    /// <summary>The system's number of the calling thread, for <see cref="Keep"/>; -1 where it is not known.</summary>
    public static int Thread => isKnown ? GetThread() : -1;

    /// <summary>Keeps other threads off a processor from now on; they may use all others that the calling thread may use, if there are any.</summary>
    public static void Keep(ReadOnlySpan<int> threads, int off)
    {
        const int size = Most / 8;
        var others = stackalloc byte[size];
        if (off is < 0 or >= Most || GetAffinity(0, size, others) < 0)
            return;
        others[off / 8] &= (byte)~(1 << (off % 8));
        if (!new ReadOnlySpan<byte>(others, size).ContainsAnyExcept((byte)0))
            return;
        foreach (var thread in threads)
            _ = SetAffinity(thread, size, others);
    }

    [LibraryImport("libc", EntryPoint = "sched_getcpu"), SuppressGCTransition]
    private static partial int GetProcessor();

    [LibraryImport("libc", EntryPoint = "gettid")]
    private static partial int GetThread();

    // 0 is the calling thread.
    [LibraryImport("libc", EntryPoint = "sched_getaffinity")]
    private static partial int GetAffinity(int thread, nint bytes, byte* mask);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static partial int SetAffinity(int thread, nint bytes, byte* mask);
}
