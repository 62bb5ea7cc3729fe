//! Labels and values, aligned. Values are made visible here, so no caller can forget it.

use super::{Paint, visible};

/// An aligned list of labels and values.
#[derive(Debug)]
pub struct Rows {
    paint: Paint,
    width: usize,
    text: String,
}

impl Rows {
    /// An empty list whose labels are at most `width` characters.
    pub fn new(paint: Paint, width: usize) -> Self {
        Self { paint, width, text: String::new() }
    }

    /// Adds a row of text from elsewhere. Line breaks go on below, behind a rule that the text cannot write itself.
    pub fn add(&mut self, label: &str, value: &str) {
        let mut lines = value.split('\n');
        self.line(label, &visible(lines.next().unwrap_or_default()));
        for line in lines {
            self.line("", &format!("{} {}", self.paint.label("│"), visible(line)));
        }
    }

    /// Adds a row when there is a value.
    pub fn maybe(&mut self, label: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.add(label, value);
        }
    }

    /// Adds a row of text made here: it may have colours, and must not hold text from elsewhere as it came.
    pub fn own(&mut self, label: &str, value: &str) {
        self.line(label, value);
    }

    /// The whole list.
    pub fn into_text(self) -> String {
        self.text
    }

    fn line(&mut self, label: &str, value: &str) {
        let label = format!("{label:<width$}", width = self.width);
        self.text.push_str(&format!("  {}  {value}\n", self.paint.label(&label)));
    }
}
