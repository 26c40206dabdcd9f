namespace Ortho.Layers.Optimizers;

/// <summary>Factors of a learning rate by the number of steps made before, for <see cref="Optimizer.Follow"/>.</summary>
/// <remarks>With a warm-up of w steps, step k &lt; w has the factor (k + 1) / w; the rest is counted from its end. After the last step the
/// factor stays what it was.</remarks>
/// <example><code>optimizer.Follow(Schedules.Cosine(steps: 10_000, warmUp: 500));</code></example>
public static class Schedules
{
    /// <summary>1, after the warm-up.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A negative warm-up.</exception>
    public static Func<int, double> Constant(int warmUp = 0) => Of(warmUp, null, _ => 1);

    /// <summary>Along a line from 1 to the end, which would be reached after the last step.</summary>
    /// <param name="steps">Steps in all, the warm-up included.</param>
    /// <param name="end">Factor at the end.</param>
    /// <param name="warmUp">Steps of the warm-up.</param>
    /// <exception cref="ArgumentOutOfRangeException">A negative number, or no more steps than the warm-up's.</exception>
    public static Func<int, double> Linear(int steps, double end = 0, int warmUp = 0) => Of(warmUp, steps, done => 1 + (end - 1) * done, end);

    /// <summary>Along half a cosine from 1 to the end, which would be reached after the last step. Loshchilov and Hutter 2017.</summary>
    /// <param name="steps">Steps in all, the warm-up included.</param>
    /// <param name="end">Factor at the end.</param>
    /// <param name="warmUp">Steps of the warm-up.</param>
    /// <exception cref="ArgumentOutOfRangeException">A negative number, or no more steps than the warm-up's.</exception>
    public static Func<int, double> Cosine(int steps, double end = 0, int warmUp = 0)
        => Of(warmUp, steps, done => end + (1 - end) * 0.5 * (1 + Math.Cos(Math.PI * done)), end);

    static Func<int, double> Of(int warmUp, int? steps, Func<double, double> rest, double end = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(warmUp);
        ArgumentOutOfRangeException.ThrowIfNegative(end);
        if (steps is { } all)
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(all, warmUp, nameof(steps));
        return step => step < warmUp ? (step + 1.0) / warmUp : rest(steps is { } total ? Math.Min(1, (double)(step - warmUp) / (total - warmUp)) : 0);
    }
}
