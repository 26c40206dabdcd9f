using NUnit.Framework;
using Ortho.Tests.Support;

// NUnit runs a set-up fixture around the tests of its namespace: this one stands above them all.
namespace Ortho.Tests;

/// <summary>Leaves the list of launched kernels behind for the lowering tests of another run.</summary>
[SetUpFixture]
public class KernelRecorder
{
    /// <summary>After the last test of a run.</summary>
    [OneTimeTearDown]
    public void Record()
    {
        if (Environment.GetEnvironmentVariable("ORTHO_RECORD_KERNELS") is { Length: > 0 } file)
            File.AppendAllLines(file, LoweredKernel.Launched.Select(kernel => kernel.Line));
    }
}
