package io.ncc.checkin.benchmarks.report;

import io.ncc.checkin.benchmarks.measure.Contest;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Rectangle;
import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.text.NumberFormat;
import java.util.List;
import java.util.Locale;
import org.jfree.chart.ChartFactory;
import org.jfree.chart.JFreeChart;
import org.jfree.chart.axis.LogAxis;
import org.jfree.chart.axis.NumberTickUnitSource;
import org.jfree.chart.labels.StandardCategoryItemLabelGenerator;
import org.jfree.chart.plot.CategoryPlot;
import org.jfree.chart.plot.PlotOrientation;
import org.jfree.chart.plot.XYPlot;
import org.jfree.chart.renderer.category.BarRenderer;
import org.jfree.chart.renderer.category.StandardBarPainter;
import org.jfree.chart.renderer.xy.XYLineAndShapeRenderer;
import org.jfree.data.category.DefaultCategoryDataset;
import org.jfree.data.xy.XYSeries;
import org.jfree.data.xy.XYSeriesCollection;
import org.jfree.svg.SVGGraphics2D;

/** Plots as SVG. */
final class Plots {

    private static final int WIDTH = 800;
    private static final int HEIGHT = 400;
    private static final int BAR_HEIGHT = 50;
    private static final Color BAR = new Color(0x3b6ea5);

    private Plots() {}

    static String bars(Contest.Result result) {
        DefaultCategoryDataset values = new DefaultCategoryDataset();
        result.samples()
                .keySet()
                .forEach(name -> values.addValue(result.perSecond(name).median(), result.unit(), name));
        JFreeChart chart = ChartFactory.createBarChart(
                result.title(), null, result.unit() + "/s", values, PlotOrientation.HORIZONTAL, false, false, false);
        CategoryPlot plot = chart.getCategoryPlot();
        plot.setBackgroundPaint(Color.WHITE);
        plot.setRangeGridlinePaint(Color.LIGHT_GRAY);
        BarRenderer renderer = (BarRenderer) plot.getRenderer();
        renderer.setBarPainter(new StandardBarPainter());
        renderer.setShadowVisible(false);
        renderer.setSeriesPaint(0, BAR);
        renderer.setDefaultItemLabelGenerator(
                new StandardCategoryItemLabelGenerator("{2}", NumberFormat.getIntegerInstance(Locale.ROOT)));
        renderer.setDefaultItemLabelsVisible(true);
        plot.getRangeAxis().setUpperMargin(0.15);
        return svg(chart, 120 + BAR_HEIGHT * result.samples().size());
    }

    static String lines(String title, String x, String y, List<Line> lines) {
        XYSeriesCollection values = new XYSeriesCollection();
        for (Line line : lines) {
            XYSeries series = new XYSeries(line.name());
            line.points().forEach(point -> series.add(point[0], point[1]));
            values.addSeries(series);
        }
        JFreeChart chart = ChartFactory.createXYLineChart(title, x, y, values);
        XYPlot plot = chart.getXYPlot();
        plot.setBackgroundPaint(Color.WHITE);
        plot.setDomainGridlinePaint(Color.LIGHT_GRAY);
        plot.setRangeGridlinePaint(Color.LIGHT_GRAY);
        plot.setDomainAxis(logarithmic(x));
        plot.setRangeAxis(logarithmic(y));
        XYLineAndShapeRenderer renderer = new XYLineAndShapeRenderer(true, true);
        for (int i = 0; i < lines.size(); i++) {
            renderer.setSeriesStroke(i, new BasicStroke(2));
        }
        plot.setRenderer(renderer);
        return svg(chart, HEIGHT);
    }

    private static LogAxis logarithmic(String name) {
        LogAxis axis = new LogAxis(name);
        axis.setStandardTickUnits(new NumberTickUnitSource());
        axis.setNumberFormatOverride(new DecimalFormat("#,##0.###", DecimalFormatSymbols.getInstance(Locale.ROOT)));
        return axis;
    }

    private static String svg(JFreeChart chart, int height) {
        chart.setBackgroundPaint(Color.WHITE);
        chart.getTitle().setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 16));
        SVGGraphics2D graphics = new SVGGraphics2D(WIDTH, height);
        graphics.setDefsKeyPrefix("p"); // otherwise random: two runs would differ
        chart.draw(graphics, new Rectangle(WIDTH, height));
        return graphics.getSVGDocument() + "\n";
    }
}
