using System.Globalization;
using System.Text.RegularExpressions;

namespace Ortho.Tests.Support;

// Asynchronous products of warpgroups. They are done when they are waited for and not before: until then their sums are nobody's, and what
// they read must stay.
public sealed partial class PtxEmulator
{
    const int WarpsOfGroup = 4, GroupRows = 64, SwizzledRow = 128;

    // Operands of one warpgroup: the places of their chunks, row by row, two chunks each.
    sealed record Wgmma(string Name, int Columns, bool Adds, string[] Sums, int Thread, int[] A, int[] B);

    readonly List<Wgmma> products = [];
    readonly Queue<List<Wgmma>> productGroups = new();
    readonly HashSet<string> underWay = [], unfenced = [];

    [GeneratedRegex(@"\.m64n(\d+)k")] private static partial Regex WidthPattern();

    void Begin(string name, string[] arguments)
    {
        var columns = int.Parse(WidthPattern().Match(name).Groups[1].ValueSpan, CultureInfo.InvariantCulture);
        var sums = Names(arguments[0]);
        if (sums.Length != columns / 2)
            throw new InvalidOperationException($"{name} with {sums.Length} registers");
        if (sums.FirstOrDefault(unfenced.Contains) is { } written)
            throw new InvalidOperationException($"{name}: {written} was written after the last wgmma.fence");
        underWay.UnionWith(sums);
        for (var thread = 0; thread < threads; thread += WarpsOfGroup * Warp)
        {
            var product = new Wgmma(name, columns, Same(arguments[3], thread) != 0, sums, thread,
                Chunks(Same(arguments[1], thread), GroupRows), Chunks(Same(arguments[2], thread), columns));
            foreach (var address in product.A.Concat(product.B))
                shared.Lend(address);
            products.Add(product);
        }
    }

    // What all threads of a warpgroup agree on.
    ulong Same(string register, int first)
    {
        var values = Of(register).AsSpan(first, WarpsOfGroup * Warp);
        return values.ContainsAnyExcept(values[0]) ? throw new InvalidOperationException($"the threads of a warpgroup do not agree on {register}") : values[0];
    }

    // PTX ISA, "Matrix descriptor": start and the distance of groups of eight rows in chunks; the 128-byte swizzle exchanges bits 4-6 of an
    // address by bits 7-9.
    static int[] Chunks(ulong descriptor, int rows)
    {
        if (descriptor >> 62 != 1 || (descriptor >> 49 & 7) != 0)
            throw new InvalidOperationException($"descriptor {descriptor:x16} does not name rows with the 128-byte swizzle");
        var (start, eight) = ((int)(descriptor & 0x3fff) * EmulatedShared.Chunk, (int)(descriptor >> 32 & 0x3fff) * EmulatedShared.Chunk);
        return [.. Enumerable.Range(0, 2 * rows).Select(i => start + i / 16 * eight + i / 2 % 8 * SwizzledRow + i % 2 * EmulatedShared.Chunk).Select(address => address ^ (address >> 7 & 7) << 4)];
    }

    void Await(int pending)
    {
        while (productGroups.Count > pending)
        {
            foreach (var product in productGroups.Dequeue())
            {
                Finish(product);
                foreach (var address in product.A.Concat(product.B))
                    shared.Return(address);
            }
        }
        if (products.Count == 0 && productGroups.Count == 0)
            underWay.Clear();
    }

    // Register 4 j + e of a lane is element e of its 16 x 8 fragment j; warp w has rows 16 w to 16 w + 15.
    void Finish(Wgmma product)
    {
        var (left, right) = (Rows(product.A), Rows(product.B));
        for (var i = 0; i < product.Sums.Length; i++)
        {
            var values = registers[product.Sums[i]];
            for (var thread = 0; thread < WarpsOfGroup * Warp; thread++)
            {
                var lane = thread % Warp;
                var (a, b) = (left[thread / Warp * 16 + lane / 4 + i % 4 / 2 * 8], right[i / 4 * 8 + lane % 4 * 2 + i % 2]);
                var sum = product.Adds ? Single(values[product.Thread + thread]) : 0;
                for (var k = 0; k < a.Length; k++)
                    sum += a[k] * b[k];
                values[product.Thread + thread] = Bits(sum);
            }
        }

        float[][] Rows(int[] chunks)
        {
            var depth = product.Name.Contains("tf32", StringComparison.Ordinal) ? 8 : 16;
            var rows = new float[chunks.Length / 2][];
            for (var row = 0; row < rows.Length; row++)
            {
                rows[row] = new float[depth];
                for (var word = 0; word < 8; word++)
                    Numbers(product.Name, shared.Peek(chunks[2 * row + word / 4] + word % 4 * 4),
                        (k, value) => rows[row][word * depth / 8 + k] = value);
            }
            return rows;
        }
    }
}
