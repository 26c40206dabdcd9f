namespace Ortho.Tests.Functions;

/// <summary>Arguments and correctly rounded float64 values of the elementary functions, as bits.</summary>
/// <remarks>
/// Made with mpmath: <c>mp.prec = 200; y = f(mpf(x))</c>, y rounded to the nearest float64 (subnormals to multiples of 2^-1074). Ten
/// arguments per function are chosen (ends of the range, subnormals, seams of the reductions), thirty are random over all regimes.
/// </remarks>
static partial class ElementaryTable
{
    public static (ulong X, ulong Y)[] Find(string name) => Rows.TryGetValue(name, out var row) ? row : FurtherRows[name];

    static readonly Dictionary<string, (ulong X, ulong Y)[]> Rows = new()
    {
        ["Exp"] =
        [
            (0x3ff0000000000000, 0x4005bf0a8b145769), (0xbff0000000000000, 0x3fd78b56362cef38), (0x40862e3d70a3d70a, 0x7fefe9ce5c4c52b4),
            (0xc086226666666666, 0x00119e98b83de7a3), (0xc08748cccccccccd, 0x0000000000000001), (0xc087200000000000, 0x0000000000000055),
            (0xc086840000000000, 0x00000005cf08fff0), (0x3fd62e42fead449c, 0x3ff6a09e66640654), (0xbfd62e42fead449c, 0x3fe6a09e669a7145),
            (0x01a56e1fc2f8f359, 0x3ff0000000000000), (0xc078ed5361d45edc, 0x1bf8597326a2df37), (0xc086b976b3ec49f5, 0x0000000001dca340),
            (0xc04a0645374c9d00, 0x3b3e0c3813ca236d), (0x4034a88e31933146, 0x41cbee5b84a55811), (0x3d6be6a000bcc648, 0x3ff0000000000df3),
            (0xbc582af445e42b5d, 0x3ff0000000000000), (0x3e29f7e6988e356f, 0x3ff0000000cfbf35), (0x3ff9de711ab1b1da, 0x401425de98b13a5a),
            (0xc0870872f88b2f02, 0x000000000000064a), (0x3c25be1b60184186, 0x3ff0000000000000), (0xc0873b54b3dad996, 0x0000000000000003),
            (0x401ba3d9153cf868, 0x408f520a59497c71), (0x4006c52092829dc0, 0x4031391f5e97f5e8), (0x3d46821c3980cf38, 0x3ff00000000002d0),
            (0xc0862a19408f2e70, 0x0006bb0e3ea97dcd), (0x40313fed0a6058e0, 0x417d91f89d02284d), (0xbfff4447d1b15d32, 0x3fc222a2e520df82),
            (0x3e5026744a016d14, 0x3ff0000004099d13), (0xc086bdb74fe5b8d2, 0x0000000001181e15), (0x3f48acf85bcf705e, 0x3ff00315eb2ccc36),
            (0x4042dadff8d8a676, 0x43552b9b47720261), (0xc014b99abe04b888, 0x3f7705fea0b2e0f2), (0xbff1a270fc7e1808, 0x3fd542001aca1433),
            (0xc035ff6e06214324, 0x3df3363a1771e798), (0x407ac9e6ccb6a7a4, 0x66949fdde871c90d), (0x3df0089cec95be32, 0x3ff000000010089d),
            (0xbfd545ab16b50db0, 0x3fe6f3707db3291a), (0x3ffc5e800ea90a82, 0x40178e3f134b2ea8), (0xc085cfe4f03be33f, 0x010033354a5b1985),
            (0xc08635614087ceb6, 0x0001a49b54a0b462),
        ],
        ["Log"] =
        [
            (0x0000000000000001, 0xc0874385446d71c3), (0x000fd1d7d505cd02, 0xc0862343131aa1ed), (0x000012688b70e62b, 0xc0864e69394d9508),
            (0x7fefffffffffffff, 0x40862e42fefa39ef), (0x3fe8000000000000, 0xbfd269621134db92), (0x3ff5555555555555, 0x3fd269621134db91),
            (0x3ff0000000000001, 0x3cafffffffffffff), (0x3fefffffffffffff, 0xbca0000000000000), (0x3fe5555555555555, 0xbfd9f323ecbf984d),
            (0x4024000000000000, 0x40026bb1bbb55516), (0x4018d7aa6aad0a0a, 0x3ffd385ba7ec66ae), (0x3ff71f49403e5976, 0x3fd790ab92d9a71f),
            (0x0fcc398d9c0abf2d, 0xc080aeca78d8550c), (0x401134c101207561, 0x3ff757eeb0fd6908), (0x3feaef6e82a007ea, 0xbfc60de45c5361c9),
            (0x3fc02fc527069aae, 0xc0008af30d4e03b8), (0x3fe5ae345f0e3263, 0xbfd8eaac31a1671f), (0x3fefffffffebf80b, 0xbde407f5000644fa),
            (0x0000080dcddd16b4, 0xc086550632369782), (0x00006f25151ffe69, 0xc0864006dc8ddb60), (0x3ff000000000001b, 0x3cfaffffffffffe9),
            (0x3feafa867280aafa, 0xbfc5d937733e74ec), (0x3fec938663bf4bad, 0xbfbcf8018ac15d19), (0x3ff4224d8b979542, 0x3fcd6ac63c617070),
            (0x645ea3ed3b6ae051, 0x407940fb71bb653e), (0x000000000000008a, 0xc0871c1a40728aff), (0x3fefffffffffffeb, 0xbce5000000000007),
            (0x400faa554d656dc1, 0x3ff60333e8f17018), (0x0ef21b7bc5ba224b, 0xc080fa6de543652a), (0x3feffffffd7518e3, 0xbe345738e8cedf4e),
            (0x3fe3e16e6e8a07ac, 0xbfde76a6f97de531), (0x3ff1f31129035010, 0x3fbd6ed5ba7dc1dd), (0x0000000000000bce, 0xc0870369433d0fa0),
            (0x3ff152bc43d5ad90, 0x3fb4574c5f102e9e), (0x0000032677bb1929, 0xc0865c88991e0428), (0x0000000000dcb64d, 0xc086bf9f73ee3b36),
            (0x008eb3043007b106, 0xc085f72453aa2ac3), (0x004bd3c4ab2e78d8, 0xc0860e1bc0a69f84), (0x633399bcead5342a, 0x40787235289a22ce),
            (0x3fe728cf8bdfb5db, 0xbfd4b182e19536c8),
        ],
        ["Sin"] =
        [
            (0x400921fb54442d18, 0x3ca1a62633145c07), (0x401921fb54442d18, 0xbcb1a62633145c07), (0x000012688b70e62b, 0x000012688b70e62b),
            (0x41cdcd6500000000, 0x3fe1778cae83c69b), (0x426d1a94a2000000, 0xbfe38f4477984352), (0x3ff921fb54442d18, 0x3ff0000000000000),
            (0x3fe921fb54442d18, 0x3fe6a09e667f3bcc), (0xc004000000000000, 0xbfe326af0dcfcab1), (0x4036000000000000, 0xbf8220a29f6eb9f4),
            (0x4076300000000000, 0xbeff9bd0307d1de3), (0x401ffb15b55677c8, 0x3fefae735ea81ab6), (0xc0f020a1bc0dc86c, 0xbfc46ebe4f215c40),
            (0xc00dda731855ac30, 0x3fe1ce336b6e12b1), (0xc1c1bf89494864a0, 0x3fef4cefce291883), (0xc01e90065912d5ee, 0xbfef464b43380f4e),
            (0x40f04e1d421cbc70, 0x3feebe360fcb00e3), (0xc0f6a66e4f0fb791, 0x3fdfe4517abbe9ad), (0x3ff35d08cdc8f14d, 0x3fedf12ef7748c77),
            (0xc0e075426ce5cef0, 0xbfb25c9b02446a82), (0x40215c18d38565f5, 0x3fe5b15964a40939), (0x41e3a658240a0ca5, 0x3ff0000000000000),
            (0x073e7d0040397154, 0x073e7d0040397154), (0xc0f4b0f33e1d42c8, 0x3fdc471b5f8b2740), (0xc1071f8f7179a0a6, 0xbfdc663945715887),
            (0x40d37c1050fc3ad6, 0xbd5604e24a593d1e), (0x41710cfee21dc609, 0xbff0000000000000), (0x40e921154ca78964, 0xbfe92ba0f34ec9be),
            (0x40dfd11633384b80, 0x3fecab8224a351d9), (0xc0f32e6d30319420, 0xbfee876a9f8cca40), (0x40e0e0a05215e5dc, 0x3fede9bc58d605b8),
            (0x420a8e7440888dcf, 0xbe68195c3eee15a3), (0x4014d2f5ee5a94af, 0xbfec2e09e7e49cee), (0x40e16f989596ab2c, 0x3fefaa763d09a307),
            (0x40b03c53bb8f8aa2, 0xbd5c594b12c0b90d), (0x9770561c4c7d6ee5, 0x9770561c4c7d6ee5), (0xc034130468e8a1f3, 0xbfee1a54efc3b26d),
            (0x4097250b32d9c887, 0xbff0000000000000), (0x40dc50e2ad0afbc4, 0xbfef47e19065ba67), (0x419be4bd581ef24f, 0x3e2a665dd5343f47),
            (0x40dcce57223024b0, 0xbfe9fe22316404ec),
        ],
        ["Cos"] =
        [
            (0x400921fb54442d18, 0xbff0000000000000), (0x3ff921fb54442d18, 0x3c91a62633145c07), (0x000012688b70e62b, 0x3ff0000000000000),
            (0x41cdcd6500000000, 0x3feacff8c7364234), (0x426d1a94a2000000, 0x3fe9538731dff223), (0x4012d97c7f3321d2, 0xbcaa79394c9e8a0a),
            (0x3fe921fb54442d18, 0x3fe6a09e667f3bcd), (0xc004000000000000, 0xbfe9a2f7ef858b7d), (0x4026000000000000, 0x3f7220ae41ee2fdf),
            (0x4076300000000000, 0xbfefffffffc18e4c), (0x40b687bfb8edde8b, 0x3fef430c10c295c4), (0x867c53cb94b33c78, 0x3ff0000000000000),
            (0x16b17e0083582417, 0x3ff0000000000000), (0xc0e660ebbcd7f041, 0xbfceb89ecc4e1086), (0x401dcd9f7b5d803c, 0x3fd91c27b73badd8),
            (0xbfdb43e9cf3f0140, 0x3fed23c7a08c8e20), (0xc0e8b017bb06bb30, 0x3feff5854552a08d), (0x4165ff54e8bba4c3, 0x3e03185b5d7c8c3d),
            (0x40f5bb0ab8f5b78a, 0x3fdee413c3047d51), (0xc0d1477587de48b1, 0x3feda36c48ce252d), (0xc01bdf96c54b8d50, 0x3fe8c731cbffeaa0),
            (0x4061475cc9eedf01, 0x3ff0000000000000), (0x3ff4983fe728c958, 0x3fd1e8e03e47d10b), (0xc019365af904ad08, 0x3feffe60ee079643),
            (0x2ab3fa7efd60cc4e, 0x3ff0000000000000), (0xc16971917baff053, 0x3fdbc6e929eb48d3), (0x32f227cc2a270ccf, 0x3ff0000000000000),
            (0x420b45ef9ee4429b, 0x3ea520e049c1535b), (0xb77925542f7470e2, 0x3ff0000000000000), (0x40eb8192d613add8, 0xbfe8aa13e6d4d129),
            (0x401b623ef608149c, 0x3feb10afa6740706), (0x424f2595198a0d15, 0x3feb901788323b30), (0x41511ddd773bdda7, 0x3fefce8a19f07023),
            (0x412fd9af462a5509, 0xbff0000000000000), (0x422c2f5995559d5e, 0xbfc74f3e97b869b1), (0xc17087b2b7fdf3a1, 0xbfc6d31be15fffaa),
            (0xc01f66c0de4ba1a4, 0x3f6dca53ff20222c), (0x0ab6230d1def6ad4, 0x3ff0000000000000), (0xc06aa186191d0d9d, 0x3feac13e312ad818),
            (0x408dd85a7410f58d, 0x3ff0000000000000),
        ],
        ["Tanh"] =
        [
            (0x000012688b70e62b, 0x000012688b70e62b), (0x3e45798ee2308c3a, 0x3e45798ee2308c3a), (0x3fc62eb1c432ca58, 0x3fc5f6851a72a671),
            (0x3fe199999999999a, 0x3fe00442f6419203), (0x3ff0000000000000, 0x3fe85efab514f394), (0x4032000000000000, 0x3feffffffffffffc),
            (0xc033000000000000, 0xbfefffffffffffff), (0xbfd3333333333333, 0xbfd2a4dda7d914fa), (0x4014000000000000, 0x3fefff419668df11),
            (0x3fcc28f5c28f5c29, 0x3fcbb6dd248d8d56), (0x3feb445ebd2aec34, 0x3fe62632ba0a30d8), (0xc02d27298353dd6f, 0xbfeffffffffff0a4),
            (0xbfeeca57188fb930, 0xbfe7d9241200da72), (0xada671370a5ed04a, 0xada671370a5ed04a), (0xbfe2dfeb688bcbec, 0xbfe0f3ed21634f61),
            (0xbfe9042491b47410, 0xbfe4eb382142c0ec), (0xbfdde8c895ff51b0, 0xbfdbe81c449f7795), (0xc01f418a23885960, 0xbfefffff50b743c3),
            (0xbfea9620e9af4340, 0xbfe5ca177ffc6163), (0xbfe907f15c8e79f0, 0xbfe4ed650a0d5e08), (0xbfe5d16bfe53611e, 0xbfe2f760d6ea2bb2),
            (0x4015dff5c48cb608, 0x3fefffb56cef5d93), (0xc0058be2aa90863a, 0xbfefb55825313c18), (0xbf8baf47f2593480, 0xbf8baed970cc0645),
            (0x3a50fc1de32af35d, 0x3a50fc1de32af35d), (0x400628eef1cda458, 0x3fefbfeaf0f0a2a8), (0xc024008ec06386d2, 0xbfeffffffdcaaacb),
            (0xc031bb2e1f96879e, 0xbfeffffffffffff9), (0x9e9532ec9ed80b12, 0x9e9532ec9ed80b12), (0x1573eb6710302d15, 0x1573eb6710302d15),
            (0x3fe93f76feb789d0, 0x3fe50d07a5b6cb3a), (0x06f39a448af41318, 0x06f39a448af41318), (0x3ff705304e5fc18c, 0x3fec9722c65b9a67),
            (0x3fbb4eed96fdbaa0, 0x3fbb3488028eb6f9), (0xbfffb46475ea5773, 0xbfeece702b73e60d), (0xc006e5f215102f5a, 0xbfefcaaefdaac98b),
            (0xc03051f5a9352ea2, 0xbfefffffffffff88), (0x1d976bfb0bfbb16e, 0x1d976bfb0bfbb16e), (0x4033e0b0fcd9b818, 0x3ff0000000000000),
            (0xbfd82690fe3ce658, 0xbfd710e9b4352178),
        ],
        ["Erf"] =
        [
            (0x000012688b70e62b, 0x000014c5898977c4), (0x3e45798ee2308c3a, 0x3e483b547fb79514), (0x3fd3333333333333, 0x3fd50838881dea0f),
            (0x3fde147ae147ae14, 0x3fdf9984d7878668), (0x3feb000000000000, 0x3fe88d1cd474a2e0), (0x3ff4000000000000, 0x3fed8865d98abe01),
            (0xc006db22d0e56042, 0xbfefff9019809317), (0x4016000000000000, 0x3fefffffffffffbe), (0x401799999999999a, 0x3fefffffffffffff),
            (0xbfa999999999999a, 0xbfacdcc9b21919bf), (0x3fee91bbd138aca6, 0x3fea5877e3045e4b), (0x201240ceb67b8500, 0x201498b2d7a8f44d),
            (0x400bb5a55a983b28, 0x3feffffdf9488cfc), (0xb6d99a8eeb5e678d, 0xb6dce406ea394cd6), (0xc013e2077d587f50, 0xbfefffffffffb72a),
            (0x3ffb3a0583a76ce8, 0x3fef7c1088f89850), (0xc003fb1735f9b756, 0xbfeffc9f8b17029e), (0xbfdb83a7c344e160, 0xbfdd3c4201b2feb7),
            (0x3fd7da334bc3dca4, 0x3fd9b7f663ef8dbc), (0xc00802e4a7cb1f56, 0xbfefffd2156c13f1), (0x4001fc933940c31c, 0x3feff3eb5151c3cd),
            (0xbffda6720d29b379, 0xbfefb81f3d3effe5), (0xbfc8487754685480, 0xbfcb13479abb91d2), (0x3febc9db68251b88, 0x3fe8fa912fe0cce5),
            (0x022f67740ad554e0, 0x0231b7c69b140f34), (0x2f552b5731fb182d, 0x2f57e3122fa79b3a), (0xbffc42fcc6295589, 0xbfef99af899ca268),
            (0x3ea080409d4566b0, 0x3ea29e8ef3980fff), (0xbfc196b7f6049698, 0xbfc3b8f9c5ec1a85), (0x017680a858165df3, 0x01796434bd97d291),
            (0x400d7c3951f87220, 0x3fefffff9bde7493), (0x3faf9a9b13162460, 0x3fb1ced844a82565), (0x40173764789eb744, 0x3feffffffffffffe),
            (0xbfbe2a47b8f1e540, 0xbfc0f0bfe35ab93e), (0xbff84401ffefb1fd, 0xbfeefa1cae65762b), (0xbfdeacb02a914590, 0xbfe0114fb9e73d09),
            (0x3ff76425e919876c, 0x3feec31549074329), (0x3fbb2057a0389180, 0x3fbe7e9f6a0b92cf), (0x3fefc5ff8a1c95e8, 0x3feadf2833d9f813),
            (0xbff8c1eb338ee450, 0xbfef154d57e51c8c),
        ],
        ["Log1p"] =
        [
            (0x000012688b70e62b, 0x000012688b70e62b), (0x3c670ef54646d497, 0x3c670ef54646d497), (0xbfd5555555555555, 0xbfd9f323ecbf984b),
            (0x3fd5555555555555, 0x3fd269621134db92), (0xbfefffffffffffff, 0xc0425e4f7b2737fa), (0x4341c37937e08000, 0x40426bb1bbb55516),
            (0x7e37e43c8800759c, 0x4085963447f87fb5), (0xbfe0000000000000, 0xbfe62e42fefa39ef), (0x3ff0000000000000, 0x3fe62e42fefa39ef),
            (0x3fd55e9e1b089a02, 0x3fd2705844896dee), (0xbfeffffffffe0304, 0xc038f58e8301538e), (0x3ff33128f5f51d05, 0x3fe939301d0fa43c),
            (0x6373bbec0444ddd3, 0x40789ead7dedd496), (0x3fe995fbe8789aaa, 0x3fe2cd23a4bdedc7), (0x576cc1e0d32da1e7, 0x407048439245151c),
            (0xbc517f9698819c29, 0xbc517f9698819c29), (0xbfc527c557fe2a60, 0xbfc71faef250437a), (0x3fd95e4ae86b84d4, 0x3fd55e580606d1db),
            (0xbfeffffffffd88a8, 0xc038be67e23fd35e), (0x3f992dc655a911c0, 0x3f98dfcdc2a450a7), (0x88b92658d8cefa33, 0x88b92658d8cefa33),
            (0x4006e6c47f0835df, 0x3ff59f2cd2f920e6), (0x18a9b6a791d4c5ba, 0x18a9b6a791d4c5ba), (0x78dfb0ea4c7cfe39, 0x4083bb943c5349b8),
            (0x559a718219692d06, 0x406e0a9a5a97d8e9), (0xbfefffffff7a3218, 0xc034c004680c5a87), (0x5c03487a1e054b1b, 0x4073768e3be9dc5e),
            (0x92edd672c813a5a5, 0x92edd672c813a5a5), (0xbfe7a7aa87935328, 0xbff5814c3ecb9cbb), (0xbfc68c10160c7048, 0xbfc8cd537040e7f8),
            (0x5f2aa5df2aabbc37, 0x4075a63fc23be1b2), (0x73da77a726acaadc, 0x4081fe861cd96ab5), (0x54c36a9354fddfdf, 0x406ce05e807911c5),
            (0xbfeffffd3f586c60, 0xc02b164d8f6cba70), (0xbfbdec74c0590500, 0xbfbfd26ec94d5024), (0xbfefffffffffcdb6, 0xc03b461a159e4684),
            (0x75e22ca71f1f2951, 0x4082b281eea939b7), (0xbfefc42cdee09d84, 0xc013ad8feb8e4da3), (0xbf840ccfb5258a80, 0xbf84261a11251f04),
            (0xbfeee262e7840a92, 0xc00ad9a5d1cb2fa2),
        ],
        ["Expm1"] =
        [
            (0x000012688b70e62b, 0x000012688b70e62b), (0x3c670ef54646d497, 0x3c670ef54646d497), (0x3fd9a1cac083126f, 0x3fdf8647a97b74bf),
            (0xbfd999999999999a, 0xbfd51979f31b1e25), (0x40862e3d70a3d70a, 0x7fefe9ce5c4c52b4), (0xc042000000000000, 0xbfeffffffffffffe),
            (0xc042c00000000000, 0xbff0000000000000), (0x3fd62e42fead449c, 0x3fda827999901951), (0xbfd62e42fead449c, 0xbfd2bec332cb1d76),
            (0x4044000000000000, 0x438a220d397972eb), (0x40725332a1d6e0ad, 0x5a5ff492692fa03f), (0x3feb610c5306a1bc, 0x3ff5a4fa64fe8359),
            (0x4047fb3e9448b966, 0x444253445a4873e8), (0x98979c21f91b6da1, 0x98979c21f91b6da1), (0x4078f5f7bfc5696d, 0x63f20b31fd79408f),
            (0x03d214a3d3893ecc, 0x03d214a3d3893ecc), (0x3fd0d0632e4f7f14, 0x3fd33ac18c92cd40), (0x3ff71566443fd3e0, 0x4009db91496cc0a0),
            (0x4039f1eb4892dae8, 0x42459103aae33656), (0xc0301d85e4929950, 0xbfefffffca29f66b), (0x403ccee0b5197d48, 0x42879c2951625558),
            (0x3fde76ac9869887c, 0x3fe381f1814d140e), (0xc03e6beb3ab7d7b1, 0xbfeffffffffffdd7), (0x40701bde9bcad43e, 0x572cb2b9b59b7639),
            (0xc001b311e6943582, 0xbfec7f84eb34470e), (0xbfe2b6342e3c968a, 0xbfdc5604f70c4187), (0x4003a3a3bf89e9f0, 0x40254a6400f7ef10),
            (0xc040db042011071f, 0xbfefffffffffffeb), (0x21053c57e2af0289, 0x21053c57e2af0289), (0x3fe4514c64014e40, 0x3fec614ffd20b415),
            (0xc03f634c3c82835a, 0xbfefffffffffff2e), (0xb720af814e8b7c14, 0xb720af814e8b7c14), (0x4043048259c34f18, 0x435d4ee94d41716e),
            (0x40089d52224ef230, 0x4034b072c900e793), (0xbfc3b86b2a48f6b0, 0xbfc246c0267d8882), (0x3fd94b92630670e0, 0x3fdf05eda0948a1a),
            (0x4040527cb40a9710, 0x42e119b3d721ebcc), (0xbfe92877123588f2, 0xbfe16be8e23d7089), (0x3778a267776a1868, 0x3778a267776a1868),
            (0x4064b20257455a92, 0x4edcf8f2b8899191),
        ],
    };
}
