using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;
using Ortho.Tensors;
using Device = Ortho.Tensors.Device;

namespace Ortho.Kernels.Gpu;

/// <summary>A GPU (or ILGPU's simulator of one): memory, one stream, and its compiled kernels.</summary>
/// <remarks>Work is asynchronous in the device's one stream; only reading a value waits.</remarks>
public sealed class GpuDevice : Device, IDisposable
{
    static readonly Lazy<IReadOnlyList<GpuDevice>> found = new(Find);
    static readonly Lazy<GpuDevice> simulator = new(() => Open(DeviceKind.Simulator, 0));
    static readonly ConcurrentDictionary<MethodInfo, LaunchedKernel> launched = new();

    readonly int number;
    readonly Context context;
    readonly Accelerator accelerator;
    readonly KernelStore? store;
    readonly KernelLoader loader;
    readonly ConcurrentDictionary<MethodInfo, Delegate> launchers = new();
    readonly Lock gate = new();

    // ILGPU's buffers have finalizers of their own. When a dead tensor's finalizer hands its block back to the pool, the buffer must not
    // have been finalized beside it: the device keeps every buffer reachable until it is freed.
    readonly ConcurrentDictionary<GpuBlock, bool> blocks = new();
    PtxKernels? ptxKernels;
    long downloads;

    GpuDevice(DeviceKind kind, int number, Context context, Accelerator accelerator)
    {
        Kind = kind;
        (this.number, this.context, this.accelerator) = (number, context, accelerator);
        loader = new(accelerator, store = KernelStore.For(accelerator));
    }

    /// <summary>The CUDA and OpenCL devices of this machine, opened; empty when there are none. The simulator is not among them.</summary>
    public static IReadOnlyList<GpuDevice> All => found.Value;

    /// <summary>ILGPU's simulator: GPU kernels run on the CPU, thousands of times slower; for tests.</summary>
    public static GpuDevice Simulator => simulator.Value;

    /// <inheritdoc/>
    public override DeviceKind Kind { get; }

    /// <summary>The maker's name for it; a machine's second, third ... device of a kind is told apart by its number.</summary>
    public override string Name => accelerator.Name.TrimEnd('\0', ' ') + (number == 0 ? "" : $" #{number + 1}");

    /// <summary>Memory of the device in bytes.</summary>
    public long MemoryBytes => accelerator.MemorySize;

    /// <summary>ILGPU's side of the device, for what it tells of itself and for copies by the driver.</summary>
    internal Accelerator Accelerator => accelerator;

    /// <inheritdoc/>
    public override long HostCopies => Interlocked.Read(ref downloads);

    /// <summary>Threads per block for kernels that work in groups: a power of two.</summary>
    internal int GroupSize => Kind == DeviceKind.Simulator ? SimulatorGroup : 256;

    /// <summary>Every kernel launched in this process so far.</summary>
    internal static IReadOnlyCollection<LaunchedKernel> Launched => (IReadOnlyCollection<LaunchedKernel>)launched.Values;

    // The simulator runs one operating-system thread per simulated thread: groups stay small.
    const int SimulatorGroup = 16;

    /// <summary>The settings every context shares; O1 keeps register tiles in registers (O2 makes ptxas spill).</summary>
    internal static Context.Builder Configure(Context.Builder builder) => builder.Optimize(OptimizationLevel.O1);

    // Drivers come as libcuda.so.1 and libOpenCL.so.1; the names without a number, which ILGPU asks for, only with packages for developers.
    static GpuDevice() => System.Runtime.Loader.AssemblyLoadContext.Default.ResolvingUnmanagedDll += (_, name)
        => OperatingSystem.IsLinux() && name is ("cuda" or "OpenCL") && NativeLibrary.TryLoad($"lib{name}.so.1", out var library) ? library : 0;

    static List<GpuDevice> Find() => [.. Found(DeviceKind.Cuda), .. Found(DeviceKind.OpenCL)];

    static IEnumerable<GpuDevice> Found(DeviceKind kind)
    {
        int count;
        try
        {
            using var context = CreateContext(kind);
            count = context.Devices.Count(device => IsOf(kind, device));
        }
        catch (Exception error) when (error is DllNotFoundException or EntryPointNotFoundException or NotSupportedException or TypeInitializationException)
        {
            count = 0;
        }
        return Enumerable.Range(0, count).Select(number => Open(kind, number));
    }

