//! Charts as SVG: bars, each with a line for the 90 % confidence interval.

use crate::peers::Task;
use crate::results::Results;
use std::fmt::Write;

const WIDTH: f64 = 760.0;
const LABELS: f64 = 270.0;
const VALUES: f64 = 60.0;
const ROW: f64 = 24.0;
const TOP: f64 = 44.0;
const OURS: &str = "#c2410c";
const PEER: &str = "#64748b";

struct Bar<'a> {
    label: String,
    value: f64,
    interval: Option<[f64; 2]>,
    color: &'a str,
}

/// Returns what each filter adds to a request that it lets pass.
pub fn requests(results: &Results) -> String {
    let direct = crate::results::compared_with(Task::Direct).0;
    let passing = |key: &str| {
        key != direct && !key.contains("abort") && !key.contains("small") && !key.contains("large")
    };
    let bars: Vec<_> = results
        .rows
        .iter()
        .filter(|row| passing(row.key))
        .map(|row| Bar {
            label: row.title.replace('`', ""),
            value: row.overhead.value,
            interval: Some([row.overhead.low, row.overhead.high]),
            color: color(row.title),
        })
        .collect();
    draw("CPU per request over no filter, µs", &bars)
}

/// Returns how late delays end.
pub fn lateness(results: &Results) -> String {
    let bars: Vec<_> = results
        .held
        .iter()
        .flat_map(|held| {
            [("p50", held.lateness.p50), ("p99", held.lateness.p99)].map(|(name, late)| Bar {
                label: format!("{}, {} held, {name}", held.title, held.concurrent),
                value: late / 1e3,
                interval: None,
                color: color(held.title),
            })
        })
        .collect();
    draw("How much later than asked for a delay of 100 ms ends, ms", &bars)
}

fn color(title: &str) -> &'static str {
    if title.starts_with("Brownout") { OURS } else { PEER }
}

fn draw(title: &str, bars: &[Bar]) -> String {
    let most = bars.iter().map(|bar| bar.interval.map_or(bar.value, |[_, high]| high.max(bar.value)));
    let scale = (WIDTH - LABELS - VALUES) / most.fold(f64::MIN_POSITIVE, f64::max);
    let at = |value: f64| LABELS + value.max(0.0) * scale;
    let height = TOP + ROW * bars.len() as f64 + 12.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\" role=\"img\">\n\
         <title>{title}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"12\" y=\"26\" font-size=\"15\" font-weight=\"600\" fill=\"#0f172a\">{title}</text>\n"
    );
    for (number, bar) in bars.iter().enumerate() {
        let top = TOP + ROW * number as f64;
        let (middle, text) = (top + ROW / 2.0 - 2.0, top + ROW / 2.0 + 3.0);
        let (end, length) = (at(bar.value), at(bar.value) - LABELS);
        writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{text:.1}\" text-anchor=\"end\" fill=\"#0f172a\">{}</text>\n\
             <rect x=\"{LABELS}\" y=\"{:.1}\" width=\"{length:.1}\" height=\"{:.1}\" fill=\"{}\"/>",
            LABELS - 8.0,
            escaped(&bar.label),
            top + 2.0,
            ROW - 8.0,
            bar.color,
        )
        .ok();
        let mut reach = end;
        if let Some([low, high]) = bar.interval {
            reach = end.max(at(high));
            let (low, high) = (at(low), at(high));
            writeln!(
                svg,
                "<path d=\"M{low:.1} {middle:.1}H{high:.1}\" stroke=\"#0f172a\" stroke-width=\"1.5\"/>"
            )
            .ok();
        }
        writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{text:.1}\" fill=\"#0f172a\">{:.2}</text>",
            reach + 6.0,
            bar.value
        )
        .ok();
    }
    svg + "</svg>\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
