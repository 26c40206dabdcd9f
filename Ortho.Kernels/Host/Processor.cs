using System.Runtime.InteropServices;

namespace Ortho.Kernels.Host;

/// <summary>The processor that a thread runs on. Linux only; elsewhere threads are where the system puts them.</summary>
/// <remarks>Where processors share no cache, Linux wakes a thread on the processor that woke it and may leave both there for a hundred milliseconds, while
/// another processor idles (measured on a virtual machine: half of all rounds of short kernels took the time of one thread).</remarks>
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

    /// <summary>Moves the calling thread to any other processor that it may use, if there is one; afterwards it may use all of them again.</summary>
    public static void Leave(int number)
    {
        const int size = Most / 8;
        var allowed = stackalloc byte[size];
        var others = stackalloc byte[size];
        if (number is < 0 or >= Most || GetAffinity(0, size, allowed) < 0)
            return;
        new ReadOnlySpan<byte>(allowed, size).CopyTo(new(others, size));
        others[number / 8] &= (byte)~(1 << (number % 8));
        if (new ReadOnlySpan<byte>(others, size).ContainsAnyExcept((byte)0) && SetAffinity(0, size, others) == 0)
            _ = SetAffinity(0, size, allowed);
    }

    [LibraryImport("libc", EntryPoint = "sched_getcpu"), SuppressGCTransition]
    private static partial int GetProcessor();

    // Of the calling thread, which is 0.
    [LibraryImport("libc", EntryPoint = "sched_getaffinity")]
    private static partial int GetAffinity(int thread, nint bytes, byte* mask);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static partial int SetAffinity(int thread, nint bytes, byte* mask);
}
