using System.Text;
using System.Text.Json;
using System.Xml;
using System.Xml.Linq;
using NUnit.Framework;
using Ortho.Bench;
using Ortho.Bench.Reports;
using Ortho.Layers.Data;

namespace Ortho.Tests.Bench;

public class ReportTests
{
    static readonly ImageDataset Images = Glyphs.Generate(30, seed: 1);

    [Test]
    public void The_page_is_well_formed_and_needs_nothing_else()
    {
        var page = Parse(Report.Render(FixedExperiment.Result(5), Images));
        Assert.That(Elements(page, "svg"), Has.Count.EqualTo(4));
        Assert.That(Elements(page, "img"), Has.Count.EqualTo(20));
        foreach (var image in Elements(page, "img"))
        {
            var source = (string)image.Attribute("src")!;
            Assert.That(source, Does.StartWith("data:image/png;base64,"));
            Assert.That(Convert.FromBase64String(source[(source.IndexOf(',') + 1)..])[1..4], Is.EqualTo("PNG"u8.ToArray()));
        }
        Assert.That(page.Descendants().Attributes().Where(a => a.Name.LocalName is "src" or "href").Select(a => a.Value), Is.All.StartsWith("data:"));
        Assert.That(Elements(page, "script").Concat(Elements(page, "link")), Is.Empty);
    }

    [Test]
    public void The_plots_show_both_networks_and_take_the_colours_of_the_page()
    {
        var result = FixedExperiment.Result(5);
        foreach (var plot in new[] { Plots.Loss(result), Plots.Accuracy(result), Plots.Robustness(result), Plots.SingularValues(result) })
        {
            var svg = XElement.Parse(plot);
            var text = string.Join('\n', svg.Descendants().Where(e => e.Name.LocalName == "text").Select(e => e.Value));
            Assert.That(text, Does.Contain("orthogonal").And.Contain("plain"));
            Assert.That(svg.DescendantsAndSelf().Attributes("id"), Is.Empty, "ids would clash with those of the other plots");
            Assert.That(plot, Does.Contain("var(--text)").And.Contain("var(--grid)").And.Not.Contain("NaN"));
        }
    }

    [Test]
    public void The_table_shows_every_figure()
    {
        var page = Parse(Report.Render(FixedExperiment.Result(1), Images));
        var rows = Elements(page, "tr").Select(row => string.Join('|', row.Elements().Select(cell => cell.Value))).ToList();
        Assert.That(rows[0], Is.EqualTo("|orthogonal|plain"));
        Assert.That(rows, Does.Contain("accuracy|90.0 %|95.0 %"));
        Assert.That(rows, Does.Contain("largest |singular value - 1||3.0e-7|4.2e+0"));
        Assert.That(rows.Count(row => row.StartsWith("certified", StringComparison.Ordinal)), Is.EqualTo(3));
        Assert.That(rows.Count(row => row.StartsWith("under PGD", StringComparison.Ordinal)), Is.EqualTo(3));
    }

    /// <summary>The unconstrained twin may diverge; that is a result, and it has to be reportable.</summary>
    [Test]
    public void A_diverged_network_is_reported([Values(double.NaN, double.PositiveInfinity, 0)] double loss)
    {
        var good = FixedExperiment.Result(3);
        var diverged = good.Networks[1] with
        {
            FinalLoss = loss, MaxSingularValueError = loss, Certified = new Dictionary<string, double>(),
            History = [.. good.Networks[1].History.Select(epoch => epoch with { Loss = loss })], Layers = [new LayerSpectrum("dense", loss, loss)],
        };
        var result = good with { Networks = [good.Networks[0], diverged] };
        Assert.That(Elements(Parse(Report.Render(result, Images)), "svg"), Has.Count.EqualTo(4));
        var read = JsonSerializer.Deserialize(result.ToJson(), ResultJson.Default.RunResult)!;
        Assert.That(read.Networks[1].FinalLoss, Is.EqualTo(loss));
    }

    [Test]
    public void Nothing_measured_is_still_a_page()
    {
        var empty = FixedExperiment.Result(0);
        empty = empty with { Networks = [.. empty.Networks.Select(network => network with { Layers = [] })] };
        Assert.That(Elements(Parse(Report.Render(empty, Images.Subset(..0))), "svg"), Has.Count.EqualTo(4));
    }

    [Test]
    public void Names_are_escaped()
    {
        var result = FixedExperiment.Result(2) with { Device = "<b>&\"" };
        Assert.That(Elements(Parse(Report.Render(result, Images)), "p")[0].Value, Does.Contain("<b>&\""));
    }

    [Test]
    public void Results_survive_the_round_trip_through_json()
    {
        var result = FixedExperiment.Result(2);
        var again = JsonSerializer.Deserialize(result.ToJson(), ResultJson.Default.RunResult)!;
        Assert.That(again.ToJson(), Is.EqualTo(result.ToJson()));
        Assert.That(again.Networks[0].Certified, Is.EqualTo(result.Networks[0].Certified));
    }

    static List<XElement> Elements(XDocument page, string name) => [.. page.Descendants().Where(element => element.Name.LocalName == name)];

    static XDocument Parse(byte[] page)
    {
        using var reader = XmlReader.Create(new StringReader(Encoding.UTF8.GetString(page)), new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore });
        return XDocument.Load(reader);
    }
}
