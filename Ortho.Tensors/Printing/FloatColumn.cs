namespace Ortho.Tensors.Printing;

/// <summary>How NumPy prints floating-point numbers that stand in one array: at most 8 digits after the point, as few as tell the numbers
/// apart, points below each other, exponents when the numbers are large, tiny or far apart.</summary>
sealed class FloatColumn
{
    const int Precision = 8;

    // Exponents are written from this number on, below that one, or when the largest is this many times the smallest.
    const double Large = 1e8, Tiny = 1e-4, Spread = 1000;
    const int LeastExponentDigits = 2;

    readonly DType dtype;
    readonly bool isScientific, hasPlus;
    readonly int left, right, fraction, exponentDigits;

    /// <summary>The column that holds these numbers.</summary>
    /// <param name="values">The numbers that will be printed.</param>
    /// <param name="dtype">Their real dtype.</param>
    /// <param name="hasPlus">Whether numbers that are not negative get a plus sign.</param>
    public FloatColumn(IReadOnlyList<double> values, DType dtype, bool hasPlus = false)
    {
        (this.dtype, this.hasPlus) = (dtype, hasPlus);
        double[] finite = [.. values.Where(double.IsFinite)], sizes = [.. finite.Where(x => x != 0).Select(Math.Abs)];
        isScientific = sizes.Length > 0 && (sizes.Max() >= Large || sizes.Min() < Round(Tiny) || Round(sizes.Max() / sizes.Min()) > Spread);
        var digits = finite.Select(Digits).ToList();
        if (digits.Count > 0)
        {
            if (isScientific)
            {
                fraction = digits.Max(number => number.Digits.Length - 1);
                exponentDigits = digits.Max(number => Math.Max(LeastExponentDigits, $"{Math.Abs(number.Exponent)}".Length));
                left = digits.Max(number => HasSign(number) ? 2 : 1);
                right = fraction + exponentDigits + 2;
            }
            else
            {
                left = digits.Max(number => Math.Max(0, number.Exponent) + (HasSign(number) ? 2 : 1));
                right = digits.Max(number => number.Fraction);
            }
        }
        // What is not finite stands on the whole width, which it may increase.
        foreach (var other in values.Where(x => !double.IsFinite(x)))
            left = Math.Max(left, NotFinite(other).Length - right - 1);
        // NumPy leaves room for an infinity's sign also beside a NaN.
        if (hasPlus && values.Count > finite.Length)
            left = Math.Max(left, "+inf".Length - right - 1);
    }

    /// <summary>A number of the column.</summary>
    public string Text(double value)
    {
        if (!double.IsFinite(value))
            return NotFinite(value).PadLeft(left + right + 1);
        var digits = Digits(value);
        // Exponents: as many digits as the longest number has. None: at least all to the units.
        digits = digits.Extended(value, isScientific ? fraction : Math.Max(0, digits.Exponent));
        var text = isScientific ? digits.Scientific(fraction, exponentDigits) : digits.Positional();
        if (hasPlus && !digits.IsNegative)
            text = $"+{text}";
        var point = text.IndexOf('.');
        return $"{new string(' ', left - point)}{text}".PadRight(isScientific ? 0 : left + 1 + right);
    }

    DecimalDigits Digits(double value)
    {
        var shortest = DecimalDigits.Shortest(value, dtype);
        return shortest.Rounded(value, isScientific ? Precision - shortest.Exponent : Precision);
    }

    string NotFinite(double value) => $"{(value < 0 ? "-" : hasPlus ? "+" : "")}{(double.IsNaN(value) ? "nan" : "inf")}";

    bool HasSign(DecimalDigits number) => hasPlus || number.IsNegative;

    // Comparisons are made in the numbers' own type.
    double Round(double value) => dtype switch
    {
        DType.Float64 => value,
        DType.Half => (double)(Half)value,
        _ => (float)value,
    };
}
