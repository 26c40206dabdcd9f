using System.Globalization;
using System.Text.RegularExpressions;
using Ortho.Bench.Experiments;
using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;

namespace Ortho.Bench.Reports;

/// <summary>The report's plots as SVG that takes its text and grid colours from the page, so that one drawing suits light and dark.</summary>
static partial class Plots
{
    const double Width = 560, Height = 300;

    // Markers for colours that only the page knows; nothing else is drawn in them.
    static readonly OxyColor Text = OxyColor.FromRgb(1, 2, 3), Grid = OxyColor.FromRgb(3, 2, 1);

    // Blue and orange keep apart on white and on black, and for the colour-blind.
    static readonly OxyColor[] Palette = [OxyColor.FromRgb(0x3B, 0x82, 0xC4), OxyColor.FromRgb(0xE0, 0x7B, 0x39), OxyColor.FromRgb(0x5A, 0xA4, 0x69)];

    /// <summary>Training loss after each epoch, on a logarithmic axis.</summary>
    public static string Loss(RunResult result)
    {
        var model = Model("Training loss", Epochs(), Decorated(new LogarithmicAxis(), AxisPosition.Left, "loss"));
        AddCurves(model, result, epoch => epoch.Loss > 0 ? epoch.Loss : double.NaN); // no logarithm of zero
        return Svg(model);
    }

    /// <summary>Accuracy on the test images after each epoch.</summary>
    public static string Accuracy(RunResult result)
    {
        var model = Model("Test accuracy", Epochs(), Axis(AxisPosition.Left, "percent"));
        AddCurves(model, result, epoch => 100 * epoch.Accuracy);
        return Svg(model);
    }

    /// <summary>Certified accuracy and accuracy under attack against the radius; radius 0 is plain accuracy.</summary>
    public static string Robustness(RunResult result)
    {
        var percent = Axis(AxisPosition.Left, "percent");
        (percent.Minimum, percent.Maximum) = (0, 102);
        var model = Model("Accuracy against the size of the perturbation", Axis(AxisPosition.Bottom, "L2 radius"), percent);
        for (var i = 0; i < result.Networks.Count; i++)
        {
            var network = result.Networks[i];
            AddRadii(model, $"{network.Name}, PGD", network.Accuracy, network.Pgd, i, LineStyle.Dash);
            AddRadii(model, $"{network.Name}, certified", network.Accuracy, network.Certified, i, LineStyle.Solid);
        }
        return Svg(model);
    }

    /// <summary>From the smallest to the largest singular value of each layer, on a logarithmic axis.</summary>
    public static string SingularValues(RunResult result)
    {
        const double smallestShown = 1e-4; // the logarithmic axis has no zero; a singular layer is drawn down to here
        var layers = result.Networks.SelectMany(network => network.Layers).Select(layer => layer.Name).Distinct().ToList();
        var names = new CategoryAxis { GapWidth = 0.4, Angle = -20 }; // layers have long names
        names.Labels.AddRange(layers);
        var model = Model("Singular values of each layer", Decorated(names, AxisPosition.Bottom, ""), Decorated(new LogarithmicAxis(), AxisPosition.Left, "singular value"));
        for (var i = 0; i < result.Networks.Count; i++)
        {
            var network = result.Networks[i];
            var ranges = new LineSeries
            {
                Title = network.Name, Color = Colour(i), StrokeThickness = 5,
                MarkerType = MarkerType.Square, MarkerSize = 4, MarkerFill = Colour(i), // an orthogonal layer's range has no length to be seen by
            };
            var offset = (i - (result.Networks.Count - 1) / 2.0) * 0.22;
            foreach (var layer in network.Layers.Where(layer => double.IsFinite(layer.Largest) && layer.Largest > 0))
            {
                var (x, low) = (layers.IndexOf(layer.Name) + offset, Math.Max(layer.Smallest, smallestShown));
                ranges.Points.AddRange([new(x, Math.Min(low, layer.Largest)), new(x, layer.Largest), DataPoint.Undefined]);
            }
            model.Series.Add(ranges);
        }
        return Svg(model);
    }

    /// <summary>Curves over the steps of a loop, from zero.</summary>
    /// <param name="title">Title of the plot.</param>
    /// <param name="unit">Unit of the vertical axis.</param>
    /// <param name="curves">Name, and (step, value) points.</param>
    public static string Steps(string title, string unit, IReadOnlyList<(string Name, IReadOnlyList<(double Step, double Value)> Points)> curves)
    {
        var vertical = Axis(AxisPosition.Left, unit);
        vertical.Minimum = 0;
        var model = Model(title, Axis(AxisPosition.Bottom, "step"), vertical);
        foreach (var (i, (name, points)) in curves.Index())
        {
            var curve = Curve(name, i, LineStyle.Solid);
            curve.MarkerType = MarkerType.None;
            curve.Points.AddRange(points.Select(point => Point(point.Step, point.Value)));
            model.Series.Add(curve);
        }
        return Svg(model);
    }

