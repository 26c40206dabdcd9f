using System.CommandLine;
using System.Globalization;

namespace Ortho.Bench.Commands;

/// <summary>Bounds of options, refused while the command line is parsed.</summary>
static class OptionBounds
{
    extension(Option option)
    {
        /// <summary>Refuses smaller numbers.</summary>
        // From the text and not from the value: asking for the value of "many" throws, where parsing has a message for it
        public void RequireAtLeast(int least) => option.Validators.Add(result =>
        {
            if (result.Tokens is [var text] && int.TryParse(text.Value, CultureInfo.InvariantCulture, out var value) && value < least)
                result.AddError($"{option.Name} is {value}; expected at least {least}");
        });
    }
}
