using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using NUnit.Framework;
using Ortho.Tensors;
using Ortho.Tensors.IO;
using Ortho.Tests.Data;

namespace Ortho.Tests.IO;

/// <summary>Files are not trusted: whatever is in them, they are read or refused by an <see cref="InvalidDataException"/> that names the
/// file, and no more memory is taken than their size justifies.</summary>
[TestFixture]
public class DamagedFilesTests
{
    TemporaryFolder folder = null!;

    [SetUp] public void CreateFolder() => folder = new TemporaryFolder();

    [TearDown] public void DeleteFolder() => folder.Dispose();

    // ---- .npy

    static byte[] NpyBytes(string header, int dataBytes = 24, int? length = null, byte version = 1)
    {
        var text = Encoding.Latin1.GetBytes(header);
        var prefix = new byte[version == 1 ? 10 : 12];
        "_NUMPY"u8.CopyTo(prefix);
        (prefix[0], prefix[6]) = (0x93, version);
        if (version == 1)
            BinaryPrimitives.WriteUInt16LittleEndian(prefix.AsSpan(8), (ushort)(length ?? text.Length));
        else
            BinaryPrimitives.WriteUInt32LittleEndian(prefix.AsSpan(8), (uint)(length ?? text.Length));
        return [.. prefix, .. text, .. new byte[dataBytes]];
    }

    static string Dictionary(string shape = "(2, 3)", string descr = "'<f4'", string order = "False")
        => $"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}";

    static IEnumerable<TestCaseData> Npys()
    {
        (string What, byte[] Bytes, string Message)[] cases =
        [
            ("empty file", [], "the file ends early"),
            ("other magic number", [.. "PK\u0003\u0004"u8, .. new byte[100]], "magic number 0x504b03040000"),
            ("version 4", NpyBytes(Dictionary(), version: 4), "version 4.0"),
            ("version 0", NpyBytes(Dictionary(), version: 0), "version 0.0"),
            ("header longer than the file", NpyBytes(Dictionary(), length: 60000), "a header of 60000 bytes; expected at most 83"),
            ("header of 4 GB", NpyBytes(Dictionary(), length: -1, version: 2), "a header of 4294967295 bytes"),
            ("cut header", NpyBytes(Dictionary())[..40], "a header of 59 bytes; expected at most 30"),
            ("cut data", NpyBytes(Dictionary(), 20), "20 bytes of data; expected 24 for Float32 [2, 3]"),
            ("too much data", NpyBytes(Dictionary(), 25), "25 bytes of data"),
            ("negative extent", NpyBytes(Dictionary("(2, -3)")), "extent '-3"),
            ("huge extent", NpyBytes(Dictionary("(4294967296, 1)")), "extent '4294967296"),
            ("overflowing product", NpyBytes(Dictionary("(2147483647, 2147483647, 2147483647)")), "fewer than 2^63 bytes"),
            ("overflowing product beside a zero", NpyBytes(Dictionary("(0, 2147483647, 2147483647, 2147483647)"), 0), "fewer than 2^63 bytes"),
            ("lying shape", NpyBytes(Dictionary("(2147483647, 1000)")), "24 bytes of data; expected 8589934588000"),
            ("65 dimensions", NpyBytes(Dictionary($"({string.Concat(Enumerable.Repeat("1,", 65))})"), 4), "more than 64 dimensions"),
            ("fraction", NpyBytes(Dictionary("(2.0, 3)")), "'.0"),
            ("number for a tuple", NpyBytes(Dictionary("(6)")), "shape (6)"),
            ("list for a tuple", NpyBytes(Dictionary("[2, 3]")), "expected '('"),
            ("two commas", NpyBytes(Dictionary("(2,,3)")), "extent ',3"),
            ("no comma", NpyBytes(Dictionary("(2 3)")), "expected ','"),
            ("no dictionary", NpyBytes("[1, 2]"), "expected '{'"),
            ("call", NpyBytes("__import__('os').system('true')"), "expected '{'"),
            ("call inside", NpyBytes(Dictionary("len('ab')")), "expected '('"),
            ("expression after", NpyBytes(Dictionary() + " or exit()"), "text after the dictionary"),
            ("open dictionary", NpyBytes("{'descr': '<f4'"), "expected ','"),
            ("key twice", NpyBytes("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}"), "key 'descr'"),
            ("unknown key", NpyBytes("{'order': 'C'}"), "key 'order'"),
            ("missing key", NpyBytes("{'descr': '<f4', 'shape': (2, 3)}"), "without 'fortran_order'"),
            ("number for a truth value", NpyBytes(Dictionary(order: "0")), "expected True or False"),
            ("escape", NpyBytes(Dictionary(descr: "'\\x3cf4'")), "a string without escapes"),
            ("objects", NpyBytes(Dictionary(descr: "'|O'")), "dtype '|O'"),
            ("text", NpyBytes(Dictionary(descr: "'<U6'")), "dtype '<U6'"),
            ("records", NpyBytes(Dictionary(descr: "[('a', '<f4')]")), "a structured dtype"),
            ("brain floats", NpyBytes(Dictionary(descr: "'<V2'"), 12), "dtype '<V2'"),
            ("long double", NpyBytes(Dictionary(descr: "'<f16'"), 96), "dtype '<f16'"),
            ("unicode digits", NpyBytes(Dictionary("(\u00b2, 3)")), "extent"),
            ("uint64 beyond int64", [.. NpyBytes(Dictionary("(1,)", "'<u8'"), 0), .. Enumerable.Repeat((byte)255, 8)], "the uint64 number 18446744073709551615"),
        ];
        return cases.Select(item => new TestCaseData(item.Bytes, item.Message).SetArgDisplayNames(item.What));
    }