    static void AddCurves(PlotModel model, RunResult result, Func<EpochResult, double> value)
    {
        for (var i = 0; i < result.Networks.Count; i++)
        {
            var curve = Curve(result.Networks[i].Name, i, LineStyle.Solid);
            curve.Points.AddRange(result.Networks[i].History.Select(epoch => Point(epoch.Epoch, value(epoch))));
            model.Series.Add(curve);
        }
    }

    static void AddRadii(PlotModel model, string title, double accuracy, IReadOnlyDictionary<string, double> shares, int index, LineStyle style)
    {
        var curve = Curve(title, index, style);
        curve.Points.Add(Point(0, 100 * accuracy));
        curve.Points.AddRange(Radius.Standard.Where(radius => shares.ContainsKey(radius.Name)).Select(radius => Point(radius.Value, 100 * shares[radius.Name])));
        model.Series.Add(curve);
    }

    static DataPoint Point(double x, double y) => double.IsFinite(y) ? new DataPoint(x, y) : DataPoint.Undefined;

    static OxyColor Colour(int index) => Palette[index % Palette.Length];

    static LineSeries Curve(string title, int index, LineStyle style) => new()
    {
        Title = title,
        Color = Colour(index),
        LineStyle = style,
        MarkerType = index % 2 == 0 ? MarkerType.Circle : MarkerType.Square,
        MarkerSize = 3,
        MarkerFill = Colour(index),
    };

    static LinearAxis Epochs()
    {
        var axis = Axis(AxisPosition.Bottom, "epoch");
        axis.MinimumMajorStep = 1; // there is no epoch one and a half
        return axis;
    }

    static LinearAxis Axis(AxisPosition position, string title) => Decorated(new LinearAxis(), position, title);

    static T Decorated<T>(T axis, AxisPosition position, string title) where T : Axis
    {
        (axis.Position, axis.Title) = (position, title);
        (axis.TextColor, axis.TitleColor, axis.TicklineColor, axis.AxislineColor) = (Text, Text, Text, Text);
        axis.MinorTickSize = 0;
        axis.AxisTitleDistance = 10; // clear of tick labels in a wider font
        if (position == AxisPosition.Left) (axis.MinimumPadding, axis.MaximumPadding) = (0.05, 0.05);
        (axis.MajorGridlineStyle, axis.MajorGridlineColor) = (LineStyle.Solid, Grid);
        return axis;
    }

    static PlotModel Model(string title, params Axis[] axes)
    {
        var model = new PlotModel
        {
            Title = title, TitleFontSize = 14, TextColor = Text, PlotAreaBorderColor = Grid,
            Background = OxyColors.Transparent, DefaultFont = "Helvetica, Arial, sans-serif",
        };
        model.Legends.Add(new Legend
        {
            LegendPlacement = LegendPlacement.Outside, LegendPosition = LegendPosition.BottomCenter, LegendOrientation = LegendOrientation.Horizontal, LegendTextColor = Text,
        });
        foreach (var axis in axes) model.Axes.Add(axis);
        return model;
    }

    static string Svg(PlotModel model)
    {
        var svg = new SvgExporter { Width = Width, Height = Height, IsDocument = false, TextMeasurer = new RoomyText() }.ExportToString(model);
        var drawing = ClipPaths().Replace(svg[svg.IndexOf('>', svg.IndexOf("<svg", StringComparison.Ordinal))..], "")
            .Replace($"rgb({Text.R},{Text.G},{Text.B})", "var(--text)", StringComparison.Ordinal)
            .Replace($"rgb({Grid.R},{Grid.G},{Grid.B})", "var(--grid)", StringComparison.Ordinal);
        // OxyPlot's own head has an XML declaration, which has no place in a page, and no viewBox, without which a drawing does not scale
        return string.Create(CultureInfo.InvariantCulture,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"{model.Title}\" viewBox=\"0 0 {Width} {Height}\"{drawing}");
    }

    /// <summary>Clip paths cut the ends off wide text, all axes hold all data anyway, and their ids would clash on a page with several drawings.</summary>
    [GeneratedRegex("""<defs>\s*<clipPath.*?</defs>\s*| clip-path="[^"]*["]""", RegexOptions.Singleline)]
    private static partial Regex ClipPaths();

    /// <summary>Text sizes without a graphics library: those of OxyPlot's built-in Helvetica, and room for a reader whose font is wider.</summary>
    sealed class RoomyText() : PdfRenderContext(Width, Height, OxyColors.Transparent)
    {
        public override OxySize MeasureText(string text, string fontFamily, double fontSize, double fontWeight)
        {
            var size = base.MeasureText(text, fontFamily, fontSize, fontWeight);
            return new OxySize(1.2 * size.Width, size.Height);
        }
    }
}
