namespace Ortho.Kernels.Gpu.TensorCores;

// From the sums to y.
abstract partial record TensorCoreKernel
{
    // A lane holds elements (g, 2 q), (g, 2 q + 1), (g + 8, 2 q), (g + 8, 2 q + 1) of each 16 x 8 fragment, g = lane / 4, q = lane % 4.
    void Store(PtxWriter text)
    {
        text.Line(".reg .u32 limit, cRowBytes;", ".reg .u64 yRow, cRow, cAt, mirror, mirrorNext, step, steps;",
            ".reg .f32 alpha, beta, old0, old1, new0, new1;",
            ".reg .pred upper, inside, adds, addsHere, reads, mirrors;");
        text.Line("shr.u32 row, lane, 2;", $"mad.lo.u32 row, warpRow, {WarpM}, row;", $"mad.lo.u32 row, tileRow, {TileM}, row;");
        text.Line("and.b32 column, lane, 3;", "shl.b32 column, column, 1;", $"mad.lo.u32 column, warpColumn, {WarpN}, column;",
            $"mad.lo.u32 column, tileColumn, {TileN}, column;");
        text.Line("ld.param.f32 alpha, [alphaOfY];", "ld.param.f32 beta, [betaOfC];", "ld.param.u32 cRowBytes, [bytesOfCRow];",
            "ld.param.u64 cAt, [cStart];", "setp.ne.u64 adds, cAt, 0;",
            "cvta.to.global.u64 cAt, cAt;", "ld.param.u64 stride, [cBatch];", "mad.lo.u64 cAt, batch64, stride, cAt;");
        text.Line("ld.param.u32 at, [hasPairs];", "setp.gt.u32 go, at, 0;", "@!go bra SINGLES;");
        Rows(text, row => Pairs(text, row));
        text.Line("ret;");
        text.Label("SINGLES");
        text.Line("mul.wide.u32 step, n, 4;", "shl.b64 steps, step, 3;");
        Rows(text, row => Singles(text, row));
    }

    void Rows(PtxWriter text, Action<int> store)
    {
        for (var i = 0; i < FragmentsM; i++)
        {
            for (var half = 0; half < 2; half++)
            {
                text.Line($"add.u32 at, row, {i * 16 + half * 8};", "setp.lt.u32 upper, at, m;", "and.pred addsHere, adds, upper;",
                    "mul.wide.u32 wide, column, 4;");
                text.Line("mul.wide.u32 yRow, at, n;", "shl.b64 yRow, yRow, 2;", "add.u64 yRow, yRow, wide;", "add.u64 yRow, yRow, yAt;");
                text.Line("mul.wide.u32 cRow, at, cRowBytes;", "add.u64 cRow, cRow, wide;", "add.u64 cRow, cRow, cAt;");
                store(i * FragmentsN * 4 + half * 2);
            }
        }
    }

    // Two neighbours at once.
    void Pairs(PtxWriter text, int sums)
    {
        for (var j = 0; j < FragmentsN; j++)
        {
            text.Line($"add.u32 at, column, {j * 8};", "setp.lt.and.u32 inside, at, n, upper;", "setp.lt.and.u32 reads, at, n, addsHere;",
                "mov.f32 old0, 0f00000000;", "mov.f32 old1, 0f00000000;", $"@reads ld.global.v2.f32 {{old0, old1}}, [cRow+{j * 32}];");
            Scale(text, 0, sums + j * 4);
            Scale(text, 1, sums + j * 4 + 1);
            text.Line($"@inside st.global.v2.f32 [yRow+{j * 32}], {{new0, new1}};");
        }
    }

    // One by one, of a symmetric y those on and below the diagonal: eight lanes have neighbouring rows, which are neighbours above it.
    void Singles(PtxWriter text, int sums)
    {
        text.Line("add.u32 limit, at, 1;", "selp.u32 limit, limit, n, symmetric;", "mul.wide.u32 mirror, column, n;",
            "cvt.u64.u32 wide, at;", "add.u64 mirror, mirror, wide;",
            "shl.b64 mirror, mirror, 2;", "add.u64 mirror, mirror, yAt;");
        for (var j = 0; j < FragmentsN; j++)
        {
            text.Line("add.u64 mirrorNext, mirror, step;");
            for (var e = 0; e < 2; e++)
            {
                text.Line($"add.u32 at, column, {j * 8 + e};", "setp.lt.and.u32 inside, at, limit, upper;",
                    "setp.lt.and.u32 reads, at, limit, addsHere;", "and.pred mirrors, inside, symmetric;", $"mov.f32 old{e}, 0f00000000;",
                    $"@reads ld.global.f32 old{e}, [cRow+{(j * 8 + e) * 4}];");
                Scale(text, e, sums + j * 4 + e);
                text.Line($"@inside st.global.f32 [yRow+{(j * 8 + e) * 4}], new{e};",
                    $"@mirrors st.global.f32 [{(e == 0 ? "mirror" : "mirrorNext")}], new{e};");
            }
            text.Line("add.u64 mirror, mirror, steps;");
        }
    }

    // As all devices do: rounded twice.
    static void Scale(PtxWriter text, int e, int sum)
        => text.Line($"mul.rn.f32 new{e}, c{sum}, alpha;", $"fma.rn.f32 new{e}, old{e}, beta, new{e};");
}
