namespace Ortho.Bench;

/// <summary>The entry point; <see cref="Application"/> does the work, so that tests can call it with writers and devices of their own.</summary>
static class Program
{
    static int Main(string[] args)
        => new Application(Services.Product, new Terminal(Console.Out, Console.Error, IsInteractive: !Console.IsOutputRedirected)).Run(args);
}
