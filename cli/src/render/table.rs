//! Requests as an aligned table, one a line.

use super::{Paint, short, visible};
use crate::view::View;

/// The widest a column of free text gets, in characters.
const WIDEST: usize = 48;

/// One line for each request, under a line of headings; empty when there is none.
pub fn table(requests: &[View], paint: Paint) -> String {
    if requests.is_empty() {
        return String::new();
    }
    let heads = ["ID", "STATUS", "ACTION", "TARGET", "AGENT", "CREATED"].map(str::to_owned);
    let lines: Vec<[String; 6]> = std::iter::once(heads).chain(requests.iter().map(cells)).collect();
    let mut widths = [0; 6];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    // A column that no request fills has only its heading.
    let filled = |column: usize| lines.iter().skip(1).any(|line| !line[column].is_empty());
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let padded: Vec<String> = line
            .iter()
            .zip(widths)
            .enumerate()
            .filter(|(column, _)| filled(*column))
            .map(|(column, (cell, width))| {
                let cell = format!("{cell:<width$}");
                match (number, column) {
                    (0, _) => paint.label(&cell),
                    (_, 1) => paint.status(&cell),
                    _ => cell,
                }
            })
            .collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn cells(view: &View) -> [String; 6] {
    let status = if view.overdue { format!("{} (overdue)", view.status) } else { view.status.clone() };
    let agent = if view.agent.name.is_empty() { &view.agent.id } else { &view.agent.name };
    let created = view.created_at.as_deref().map(short).unwrap_or_default();
    [visible(&view.id), cut(&status), cut(&view.action), cut(&view.target), cut(agent), visible(&created)]
}

/// Head and tail of what is too wide: both ends of a target matter.
fn cut(text: &str) -> String {
    let text = visible(text);
    let length = text.chars().count();
    if length <= WIDEST {
        return text;
    }
    let head: String = text.chars().take(WIDEST / 2).collect();
    let tail: String = text.chars().skip(length - (WIDEST / 2 - 1)).collect();
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_cells_keep_both_ends() {
        assert_eq!(cut("short"), "short");
        let long = cut(&format!("s3://{}/end", "x".repeat(100)));
        assert_eq!(long.chars().count(), WIDEST);
        assert!(long.starts_with("s3://xxx") && long.ends_with("xxx/end") && long.contains('…'), "{long}");
    }
}