    /// <summary>A device of its own, with its own memory pool and kernels, beside those of <see cref="All"/>.</summary>
    /// <param name="kind">OpenCL, Cuda or Simulator.</param>
    /// <param name="number">Which of that kind; of simulators there are as many as are opened.</param>
    internal static GpuDevice Open(DeviceKind kind, int number)
    {
        // One context for each device: a kernel that fails to compile leaves its context unusable.
        var context = CreateContext(kind);
        Intrinsics.Register(context);
        var device = context.Devices.Where(device => IsOf(kind, device)).ElementAt(kind == DeviceKind.Simulator ? 0 : number);
        return new(kind, number, context, device.CreateAccelerator(context));
    }

    static Context CreateContext(DeviceKind kind) => Context.Create(builder => _ = kind switch
    {
        DeviceKind.Cuda => Configure(builder).Cuda(),
        DeviceKind.Simulator => Configure(builder).CPU(new CPUDevice(4, SimulatorGroup / 4, 1)),
        _ => Configure(builder).OpenCL(device => device.Capabilities.GenericAddressSpace),
    });

    static bool IsOf(DeviceKind kind, ILGPU.Runtime.Device device) => device.AcceleratorType == kind switch
    {
        DeviceKind.Cuda => AcceleratorType.Cuda,
        DeviceKind.Simulator => AcceleratorType.CPU,
        _ => AcceleratorType.OpenCL,
    };

    /// <inheritdoc/>
    public override void Synchronize() => accelerator.Synchronize();

    internal override MemoryBlock AllocateBlock(long bytes)
    {
        try
        {
            return new GpuBlock(accelerator.Allocate1D<byte>(bytes), bytes, blocks);
        }
        catch (Exception error) when (error is AcceleratorException or OutOfMemoryException)
        {
            throw new DeviceException($"the device has {MemoryBytes:N0} in all; {error.Message}", error);
        }
    }

    internal override unsafe void Upload(ReadOnlySpan<byte> source, MemoryBlock destination, long offset)
    {
        fixed (byte* pointer = source)
        {
            ((GpuBlock)destination).Buffer.View.SubView(offset, source.Length).BaseView
                .CopyFromCPU(accelerator.DefaultStream, ref *pointer, source.Length);
        }
        accelerator.DefaultStream.Synchronize();
    }

    internal override unsafe void Download(MemoryBlock source, long offset, Span<byte> destination)
    {
        Interlocked.Increment(ref downloads);
        fixed (byte* pointer = destination)
        {
            ((GpuBlock)source).Buffer.View.SubView(offset, destination.Length).BaseView
                .CopyToCPU(accelerator.DefaultStream, ref *pointer, destination.Length);
        }
        accelerator.DefaultStream.Synchronize();
    }

    /// <summary>The elements of a tensor from its first one on, to the end of its storage.</summary>
    /// <exception cref="ArgumentException">A dimension is reversed: the first element is not the lowest.</exception>
    internal static ArrayView<E> View<E>(Tensor tensor) where E : unmanaged
        => tensor.Layout.Lowest == tensor.Layout.Offset
            ? Reach<E>(tensor)
            : throw new ArgumentException($"View: the tensor of shape {tensor.Shape} has a reversed dimension; a kernel without start positions cannot read it.", nameof(tensor));

    /// <summary>The elements of a tensor from its lowest one on, to the end of its storage; see <see cref="Skeletons.Steps6"/>.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="unit">Its elements in one <typeparamref name="E"/>; they divide the place of the lowest one.</param>
    internal static ArrayView<E> Reach<E>(Tensor tensor, int unit = 1) where E : unmanaged
    {
        var (all, lowest) = (((GpuBlock)tensor.Storage.Block).Buffer.View.BaseView.Cast<E>(), tensor.Layout.Lowest / unit);
        return all.SubView(lowest, all.Length - lowest);
    }

    /// <summary>Runs a kernel once for each index 0 .. <paramref name="count"/> - 1.</summary>
    internal void Launch<A>(Action<Index1D, A> kernel, long count, A arguments) where A : struct
    {
        if (count == 0)
            return;
        if (count > int.MaxValue)
            throw new DeviceException($"{this}: {kernel.Method.Name} over {count:N0} elements; a launch takes at most {int.MaxValue:N0}.");
        var launcher = (Action<AcceleratorStream, Index1D, A>)Launcher(kernel.Method, isGrouped: false);
        // A kernel object holds the arguments of its next launch: OpenCL's are not safe to set from two threads. Launching does not wait
        // for the device.
        lock (gate)
        {
            try
            {
                launcher(accelerator.DefaultStream, new((int)count), arguments);
            }
            catch (AcceleratorException error)
            {
                throw Failed(kernel.Method, $"over {count:N0} elements", error);
            }
        }
    }

