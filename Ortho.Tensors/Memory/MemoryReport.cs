using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Ortho.Tensors;

/// <summary>Where live tensors were made.</summary>
/// <param name="Where">The operation, and the caller's method that asked for it.</param>
/// <param name="Bytes">Bytes of the storages made there that are still live.</param>
/// <param name="Count">Their number.</param>
public sealed record AllocationSite(string Where, long Bytes, int Count);

/// <summary>What a device's memory is used for.</summary>
/// <param name="Device">The device.</param>
/// <param name="LiveBytes">Bytes held by tensors.</param>
/// <param name="PeakBytes">The most they have been.</param>
/// <param name="CachedBytes">Bytes held for reuse.</param>
/// <param name="DeviceAllocations">Blocks asked of the device so far.</param>
/// <param name="Sites">Where most of the live bytes were allocated, largest first; empty unless <see cref="MemoryPool.TracksSites"/>.</param>
public sealed record MemoryReport(string Device, long LiveBytes, long PeakBytes, long CachedBytes, long DeviceAllocations, IReadOnlyList<AllocationSite> Sites)
{
    /// <summary>A line for the device and one for each site.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Device}: {LiveBytes:N0} bytes live, {PeakBytes:N0} at most, {CachedBytes:N0} cached, {DeviceAllocations:N0} blocks asked for");
        foreach (var site in Sites)
            text.AppendLine().Append(CultureInfo.InvariantCulture, $"  {site.Bytes,15:N0} bytes in {site.Count,6:N0}  {site.Where}");
        return text.ToString();
    }
}

/// <summary>Live bytes by the place they were allocated at.</summary>
sealed class AllocationSites
{
    readonly ConcurrentDictionary<string, (long Bytes, int Count)> live = new();

    public void Add(string site, long bytes) => live.AddOrUpdate(site, (bytes, 1), (_, now) => (now.Bytes + bytes, now.Count + 1));

    public void Remove(string site, long bytes) => live.AddOrUpdate(site, (0, 0), (_, now) => (now.Bytes - bytes, now.Count - 1));

    public IReadOnlyList<AllocationSite> Largest(int count)
        => [.. live.Where(site => site.Value.Count > 0).OrderByDescending(site => site.Value.Bytes).ThenBy(site => site.Key, StringComparer.Ordinal).Take(count)
            .Select(site => new AllocationSite(site.Key, site.Value.Bytes, site.Value.Count))];

    /// <summary>The outermost method of the library on this thread's stack, and the user's method that called it.</summary>
    public static string Here()
    {
        string? operation = null;
        foreach (var frame in new StackTrace(skipFrames: 2, fNeedFileInfo: false).GetFrames())
        {
            if (frame.GetMethod() is not { DeclaringType: { } type } method)
                continue;
            var name = $"{type.Name.Split('`')[0]}.{method.Name}";
            if (!IsLibrary(type))
                return operation is null ? name : $"{operation} in {name}";
            // What the compiler makes of lambdas and iterators has no name that a user would know.
            if (!name.Contains('<', StringComparison.Ordinal))
                operation = name;
        }
        return operation ?? "unknown";
    }

    static bool IsLibrary(Type type)
        => type.Assembly.GetName().Name is "Ortho.Tensors" or "Ortho.Kernels" or "Ortho.Autograd" or "Ortho.Layers" || type.Namespace?.StartsWith("System", StringComparison.Ordinal) == true;
}
