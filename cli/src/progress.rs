//! What happens meanwhile, on standard error. Standard output is for the answer alone.

use crate::render::{Paint, visible};

/// Where progress is told.
#[derive(Debug, Clone, Copy)]
pub enum Progress {
    /// On standard error.
    Told(Paint),
    /// Nowhere.
    Silent,
}

impl Progress {
    /// Tells one line. Text from elsewhere is made visible.
    pub fn tell(self, text: &str) {
        if let Progress::Told(paint) = self {
            eprintln!("{}", paint.label(&visible(text)));
        }
    }
}
