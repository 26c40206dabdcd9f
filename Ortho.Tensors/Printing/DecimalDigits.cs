using System.Globalization;
using System.Numerics;

namespace Ortho.Tensors.Printing;

/// <summary>A finite number in decimal: sign, d.ddd times 10^<paramref name="Exponent"/>. No zeros at the end; zero is one digit 0.</summary>
/// <param name="IsNegative">Whether the sign bit is set.</param>
/// <param name="Digits">The digits.</param>
/// <param name="Exponent">Power of ten of the first digit.</param>
readonly record struct DecimalDigits(bool IsNegative, string Digits, int Exponent)
{
    /// <summary>Digits after the decimal point when it is written without an exponent.</summary>
    public int Fraction => Math.Max(0, Digits.Length - 1 - Exponent);

    /// <summary>The fewest digits that no other number of the dtype shares.</summary>
    public static DecimalDigits Shortest(double value, DType dtype) => dtype switch
    {
        DType.Float32 or DType.Complex64 => Parse(((float)value).ToString("R", CultureInfo.InvariantCulture)),
        DType.Half => Parse(((Half)value).ToString("R", CultureInfo.InvariantCulture)),
        DType.BFloat16 => ShortestBFloat16(value),
        _ => Parse(value.ToString("R", CultureInfo.InvariantCulture)),
    };

    /// <summary>Rounded to this many digits after the point (or, when negative, before it) from the exact value, ties to even.</summary>
    /// <param name="value">The exact value, of which these are the shortest digits.</param>
    /// <param name="fraction">How many.</param>
    public DecimalDigits Rounded(double value, int fraction)
        => Digits.Length - 1 - Exponent <= fraction ? this : OfInteger(IsNegative, RoundedScaled(Math.Abs(value), fraction), fraction);

    /// <summary>With more digits of the exact value, which these lack because they do not tell the number from its neighbours.</summary>
    /// <param name="value">The exact value, of which these are the digits.</param>
    /// <param name="fraction">Digits after the first.</param>
    public DecimalDigits Extended(double value, int fraction)
    {
        if (Digits.Length > fraction || value == 0)
            return this;
        // These digits may have been rounded up to the next power of ten.
        var (size, decimals) = (Math.Abs(value), fraction - Exponent);
        var finer = RoundedScaled(size, decimals + 1);
        return finer < BigInteger.Pow(10, fraction + 1)
            ? OfInteger(IsNegative, finer, decimals + 1)
            : OfInteger(IsNegative, RoundedScaled(size, decimals), decimals);
    }

    /// <summary>12.5: without an exponent, and with a point at the end of whole numbers.</summary>
    public string Positional()
    {
        var padded = Exponent < 0 ? new string('0', -Exponent) + Digits : Digits.PadRight(Exponent + 1, '0');
        var point = Math.Max(0, Exponent) + 1;
        return $"{Sign}{padded[..point]}.{padded[point..]}";
    }

    /// <summary>1.25e+01: zeros fill up the fraction and the exponent.</summary>
    public string Scientific(int fraction, int exponentDigits)
    {
        var exponent = Math.Abs(Exponent).ToString($"D{exponentDigits}", CultureInfo.InvariantCulture);
        return $"{Sign}{Digits[0]}.{Digits[1..].PadRight(fraction, '0')}e{(Exponent < 0 ? '-' : '+')}{exponent}";
    }

    string Sign => IsNegative ? "-" : "";

    static DecimalDigits Parse(string text)
    {
        var isNegative = text[0] == '-';
        var mark = text.IndexOf('E');
        var exponent = mark < 0 ? 0 : int.Parse(text.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var number = text[(isNegative ? 1 : 0)..(mark < 0 ? text.Length : mark)];
        var point = number.IndexOf('.');
        var digits = number.Replace(".", "", StringComparison.Ordinal);
        exponent += (point < 0 ? number.Length : point) - 1;
        var zeros = digits.Length - digits.TrimStart('0').Length;
        digits = digits.Trim('0');
        return digits.Length == 0 ? new(isNegative, "0", 0) : new(isNegative, digits, exponent - zeros);
    }

    static DecimalDigits OfInteger(bool isNegative, BigInteger scaled, int fraction)
    {
        var digits = scaled.ToString(CultureInfo.InvariantCulture);
        return scaled.IsZero ? new(isNegative, "0", 0) : new(isNegative, digits.TrimEnd('0'), digits.Length - 1 - fraction);
    }

    // value 10^fraction, rounded to an integer.
    static BigInteger RoundedScaled(double value, int fraction)
    {
        var bits = BitConverter.DoubleToInt64Bits(value);
        var exponent = (int)(bits >> 52);
        var significand = exponent == 0 ? bits : (bits & ((1L << 52) - 1)) | (1L << 52);
        var power = Math.Max(1, exponent) - 1075;
        var numerator = significand * BigInteger.Pow(10, Math.Max(0, fraction)) << Math.Max(0, power);
        var denominator = BigInteger.Pow(10, Math.Max(0, -fraction)) << Math.Max(0, -power);
        var (quotient, rest) = BigInteger.DivRem(numerator, denominator);
        var comparison = (rest * 2).CompareTo(denominator);
        return comparison > 0 || (comparison == 0 && !quotient.IsEven) ? quotient + 1 : quotient;
    }

    // .NET has no text of this type: as many digits as it takes to come back.
    static DecimalDigits ShortestBFloat16(double value)
    {
        var exact = Parse(value.ToString("R", CultureInfo.InvariantCulture));
        for (var digits = 1; ; digits++)
        {
            var rounded = exact.Rounded(value, digits - 1 - exact.Exponent);
            var back = (BFloat16)float.Parse(rounded.Scientific(0, 2), CultureInfo.InvariantCulture);
            if (back == (BFloat16)(float)value || digits >= exact.Digits.Length)
                return rounded;
        }
    }
}
