namespace Ortho.Layers.Optimizers.Solvers;

/// <summary>How far a solver goes along a direction.</summary>
public enum LineSearch
{
    /// <summary>Backtracking until the cost falls by a share of what its slope promises (Armijo's condition), then one correction by a
    /// parabola. Costs are evaluated, gradients not.</summary>
    Armijo,

    /// <summary>Bracketing until the slope has also shrunk (the strong Wolfe conditions), with exact slopes along the retraction. Nocedal
    /// and Wright 2006, algorithms 3.5 and 3.6.</summary>
    StrongWolfe,
}

static class Searching
{
    const double Decrease = 1e-4, Flatness = 0.1;
    const int MostTries = 40;

    /// <summary>A step length along the curve, and 0 when none was found.</summary>
    /// <param name="search">The conditions.</param>
    /// <param name="curve">The cost along the direction.</param>
    /// <param name="value">Its value at 0.</param>
    /// <param name="slope">Its derivative at 0, negative.</param>
    /// <param name="guess">The first length that is tried.</param>
    public static double Run(LineSearch search, Curve curve, double value, double slope, double guess)
        => search == LineSearch.Armijo ? Backtrack(curve, value, slope, guess) : Bracket(curve, value, slope, guess);

    // Differences of costs below a rounding of the cost say nothing: they do not stop a descent direction.
    static bool Falls(Curve curve, double reached, double t, double value, double slope)
        => reached <= value + Decrease * t * slope + curve.Rounding * Math.Abs(value);

    static double Backtrack(Curve curve, double value, double slope, double t)
    {
        for (var k = 0; k < MostTries; k++)
        {
            var reached = curve.Value(t);
            // The minimum of the parabola through both values with this slope, in units of t.
            var bend = reached - value - slope * t;
            var share = bend > 0 ? -slope * t / (2 * bend) : double.PositiveInfinity;
            if (Falls(curve, reached, t, value, slope))
            {
                // Any step that is short enough falls; directions are conjugate only after steps that end near a minimum.
                if (share is > 0.8 and < 1.25)
                    return t;
                var better = t * Math.Clamp(share, 0.1, 4);
                return curve.Value(better) < reached ? better : t;
            }
            t *= double.IsFinite(bend) ? Math.Clamp(share, 0.1, 0.5) : 0.1;
        }
        return 0;
    }

    static double Bracket(Curve curve, double value, double slope, double t)
    {
        var (before, valueBefore, slopeBefore) = (0.0, value, slope);
        for (var k = 0; k < MostTries; k++)
        {
            var (reached, steepness) = curve.Derivative(t);
            if (!Falls(curve, reached, t, value, slope) || (k > 0 && reached > valueBefore))
                return Zoom(curve, value, slope, (before, valueBefore, slopeBefore), t);
            if (Math.Abs(steepness) <= -Flatness * slope)
                return t;
            if (steepness >= 0)
                return Zoom(curve, value, slope, (t, reached, steepness), before);
            (before, valueBefore, slopeBefore) = (t, reached, steepness);
            t *= 2;
        }
        return before;
    }

    // Between low, the best end so far, whose slope points to the other, and high.
    static double Zoom(Curve curve, double value, double slope, (double T, double Value, double Slope) low, double high)
    {
        var valueHigh = double.NaN;
        for (var k = 0; k < MostTries && Math.Abs(high - low.T) > 1e-14 * Math.Abs(low.T); k++)
        {
            // The parabola with low's value and slope and high's value, kept off both ends; the middle before high's value is known.
            var width = high - low.T;
            var share = -low.Slope * width / (2 * (valueHigh - low.Value - low.Slope * width));
            var t = low.T + width * (double.IsFinite(share) ? Math.Clamp(share, 0.1, 0.9) : 0.5);
            var (reached, steepness) = curve.Derivative(t);
            if (!Falls(curve, reached, t, value, slope) || reached > low.Value)
            {
                (high, valueHigh) = (t, reached);
                continue;
            }
            if (Math.Abs(steepness) <= -Flatness * slope)
                return t;
            if (steepness * (high - low.T) >= 0)
                (high, valueHigh) = (low.T, low.Value);
            low = (t, reached, steepness);
        }
        return low.T;
    }
}
