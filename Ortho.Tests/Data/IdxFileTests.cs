using System.IO.Compression;
using NUnit.Framework;
using Ortho.Layers.Data;

namespace Ortho.Tests.Data;

public class IdxFileTests
{
    TemporaryFolder folder = null!;

    [SetUp] public void CreateFolder() => folder = new TemporaryFolder();

    [TearDown] public void DeleteFolder() => folder.Dispose();

    [Test]
    public void What_is_written_is_read_back([Values] bool compress, [Values(1, 2, 3, 7)] int rank)
    {
        int[] shape = [.. Enumerable.Range(2, rank)];
        var data = new byte[shape.Aggregate((a, b) => a * b)];
        new Random(1).NextBytes(data);
        var path = Path.Combine(folder.Path, "file"); // the name says nothing about compression: content decides
        IdxFile.Write(path, new IdxArray(shape, data), compress);
        var read = IdxFile.Read(path);
        Assert.That(read.Shape, Is.EqualTo(shape));
        Assert.That(read.Data, Is.EqualTo(data));
        Assert.That(File.ReadAllBytes(path)[0], Is.EqualTo(compress ? 0x1F : 0));
    }

    [Test]
    public void The_layout_is_the_published_one()
    {
        var path = Path.Combine(folder.Path, "file");
        IdxFile.Write(path, new IdxArray([2, 1], [7, 9]));
        Assert.That(File.ReadAllBytes(path), Is.EqualTo(new byte[] { 0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 1, 7, 9 }));
    }

    [Test]
    public void A_dimension_of_zero_holds_no_data()
        => Assert.That(IdxFile.Read(folder.Write("empty", [0, 0, 8, 2, 0, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF])).Data, Is.Empty);

    static readonly TestCaseData[] Damaged =
    [
        Damage("nothing at all", [], "truncated header", "offset 0"),
        Damage("half a magic number", [0, 0], "truncated header", "offset 2"),
        Damage("half the dimensions", [0, 0, 8, 2, 0, 0, 0, 1, 0], "truncated header", "offset 9"),
        Damage("another magic number", [1, 2, 8, 1, 0, 0, 0, 0], "0x01020801", "0x000008"),
        Damage("text", "<html>...</html>"u8.ToArray(), "wrong magic number"),
        Damage("float elements", [0, 0, 0x0D, 1, 0, 0, 0, 0], "0x0d", "0x08"),
        Damage("rank zero", [0, 0, 8, 0, 5], "rank 0"),
        Damage("too few elements", [0, 0, 8, 1, 0, 0, 0, 4, 1, 2, 3], "truncated", "offset 11", "offset 12"),
        Damage("too many elements", [0, 0, 8, 1, 0, 0, 0, 2, 1, 2, 3], "extra bytes", "offset 10"),
        Damage("a negative dimension", [0, 0, 8, 1, 0xFF, 0xFF, 0xFF, 0xFF], "4294967295"),
        Damage("two gigabytes promised", [0, 0, 8, 1, 0x7F, 0, 0, 0, 1, 2, 3], "truncated", "2130706432"),
        Damage("a product beyond 64 bits", [0, 0, 8, 3, 0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 1], "absurd dimensions"),
    ];

    [TestCaseSource(nameof(Damaged))]
    public void A_damaged_file_is_refused_in_one_line(byte[] content, string[] expected) => Refused(folder.Write("file", content), expected);

    [TestCaseSource(nameof(Damaged))]
    public void A_damaged_file_inside_gzip_is_refused_in_one_line(byte[] content, string[] expected) => Refused(folder.Write("file.gz", Gzip(content)), expected);

    [Test]
    public void Truncated_gzip_is_refused()
    {
        var whole = Gzip([0, 0, 8, 1, 0, 0, 0x40, 0, .. new byte[0x4000]]);
        for (var length = 2; length < whole.Length - 8; length += 3) Refused(folder.Write("file.gz", whole[..length]), []);
    }

    [Test]
    public void Damaged_gzip_is_refused()
    {
        var random = new byte[0x4000];
        new Random(2).NextBytes(random);
        var damaged = Gzip([0, 0, 8, 1, 0, 0, 0x40, 0, .. random]);
        damaged[^100] ^= 0x55;
        Refused(folder.Write("file.gz", damaged), []);
    }

    /// <summary>The length that gzip itself states, in its last four bytes, is no evidence: it is refused or ignored, never believed.</summary>
    [Test]
    public void Lying_lengths_cost_no_memory()
    {
        var lie = Gzip([0, 0, 8, 1, 0x7F, 0, 0, 0, 1, 2, 3]);
        (lie[^4], lie[^3], lie[^2], lie[^1]) = (8, 0, 0, 0x7F);
        var path = folder.Write("file.gz", lie);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Refused(path, []);
        Refused(folder.Write("plain", [0, 0, 8, 1, 0x7F, 0, 0, 0, 1, 2, 3]), []);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1 << 20));
    }

    /// <summary>A small file that unpacks to far more than its header promises is left after the promised part.</summary>
    [Test]
    public void A_gzip_bomb_costs_no_memory()
    {
        var path = folder.Write("bomb.gz", Gzip([0, 0, 8, 1, 0, 0, 0, 1, .. new byte[64 << 20]]));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Refused(path, ["extra bytes"]);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1 << 20));
    }

    [Test]
    public void A_shape_that_the_data_do_not_fill_is_not_written()
        => Assert.That(() => IdxFile.Write(Path.Combine(folder.Path, "file"), new IdxArray([2, 2], new byte[3])), Throws.ArgumentException);

    /// <summary>Random changes to a good file: it is read or refused, nothing else happens.</summary>
    [Test]
    public void Random_damage_never_surprises()
    {
        var random = new Random(3);
        byte[] good = [0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2, .. new byte[12]];
        for (var round = 0; round < 500; round++)
        {
            var content = round % 2 == 0 ? [.. good] : Gzip(good);
            for (var change = random.Next(1, 4); change > 0; change--) content[random.Next(content.Length)] = (byte)random.Next(256);
            var path = folder.Write("file", content[..random.Next(content.Length / 2, content.Length + 1)]);
            try
            {
                var read = IdxFile.Read(path);
                Assert.That(read.Data, Has.Length.EqualTo(read.Shape.Aggregate(1, (a, b) => a * b)));
            }
            catch (InvalidDataException exception)
            {
                Assert.That(exception.Message, Does.StartWith(path));
            }
        }
    }

    static TestCaseData Damage(string name, byte[] content, params string[] expected) => new TestCaseData(content, expected).SetArgDisplayNames(name);

    static void Refused(string path, string[] expected)
    {
        var exception = Assert.Throws<InvalidDataException>(() => IdxFile.Read(path));
        Assert.That(exception!.Message, Does.StartWith(path).And.Not.Contain('\n'));
        foreach (var part in expected) Assert.That(exception.Message, Does.Contain(part));
    }

    static byte[] Gzip(byte[] content)
    {
        using var memory = new MemoryStream();
        using (var gzip = new GZipStream(memory, CompressionLevel.Fastest)) gzip.Write(content);
        return memory.ToArray();
    }
}
