namespace Ortho.Tensors;

/// <summary>An argument that an operation cannot take: its message names the operation, the argument, what was given and what was
/// expected. Thrown before anything is computed or written.</summary>
public sealed class TensorArgumentException : ArgumentException
{
    /// <summary>An exception for one argument of one operation.</summary>
    /// <param name="operation">Operation, e.g. <c>MatMul</c>.</param>
    /// <param name="argument">Name of the argument.</param>
    /// <param name="given">What was given.</param>
    /// <param name="expected">What was expected.</param>
    public TensorArgumentException(string operation, string argument, string given, string expected)
        : base($"{operation}: {argument} is {given}; expected {expected}.")
    {
        Operation = operation;
        Argument = argument;
    }

    /// <summary>The operation that refused.</summary>
    public string Operation { get; }

    /// <summary>The argument it refused.</summary>
    public string Argument { get; }
}

/// <summary>A device that cannot do what was asked: not present, out of memory, or a kernel that failed.</summary>
/// <param name="message">What failed and where.</param>
/// <param name="inner">The device's own error.</param>
public sealed class DeviceException(string message, Exception? inner = null) : Exception(message, inner);
