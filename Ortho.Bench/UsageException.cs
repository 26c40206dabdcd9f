namespace Ortho.Bench;

/// <summary>Something the user can put right: becomes one line on standard error and exit code 2.</summary>
/// <param name="message">What was given and what was expected.</param>
sealed class UsageException(string message) : Exception(message);