    /// <summary>Runs <paramref name="groups"/> groups of <paramref name="threads"/> threads of a kernel that addresses its group itself.</summary>
    internal void LaunchGroups<A>(Action<A> kernel, int groups, int threads, A arguments) where A : struct
    {
        if (groups == 0)
            return;
        var launcher = (Action<AcceleratorStream, KernelConfig, A>)Launcher(kernel.Method, isGrouped: true);
        lock (gate)
        {
            try
            {
                launcher(accelerator.DefaultStream, new KernelConfig(groups, threads), arguments);
            }
            catch (AcceleratorException error)
            {
                throw Failed(kernel.Method, $"in {groups:N0} groups of {threads:N0} threads", error);
            }
        }
    }

    /// <summary>The architecture of a CUDA device, sm_90 as (9, 0); (0, 0) of others.</summary>
    internal (int Major, int Minor) Architecture => accelerator is CudaAccelerator { Architecture: var architecture } ? (architecture.Major, architecture.Minor) : default;

    /// <summary>Whether there are tensor cores that generated kernels run on: CUDA devices from sm_80 on.</summary>
    internal bool HasTensorCores => TensorCores.TensorCoreKernel.For(Architecture).Count > 0;

    /// <summary>The device address of a tensor's first element.</summary>
    internal static long Address(Tensor tensor) => ((GpuBlock)tensor.Storage.Block).Buffer.NativePtr + tensor.Layout.Offset * tensor.DType.Size;

    /// <summary>Runs a kernel of generated PTX; CUDA devices only.</summary>
    /// <param name="key">What it is known by after its first launch.</param>
    /// <param name="entry">Its name.</param>
    /// <param name="ptx">Its text for an architecture such as <c>sm_90</c>; asked for once.</param>
    /// <param name="grid">Blocks.</param>
    /// <param name="threads">Threads of a block.</param>
    /// <param name="sharedBytes">Dynamic shared memory of a block.</param>
    /// <param name="arguments">The parameters, laid out as PTX does: in order, each aligned to its size.</param>
    internal void LaunchPtx<A>(object key, string entry, Func<string, string> ptx, (int X, int Y, int Z) grid, int threads, int sharedBytes, A arguments) where A : unmanaged
    {
        lock (gate)
            (ptxKernels ??= new((CudaAccelerator)accelerator)).Launch(key, entry, ptx, grid, threads, sharedBytes, arguments);
    }

    /// <summary>Loads every kernel that earlier runs compiled for this kind of device, so that none has to be when it is first wanted.</summary>
    /// <returns>Their number; 0 on the simulator, and where no kernels are kept (see the environment variable ORTHO_KERNEL_CACHE).</returns>
    /// <exception cref="DeviceException">The driver refused a kernel.</exception>
    public int Warmup()
    {
        var count = 0;
        foreach (var kernel in store?.Kernels ?? [])
        {
            _ = Launcher(kernel.Method, kernel.IsGrouped);
            count++;
        }
        return count;
    }

    /// <summary>Kernels taken from disk and kernels compiled in this process.</summary>
    internal (int Restored, int Compiled) KernelCounts => loader.Counts;

    Delegate Launcher(MethodInfo method, bool isGrouped)
    {
        if (launchers.TryGetValue(method, out var known))
            return known;
        var kernel = new LaunchedKernel(method, isGrouped);
        launched.TryAdd(method, kernel);
        lock (gate)
        {
            if (launchers.TryGetValue(method, out known))
                return known;
            try
            {
                var loaded = loader.Load(kernel);
                var type = typeof(Action<,,>).MakeGenericType(typeof(AcceleratorStream), isGrouped ? typeof(KernelConfig) : typeof(Index1D), method.GetParameters()[^1].ParameterType);
                return launchers[method] = loaded.Launcher!.CreateDelegate(type, loaded);
            }
            catch (AcceleratorException error)
            {
                throw Failed(method, "could not be loaded", error);
            }
        }
    }

    DeviceException Failed(MethodInfo kernel, string launch, AcceleratorException error)
        => new($"{this}: kernel {kernel.DeclaringType?.Name}.{kernel.Name} failed ({launch}): {error.Message}", error);

    /// <summary>Gives the device back. Its tensors become unusable.</summary>
    public void Dispose()
    {
        accelerator.Dispose();
        context.Dispose();
    }
}

sealed class GpuBlock : MemoryBlock
{
    readonly ConcurrentDictionary<GpuBlock, bool> owner;

    public GpuBlock(MemoryBuffer1D<byte, Stride1D.Dense> buffer, long bytes, ConcurrentDictionary<GpuBlock, bool> owner) : base(bytes)
    {
        Buffer = buffer;
        this.owner = owner;
        owner[this] = true;
    }

    public MemoryBuffer1D<byte, Stride1D.Dense> Buffer { get; }

    public override void Free()
    {
        owner.TryRemove(this, out _);
        Buffer.Dispose();
    }
}
