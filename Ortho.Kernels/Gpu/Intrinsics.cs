using System.Reflection;
using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.IR;
using ILGPU.IR.Intrinsics;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.Gpu;

/// <summary>
/// The two arithmetic instructions ILGPU does not give: a product that no compiler fuses with a following addition, and a fused
/// multiply-add. Both make CUDA and OpenCL agree bit for bit with the CPU.
/// </summary>
/// <remarks>
/// PTX: <c>mul.rn</c> (ptxas may contract a plain <c>mul</c> and <c>add</c>) and <c>fma.rn</c>. OpenCL C: <c>fma(a, b, -0)</c>, which is
/// exactly the rounded product, and <c>fma</c>.
/// </remarks>
static class Intrinsics
{
    [IntrinsicImplementation, MethodImpl(Inline.Always)]
    public static float Multiply(float a, float b) => a * b;

    [IntrinsicImplementation, MethodImpl(Inline.Always)]
    public static double Multiply(double a, double b) => a * b;

    [IntrinsicImplementation, MethodImpl(Inline.Always)]
    public static float FusedMultiplyAdd(float a, float b, float c) => MathF.FusedMultiplyAdd(a, b, c);

    [IntrinsicImplementation, MethodImpl(Inline.Always)]
    public static double FusedMultiplyAdd(double a, double b, double c) => Math.FusedMultiplyAdd(a, b, c);

    /// <summary>Teaches a context's code generators the instructions; before the first kernel is compiled.</summary>
    public static void Register(Context context)
    {
        Register(context, nameof(Multiply), typeof(float), 2);
        Register(context, nameof(Multiply), typeof(double), 2);
        Register(context, nameof(FusedMultiplyAdd), typeof(float), 3);
        Register(context, nameof(FusedMultiplyAdd), typeof(double), 3);
    }

    static void Register(Context context, string name, Type type, int arguments)
    {
        var method = typeof(Intrinsics).GetMethod(name, [.. Enumerable.Repeat(type, arguments)])!;
        var suffix = name + (type == typeof(float) ? "Single" : "Double");
        var manager = context.GetIntrinsicManager();
        manager.RegisterMethod(method, new PTXIntrinsic(typeof(Intrinsics), "Ptx" + suffix, IntrinsicImplementationMode.GenerateCode));
        manager.RegisterMethod(method, new CLIntrinsic(typeof(Intrinsics), "CL" + suffix, IntrinsicImplementationMode.GenerateCode));
    }

    // The generators below are called by ILGPU through reflection, by name.
#pragma warning disable IDE0051, IDE0060
    static void PtxMultiplySingle(PTXBackend backend, PTXCodeGenerator generator, Value value) => Ptx("mul.rn.f32", 2, generator, value);
    static void PtxMultiplyDouble(PTXBackend backend, PTXCodeGenerator generator, Value value) => Ptx("mul.rn.f64", 2, generator, value);
    static void PtxFusedMultiplyAddSingle(PTXBackend backend, PTXCodeGenerator generator, Value value) => Ptx("fma.rn.f32", 3, generator, value);
    static void PtxFusedMultiplyAddDouble(PTXBackend backend, PTXCodeGenerator generator, Value value) => Ptx("fma.rn.f64", 3, generator, value);
    static void CLMultiplySingle(CLBackend backend, CLCodeGenerator generator, Value value) => CLProduct("-0.0f", generator, value);
    static void CLMultiplyDouble(CLBackend backend, CLCodeGenerator generator, Value value) => CLProduct("-0.0", generator, value);
    static void CLFusedMultiplyAddSingle(CLBackend backend, CLCodeGenerator generator, Value value) => CLFma(generator, value);
    static void CLFusedMultiplyAddDouble(CLBackend backend, CLCodeGenerator generator, Value value) => CLFma(generator, value);
#pragma warning restore IDE0051, IDE0060

    static void Ptx(string instruction, int arguments, PTXCodeGenerator generator, Value value)
    {
        var a = generator.LoadPrimitive(value[0]);
        var b = generator.LoadPrimitive(value[1]);
        var c = arguments == 3 ? generator.LoadPrimitive(value[2]) : null;
        var target = generator.AllocateHardware(value);
        using var command = generator.BeginCommand(instruction);
        command.AppendArgument(target);
        command.AppendArgument(a);
        command.AppendArgument(b);
        if (c is not null)
            command.AppendArgument(c);
    }

    static void CLFma(CLCodeGenerator generator, Value value)
    {
        var (a, b, c) = (generator.Load(value[0]), generator.Load(value[1]), generator.Load(value[2]));
        var target = generator.Allocate(value);
        using var statement = generator.BeginStatement(target);
        statement.AppendCommand("fma");
        statement.BeginArguments();
        statement.AppendArgument(a);
        statement.AppendArgument(b);
        statement.AppendArgument(c);
        statement.EndArguments();
    }

    // ILGPU would write the number -0.0 as -0, an integer without a sign.
    static void CLProduct(string negativeZero, CLCodeGenerator generator, Value value)
    {
        var (a, b) = (generator.Load(value[0]), generator.Load(value[1]));
        var target = generator.Allocate(value);
        using var statement = generator.BeginStatement(target);
        statement.AppendCommand("fma");
        statement.BeginArguments();
        statement.AppendArgument(a);
        statement.AppendArgument(b);
        statement.AppendArgument();
        statement.AppendCommand(negativeZero);
        statement.EndArguments();
    }
}
