namespace Ortho.Autograd;

/// <summary>The odd polynomials of a Newton-Schulz iteration, one for each step: data, so that fast starts and exact ends are written in one way.</summary>
/// <remarks>
/// All singular values s of a matrix divided by its Frobenius norm lie in [0, 1]; where the schedules take those of [0.01, 1] and [0.001, 1]:
/// <list type="table">
/// <item><term><see cref="Muon"/></term><description>[0.68, 1.14] and [0.29, 1.14]</description></item>
/// <item><term><see cref="You"/></term><description>[0.978, 1.032] and [0.475, 1.145]</description></item>
/// <item><term><see cref="PolarExpress"/></term><description>[0.876, 1.124] and the same</description></item>
/// <item><term><see cref="PolarExpress"/> with safety 1.05</term><description>[0.846, 1.124] and [0.729, 1.124]</description></item>
/// <item><term><see cref="PolarExpressDion"/></term><description>[0.859, 1.141] and [0.847, 1.141]</description></item>
/// <item><term><see cref="Cubic"/>, <see cref="Quintic"/></term><description>1 in the limit</description></item>
/// </list>
/// </remarks>
public sealed class NewtonSchulzSchedule
{
    /// <summary>A schedule.</summary>
    /// <param name="steps">Coefficients c_0, c_1, c_2, ... of c_0 s + c_1 s^3 + c_2 s^5 + ... for each step.</param>
    /// <param name="inputScale">What a matrix is divided by besides its norm.</param>
    /// <exception cref="ArgumentException">There is no step, a step without coefficients, or a number that is not finite.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The input scale is not positive.</exception>
    public NewtonSchulzSchedule(IEnumerable<IReadOnlyList<double>> steps, double inputScale = 1)
    {
        ArgumentNullException.ThrowIfNull(steps);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inputScale);
        // A linear step is a cubic one without a cube: kernels begin with the Gram matrix.
        Steps = [.. steps.Select(step => step.Count == 1 ? [step[0], 0] : step.ToArray())];
        if (Steps.Count == 0)
            throw new ArgumentException("NewtonSchulzSchedule: there is no step; expected at least one.", nameof(steps));
        if (Steps.FirstOrDefault(step => step.Count == 0 || step.Any(c => !double.IsFinite(c))) is { } wrong)
            throw new ArgumentException($"NewtonSchulzSchedule: a step has the coefficients [{string.Join(", ", wrong)}]; expected at least one, all finite.", nameof(steps));
        InputScale = inputScale;
    }

    /// <summary>Coefficients c_0, c_1, ... of each step's odd polynomial.</summary>
    public IReadOnlyList<IReadOnlyList<double>> Steps { get; }

    /// <summary>What a matrix is divided by besides its norm.</summary>
    public double InputScale { get; }

    /// <summary>What the schedule makes of a singular value, a number in [0, 1] relative to the norm.</summary>
    public double Map(double singularValue)
    {
        var s = singularValue / InputScale;
        foreach (var step in Steps)
        {
            var sum = 0.0;
            for (var k = step.Count - 1; k >= 0; k--)
                sum = sum * s * s + step[k];
            s *= sum;
        }
        return s;
    }

    /// <summary>One polynomial in every step.</summary>
    /// <param name="coefficients">c_0, c_1, ...</param>
    /// <param name="steps">At least one.</param>
    /// <exception cref="ArgumentOutOfRangeException">No step.</exception>
    public static NewtonSchulzSchedule Repeat(IReadOnlyList<double> coefficients, int steps)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        return new(Enumerable.Repeat(coefficients, steps));
    }

    /// <summary>Muon's quintic (Jordan et al. 2024): steep at 0, which takes every singular value near 1 in five steps, but not to it.</summary>
    public static NewtonSchulzSchedule Muon(int steps = 5) => Repeat([3.4445, -4.7750, 2.0315], steps);

    /// <summary>Jiacheng You's five quintics.</summary>
    public static NewtonSchulzSchedule You { get; } = new(
    [
        [4.0848, -6.8946, 2.9270], [3.9505, -6.3029, 2.6377], [3.7418, -5.5913, 2.3037], [2.8769, -3.1427, 1.2046], [2.8366, -3.0525, 1.2012],
    ]);

    /// <summary>The optimal quintics of Amsel et al., "The Polar Express" (2025), for singular values from 0.001 on; the last one is repeated.</summary>
    /// <param name="steps">At least one.</param>
    /// <param name="safety">Singular values are taken for larger by this factor in every step, c_k / safety^(2k + 1), which rounding needs when
    /// steps are made in low precision; 1.05 in the Gram form of Dao et al.</param>
    /// <exception cref="ArgumentOutOfRangeException">No step, or a safety below 1.</exception>
    public static NewtonSchulzSchedule PolarExpress(int steps = 5, double safety = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(safety, 1);
        return new(Lengthened(
        [
            [8.28721201814563, -23.595886519098837, 17.300387312530933], [4.107059111542203, -2.9478499167379106, 0.5448431082926601],
            [3.9486908534822946, -2.908902115962949, 0.5518191394370137], [3.3184196573706015, -2.488488024314874, 0.51004894012372],
            [2.300652019954817, -1.6689039845749493, 0.4188073119525673],
        ], steps).Select(step => step.Select((c, k) => c / Math.Pow(safety, 2 * k + 1)).ToArray()));
    }

    /// <summary>Polar Express as Microsoft's Dion has it: a safety of 1.02 in all steps but the last, and in the norm.</summary>
    /// <param name="steps">At least one; the last polynomial is repeated.</param>
    /// <exception cref="ArgumentOutOfRangeException">No step.</exception>
    public static NewtonSchulzSchedule PolarExpressDion(int steps = 5) => new(Lengthened(
    [
        [8.156554524902461, -22.48329292557795, 15.878769915207462], [4.042929935166739, -2.808917465908714, 0.5000178451051316],
        [3.8916678022926607, -2.772484153217685, 0.5060648178503393], [3.285753657755655, -2.3681294933425376, 0.46449024233003106],
        [2.3465413258596377, -1.7097828382687081, 0.42323551169305323],
    ], steps), inputScale: 1.02);

    /// <summary>3/2 s - 1/2 s^3: converges to 1, quadratically, from (0, sqrt 3).</summary>
    public static NewtonSchulzSchedule Cubic(int steps) => Repeat([1.5, -0.5], steps);

    /// <summary>15/8 s - 10/8 s^3 + 3/8 s^5: converges to 1, cubically, from (0, 1].</summary>
    public static NewtonSchulzSchedule Quintic(int steps) => Repeat([15 / 8.0, -10 / 8.0, 3 / 8.0], steps);

    static IEnumerable<double[]> Lengthened(double[][] steps, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1, nameof(steps));
        return Enumerable.Range(0, count).Select(k => steps[Math.Min(k, steps.Length - 1)]);
    }
}