    [TestCaseSource(nameof(Npys))]
    public void A_bad_npy_is_refused_by_a_message_that_helps(byte[] bytes, string message)
        => Refused(bytes, message, path => Npy.Load(path));

    [Test]
    public void Forms_that_NumPy_reads_are_read()
    {
        foreach (var header in new[] { "{\"shape\":(2L,3L,),'fortran_order':False,'descr':'<f4'}", Dictionary("( 2 ,3 )") + " \n", Dictionary(descr: "'=f4'") })
            Assert.That(Npy.Load(folder.Write("x.npy", NpyBytes(header))).Shape, Is.EqualTo(Shape.Create([2, 3])), header);
        Assert.That(Npy.Load(folder.Write("x.npy", [.. NpyBytes(Dictionary("(3,)", "'|b1'"), 0), 0, 2, 255])).ToArray<bool>(), Is.EqualTo(new[] { false, true, true }));
    }

    // ---- .npz

    static byte[] Zip(Action<ZipArchive> fill)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
            fill(archive);
        return stream.ToArray();
    }

    static void Add(ZipArchive archive, string name, byte[] content, CompressionLevel level = CompressionLevel.Optimal)
    {
        using var stream = archive.CreateEntry(name, level).Open();
        stream.Write(content);
    }

    // The central directory's record of the first entry: sizes lie at 20 and 24, the offset of the data at 42.
    static byte[] Patched(byte[] zip, int field, uint value)
    {
        var record = zip.AsSpan().IndexOf("PK\u0001\u0002"u8);
        BinaryPrimitives.WriteUInt32LittleEndian(zip.AsSpan(record + field), value);
        return zip;
    }

    static IEnumerable<TestCaseData> Npzs()
    {
        var x = NpyBytes(Dictionary());
        byte[] stored = Zip(archive => Add(archive, "x.npy", x, CompressionLevel.NoCompression)), deflated = Zip(archive => Add(archive, "x.npy", x));
        var corrupt = (byte[])stored.Clone();
        corrupt[30 + "x.npy".Length + x.Length - 1] ^= 1;
        (string What, byte[] Bytes, string Message)[] cases =
        [
            ("empty file", [], "damaged zip data"),
            ("no zip file", new byte[100], "damaged zip data"),
            ("cut", deflated[..^10], "damaged zip data"),
            ("other file", Zip(archive => Add(archive, "read.me", [1])), "entry 'read.me': a file of another kind"),
            ("name twice", Zip(archive => { Add(archive, "x.npy", x); Add(archive, "x.npy", x); }), "entry 'x.npy': a second entry"),
            ("damaged entry", Zip(archive => Add(archive, "x.npy", [1, 2, 3])), "entry 'x.npy': the file ends early"),
            ("flipped bit", corrupt, "entry 'x.npy': checksum"),
            ("promised bomb", Patched((byte[])deflated.Clone(), 24, 0x7FFFFFFF), "1032 times"),
            ("size beyond the file", Patched((byte[])stored.Clone(), 20, 0x7FFFFFFF), "sizes from 0"),
            ("offset beyond the file", Patched((byte[])stored.Clone(), 42, 0x7FFFFFFF), "damaged zip data"),
            ("directory beyond the file", DirectoryAt((byte[])stored.Clone(), 0xFFFFFFF0), "damaged zip data"),
            ("directory at its own end", DirectoryAt((byte[])stored.Clone(), (uint)stored.Length), "damaged zip data"),
            ("zip64 without its record", DirectoryAt((byte[])stored.Clone(), 0xFFFFFFFF), "damaged zip data"),
            ("promise not kept", Zip(archive => Add(archive, "x.npy", NpyBytes(Dictionary("(1000, 1000)")))), "24 bytes of data; expected 4000000"),
            ("too much promised", Patched((byte[])deflated.Clone(), 24, (uint)x.Length + 1), "25 bytes of data"),
            ("overlapping entries", Overlapping(), "entries that do not overlap"),
        ];
        return cases.Select(item => new TestCaseData(item.Bytes, item.Message).SetArgDisplayNames(item.What));
    }

    static byte[] DirectoryAt(byte[] zip, uint offset)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(zip.AsSpan(zip.AsSpan().IndexOf("PK\u0005\u0006"u8) + 16), offset);
        return zip;
    }

    // Many records of the central directory that point at the same data: a few kilobytes that would unpack to a thousand tensors.
    static byte[] Overlapping()
    {
        const int copies = 1000;
        var zip = Zip(archive => Add(archive, "x.npy", NpyBytes(Dictionary("(1, 100000)"), 400_000)));
        var (begin, end) = (zip.AsSpan().IndexOf("PK\u0001\u0002"u8), zip.AsSpan().IndexOf("PK\u0005\u0006"u8));
        var tail = zip[end..];
        BinaryPrimitives.WriteUInt16LittleEndian(tail.AsSpan(8), copies);
        BinaryPrimitives.WriteUInt16LittleEndian(tail.AsSpan(10), copies);
        BinaryPrimitives.WriteUInt32LittleEndian(tail.AsSpan(12), (uint)(copies * (end - begin)));
        return [.. zip[..begin], .. Enumerable.Repeat(zip[begin..end], copies).SelectMany(record => record), .. tail];
    }

    [TestCaseSource(nameof(Npzs))]
    public void A_bad_npz_is_refused_by_a_message_that_helps(byte[] bytes, string message)
        => Refused(bytes, message, path => Npz.Load(path));

    // ---- .safetensors

    static byte[] Safe(string header, int dataBytes = 24, ulong? length = null) => Safe(Encoding.UTF8.GetBytes(header), dataBytes, length);

    static byte[] Safe(byte[] header, int dataBytes, ulong? length = null)
    {
        var prefix = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, length ?? (ulong)header.Length);
        return [.. prefix, .. header, .. new byte[dataBytes]];
    }

    static string Entry(string name = "w", string dtype = "F32", string shape = "[2,3]", string places = "[0,24]")
        => $"\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":{places}}}";

    static IEnumerable<TestCaseData> Safes()
    {
        var deep = new string('[', 100_000);
        (string What, byte[] Bytes, string Message)[] cases =
        [
            ("empty file", [], "a file of 0 bytes; expected at least 8"),
            ("seven bytes", new byte[7], "a file of 7 bytes"),
            ("no header", new byte[8], "a header that is not JSON"),
            ("header longer than the file", Safe("{}", 0, 3), "a header of 3 bytes; expected at most 2"),
            ("header of 2^64 - 1 bytes", Safe("{}", 0, ulong.MaxValue), "a header of 18446744073709551615 bytes"),
            ("cut JSON", Safe("{" + Entry()), "a damaged header"),
            ("text after the JSON", Safe("{" + Entry() + "} x"), "a damaged header"),
            ("array for an object", Safe("[]", 0), "a header that is not JSON"),
            ("deep JSON", Safe("{\"w\":" + deep, 0), "in the header; expected StartObject"),
            ("deep shape", Safe("{\"w\":{\"shape\":" + deep, 0), "a damaged header"),
            ("comment", Safe("{/**/}", 0), "a damaged header"),
            ("not UTF-8", Safe([.. "{\"\u0001"u8, 0xFF, .. "\":{}}"u8], 0), "a header that is not JSON"),
            ("half a surrogate", Safe("{" + Entry("\\ud800") + "}"), "a damaged header"),
            ("name twice", Safe("{" + Entry() + "," + Entry(places: "[24,48]") + "}", 48), "entry 'w': a second entry"),
            ("metadata twice", Safe("{\"__metadata__\":{},\"__metadata__\":{}}", 0), "a second entry"),
            ("metadata key twice", Safe("{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", 0), "key 'a' twice"),
            ("number in metadata", Safe("{\"__metadata__\":{\"a\":1}}", 0), "expected String"),
            ("dtype twice", Safe("{\"w\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", 0), "key 'dtype'"),
            ("unknown key", Safe("{\"w\":{\"order\":\"C\"}}", 0), "key 'order'"),
            ("no offsets", Safe("{\"w\":{\"dtype\":\"F32\",\"shape\":[]}}", 4), "an incomplete entry"),
            ("one offset", Safe("{" + Entry(places: "[24]") + "}"), "an incomplete entry"),
            ("three offsets", Safe("{" + Entry(places: "[0,24,24]") + "}"), "more than 2 numbers"),
            ("8-bit floats", Safe("{" + Entry(dtype: "F8_E4M3", places: "[0,6]") + "}", 6), "entry 'w': dtype 'F8_E4M3'"),
            ("no dtype at all", Safe("{" + Entry(dtype: "FLOAT") + "}"), "dtype 'FLOAT'"),
            ("complex128", Safe("{" + Entry(dtype: "C128", places: "[0,96]") + "}", 96), "dtype 'C128'"),
            ("negative extent", Safe("{" + Entry(shape: "[2,-3]") + "}"), "the extent or offset '-3'"),
            ("fractional extent", Safe("{" + Entry(shape: "[2,3.0]") + "}"), "the extent or offset '3.0'"),
            ("text extent", Safe("{" + Entry(shape: "[2,\"3\"]") + "}"), "the extent or offset '3'"),
            ("nested shape", Safe("{" + Entry(shape: "[[2]]") + "}"), "a damaged header"),
            ("huge extent", Safe("{" + Entry(shape: "[4294967296]") + "}"), "the extent or offset '4294967296'"),
            ("overflowing product", Safe("{" + Entry(shape: "[2147483647,2147483647,2147483647]") + "}"), "fewer than 2^63 bytes"),
            ("overflowing product beside a zero", Safe("{" + Entry(shape: "[2147483647,2147483647,2147483647,0]", places: "[0,0]") + "}", 0), "fewer than 2^63 bytes"),
            ("65 dimensions", Safe("{" + Entry(shape: $"[{string.Join(",", Enumerable.Repeat(1, 65))}]", places: "[0,4]") + "}", 4), "more than 64 numbers"),
            ("offsets that lie", Safe("{" + Entry(places: "[0,20]") + "}", 20), "data_offsets [0, 20]; expected 24 bytes for [2, 3]"),
            ("offsets in reverse", Safe("{" + Entry(places: "[24,0]") + "}"), "data_offsets [24, 0]"),
            ("offset beyond 2^63", Safe("{" + Entry(places: "[0,9223372036854775808]") + "}"), "the extent or offset"),
            ("gap at the beginning", Safe("{" + Entry(places: "[8,32]") + "}", 32), "entry 'w': data from 8 on; expected from 0 on"),
            ("gap", Safe("{" + Entry() + "," + Entry("v", places: "[32,56]") + "}", 56), "entry 'v': data from 32 on; expected from 24 on"),
            ("overlap", Safe("{" + Entry() + "," + Entry("v", places: "[20,44]") + "}", 44), "entry 'v': data from 20 on; expected from 24 on"),
            ("twice the same data", Safe("{" + Entry() + "," + Entry("v") + "}"), "data from 0 on; expected from 24 on"),
            ("cut data", Safe("{" + Entry() + "}", 23), "23 bytes of data; expected 24"),
            ("too much data", Safe("{" + Entry() + "}", 25), "25 bytes of data; expected 24"),
            ("long name", Safe("{\"" + new string('n', 10_000) + "\":1}", 0), "nnn...'"),
        ];
        return cases.Select(item => new TestCaseData(item.Bytes, item.Message).SetArgDisplayNames(item.What));
    }

    [TestCaseSource(nameof(Safes))]
    public void A_bad_safetensors_file_is_refused_by_a_message_that_helps(byte[] bytes, string message)
        => Refused(bytes, message, path => Safetensors.Load(path));

    [Test]
    public void A_number_without_a_place_is_refused_when_it_is_read()
    {
        var path = folder.Write("x", [.. Safe("{" + Entry(dtype: "U64", shape: "[1]", places: "[0,8]") + "}", 0), .. Enumerable.Repeat((byte)255, 8)]);
        using var file = Safetensors.Open(path);
        Assert.That(() => file["w"], Throws.TypeOf<InvalidDataException>().With.Message.Contains("entry 'w': the uint64 number 18446744073709551615"));
    }

    void Refused(byte[] bytes, string message, Action<string> load)
    {
        var path = folder.Write("damaged", bytes);
        load = Bounded(load, bytes.Length);
        var refusal = Assert.Throws<InvalidDataException>(() => load(path));
        Assert.That(refusal!.Message, Does.StartWith(path).And.Contains("expected").And.Contains(message));
        Assert.That(refusal.Message, Has.Length.LessThan(path.Length + 500));
    }

    // ---- fuzzing

    // Deflated data of n bytes may hold 1032 n; a mebibyte of buffers and exceptions comes on top.
    static Action<string> Bounded(Action<string> load, int fileBytes) => path =>
    {
        var (managed, live) = (GC.GetAllocatedBytesForCurrentThread(), Device.Cpu.Pool.LiveBytes);
        try
        {
            load(path);
        }
        finally
        {
            Assert.That(GC.GetAllocatedBytesForCurrentThread() - managed, Is.LessThan((1 << 20) + 64L * fileBytes), "managed memory");
            Assert.That(Device.Cpu.Pool.LiveBytes - live, Is.LessThan((1 << 20) + 1032L * fileBytes), "tensors");
        }
    };

    [TestCase("f4.npy"), TestCase("fortran.npy"), TestCase("version2.npy"), TestCase("u1.npy"), TestCase("stored.npz"), TestCase("deflated.npz")]
    [TestCase("all.safetensors"), TestCase("ordered.safetensors")]
    public void Thousands_of_mutations_are_read_or_refused(string name)
    {
        const int count = 1000;
        var valid = File.ReadAllBytes(ReferenceFiles.Path(name));
        Action<string> load = Path.GetExtension(name) switch
        {
            ".npy" => path => Npy.Load(path).Dispose(),
            ".npz" => path => DisposeAll(Npz.Load(path)),
            _ => path => DisposeAll(Safetensors.Load(path)),
        };
        load = Bounded(load, 2 * valid.Length);
        var (random, refused) = (new PhiloxStream(5), 0);
        for (var i = 0; i < count; i++)
        {
            var bytes = Mutated(valid, random);
            var path = folder.Write("mutated", bytes);
            try
            {
                load(path);
            }
            catch (InvalidDataException refusal)
            {
                refused++;
                Assert.That(refusal.Message, Does.StartWith(path).And.Contains("expected"));
            }
            catch (Exception other) when (other is not AssertionException)
            {
                Assert.Fail($"mutation {i}: {other}");
            }
        }
        Assert.That(refused, Is.InRange(count / 10, count - 1), "some are refused, not all");
    }

    static void DisposeAll(IReadOnlyDictionary<string, Tensor> tensors)
    {
        foreach (var tensor in tensors.Values)
            tensor.Dispose();
    }

    static byte[] Mutated(byte[] valid, PhiloxStream random)
    {
        var bytes = valid.ToList();
        for (var n = 1 + random.NextInt(3); n > 0 && bytes.Count > 0; n--)
        {
            var (at, other) = (random.NextInt(bytes.Count), random.NextInt(bytes.Count));
            var length = Math.Min(random.NextInt(16), bytes.Count - Math.Max(at, other));
            switch (random.NextInt(7))
            {
                case 0: bytes[at] ^= (byte)(1 << random.NextInt(8)); break;
                case 1: bytes[at] = (byte)random.NextInt(256); break;
                case 2: bytes.RemoveRange(at, length); break;
                case 3: bytes.InsertRange(at, bytes.GetRange(other, length)); break;
                case 4: bytes.RemoveRange(at, bytes.Count - at); break;
                // What headers are made of, in other places: digits, signs, brackets and lengths.
                case 5: bytes[at] = "0123456789-+.,:'\"[](){}LeFTd \u0000\u0001"u8[random.NextInt(31)]; break;
                default:
                    for (var k = 0; k < length; k++)
                        bytes[at + k] = (byte)(random.NextInt(2) * 255);
                    break;
            }
        }
        return [.. bytes];
    }
}
