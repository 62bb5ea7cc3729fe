//! The right edge as the bucket has it, held against what was committed and what was signed.

use std::collections::BTreeMap;

use countersign_app::log::LogHead;
use countersign_app::ports::{Archive, Ledger, Signer};
use countersign_tlog::tile::ContentError;
use countersign_tlog::tree::Hash;
use countersign_tlog::{Bundle, Checkpoint, Edge, Note, Tile};
use futures::future::try_join_all;

use crate::log::{Halt, Log, LogError};

/// Where the checkpoint of this size is for good.
pub fn checkpoint_path(size: u64) -> String {
    format!("checkpoints/{size:020}")
}

impl<T: Ledger, A: Archive, S: Signer> Log<'_, T, A, S> {
    /// What the next leaf is added to. Both the table and the last signed checkpoint must agree with it.
    pub async fn right_edge(&self, head: &LogHead) -> Result<Edge, LogError> {
        let (edge, _) =
            futures::future::try_join(self.edge(head.size), self.signed(head.size, &head.root)).await?;
        if edge.root() == head.root { Ok(edge) } else { Err(Halt::Root(head.size).into()) }
    }

    /// The right edge of so many leaves. Its root is for the caller to see.
    pub async fn edge(&self, size: u64) -> Result<Edge, LogError> {
        let bundle = Bundle::of(size / 256, size);
        let paths = Tile::edge(size).map(|tile| tile.path()).chain(bundle.map(|bundle| bundle.path()));
        let files: BTreeMap<_, _> = self.files(paths).await?.into_iter().collect();
        let file = |path: String| files.get(&path).cloned().ok_or(Unread::Gone(path));
        Edge::read(size, |tile| file(tile.path()), |bundle| file(bundle.path())).map_err(
            |error| match error {
                Unread::Gone(path) => Halt::Missing(path).into(),
                Unread::Content => Halt::Root(size).into(),
            },
        )
    }

    /// The bytes of these files, as they were first written.
    pub async fn files(
        &self,
        paths: impl Iterator<Item = String>,
    ) -> Result<Vec<(String, Vec<u8>)>, LogError> {
        let read = |path: String| async {
            let found = self.archive.oldest(&self.path(&path)).await.map_err(LogError::Bucket)?;
            found.map(|bytes| (path.clone(), bytes)).ok_or(LogError::Halted(Halt::Missing(path)))
        };
        try_join_all(paths.map(read)).await
    }

    /// The signed checkpoint of so many leaves with this root.
    pub async fn signed(&self, size: u64, root: &Hash) -> Result<Note, LogError> {
        let path = checkpoint_path(size);
        let bytes = self.archive.oldest(&self.path(&path)).await.map_err(LogError::Bucket)?;
        let bytes = bytes.ok_or(Halt::Missing(path))?;
        let keys = [self.key().await?];
        let note = Note::parse(&bytes).ok();
        let signed = note.filter(|note| {
            Checkpoint::open(note, self.origin.as_str(), &keys, &[])
                .is_ok_and(|opened| (opened.checkpoint.size(), opened.checkpoint.root()) == (size, root))
        });
        signed.ok_or(Halt::Checkpoint(size).into())
    }
}

/// Why a file of the edge says nothing.
enum Unread {
    Gone(String),
    Content,
}

impl From<ContentError> for Unread {
    fn from(_: ContentError) -> Self {
        Unread::Content
    }
}
