//! Bars, columns and histograms for a terminal.

use std::time::Duration;

/// Bars by eighths of a column.
const EIGHTHS: [char; 9] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
/// Columns by eighths of a line.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The maximum number of rows of a histogram.
const ROWS: usize = 20;

/// Returns a bar of at most `width` columns for `value` of `most`. Any value above zero is visible.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of eighths"
)]
pub fn bar(value: u64, most: u64, width: usize) -> String {
    if value == 0 || most == 0 {
        return String::new();
    }
    let eighths = ((value as f64 / most as f64 * width as f64 * 8.0).round() as usize).max(1);
    let mut bar = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[eighths % 8]);
    }
    bar
}

/// Returns one column for each value, as high as its share of the highest. Zero is a blank.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of eighths")]
pub fn columns(values: &[f64]) -> String {
    let most = values.iter().copied().fold(0.0, f64::max);
    let column = |value: &f64| {
        if *value <= 0.0 {
            return ' ';
        }
        let level = (value / most * 8.0).ceil() as usize;
        LEVELS[level.clamp(1, 8) - 1]
    };
    values.iter().map(column).collect()
}

/// A row of a histogram: more than the first and up to the second, and how many those are.
pub type Row = (Duration, Duration, u64);

/// Sorted durations in rows that grow as 1, 2, 5, 10 do; in wider ones if there would be too many of those. The
/// shortest of all are few and far between: they share the first row.
pub fn histogram(sorted: &[Duration]) -> Vec<Row> {
    let (Some(first), Some(last)) = (sorted.get(sorted.len() / 200), sorted.last()) else {
        return Vec::new();
    };
    for steps in [[1_u64, 2, 5].as_slice(), &[1]] {
        let rows = rows(sorted, &edges(*first, *last, steps));
        if rows.len() <= ROWS || steps.len() == 1 {
            return rows;
        }
    }
    Vec::new()
}

/// From the last one that is less than all durations to the first that is not less than any.
fn edges(first: Duration, last: Duration, steps: &[u64]) -> Vec<Duration> {
    let mut edges = vec![Duration::ZERO];
    let mut scale = 1_000_u64;
    loop {
        for step in steps {
            let edge = Duration::from_nanos(scale * step);
            if edge < first {
                edges[0] = edge;
                continue;
            }
            edges.push(edge);
            if edge >= last {
                return edges;
            }
        }
        scale *= 10;
    }
}

fn rows(sorted: &[Duration], edges: &[Duration]) -> Vec<Row> {
    let until = |edge: &Duration| sorted.partition_point(|duration| duration <= edge) as u64;
    let pairs = edges.iter().zip(edges.iter().skip(1));
    let mut counted = 0;
    pairs.map(|(from, to)| (*from, *to, until(to) - std::mem::replace(&mut counted, until(to)))).collect()
}

/// Formats a number with commas between thousands: `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a duration with at most four significant digits: `12.3 ms`, `1.5 s`, `2 min 5 s`.
pub fn shortly(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    let (value, unit) = match seconds {
        0.0 => return "0 s".into(),
        s if s < 1e-3 => (s * 1e6, "µs"),
        s if s < 1.0 => (s * 1e3, "ms"),
        s if s < 60.0 => (s, "s"),
        s => {
            let whole = s.round();
            let (hours, minutes, rest) =
                ((whole / 3600.0).floor(), (whole % 3600.0 / 60.0).floor(), whole % 60.0);
            let parts = [(hours, "h"), (minutes, "min"), (rest, "s")];
            let given = parts.iter().filter(|(number, _)| *number > 0.0);
            return given.map(|(number, unit)| format!("{number} {unit}")).collect::<Vec<_>>().join(" ");
        }
    };
    let decimals = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} {unit}")
}

#[cfg(test)]
mod tests {
    use super::{bar, columns, grouped, histogram, shortly};
    use std::time::Duration;

    #[test]
    fn what_is_more_than_nothing_is_seen() {
        assert_eq!((bar(0, 9, 4), bar(1, 1000, 4), bar(9, 9, 4)), ("".into(), "▏".into(), "████".into()));
        assert_eq!(columns(&[0.0, 1e-9, 0.5, 1.0]), " ▁▄█");
    }

    #[test]
    fn every_duration_falls_into_one_row() {
        let sorted: Vec<Duration> = (1..=1000).map(Duration::from_millis).collect();
        let rows = histogram(&sorted);
        assert_eq!(rows.iter().map(|(.., count)| count).sum::<u64>(), 1000);
        let ms = Duration::from_millis;
        assert_eq!(rows.last(), Some(&(ms(500), ms(1000), 500)));
        assert_eq!(histogram(&[ms(250), ms(250)]), [(ms(200), ms(500), 2)]);
        assert_eq!(histogram(&[]), []);
    }

    #[test]
    fn numbers_are_short_and_grouped() {
        let said =
            [1_500_000, 12_345_678, 250_000_000, 1_500_000_000, 125_000_000_000].map(Duration::from_nanos);
        assert_eq!(said.map(shortly), ["1.5 ms", "12.3 ms", "250 ms", "1.5 s", "2 min 5 s"]);
        assert_eq!((grouped(999), grouped(1_234_567)), ("999".into(), "1,234,567".into()));
    }
}
