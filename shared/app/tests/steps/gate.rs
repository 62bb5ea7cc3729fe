//! A chat whose calls can be made to wait, so that two convergers can be driven step by step.

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use countersign_chat::slack::MemoryChat;
use tokio::sync::oneshot;

type Gates = Arc<Mutex<VecDeque<(oneshot::Sender<()>, oneshot::Receiver<()>)>>>;

/// A workspace in memory with gates before its messages.
#[derive(Debug)]
pub struct GateChat {
    chat: MemoryChat,
    gates: Gates,
}

/// A gate that one call waits at.
pub struct Gate {
    reached: oneshot::Receiver<()>,
    open: oneshot::Sender<()>,
}

impl Gate {
    /// Waits until a call stands at the gate.
    pub async fn reached(&mut self) {
        let reached = tokio::time::timeout(std::time::Duration::from_secs(10), &mut self.reached).await;
        reached.expect("a call comes to the gate").expect("the gate stands");
    }

    /// Lets it through.
    pub fn open(self) {
        self.open.send(()).expect("a call stands at the gate");
    }
}

impl Default for GateChat {
    fn default() -> Self {
        let gates = Gates::default();
        let before = gates.clone();
        let chat = MemoryChat::waiting(move || {
            let gate = before.lock().unwrap().pop_front();
            Box::pin(async {
                if let Some((reached, open)) = gate {
                    let _ = reached.send(());
                    let _ = open.await;
                }
            })
        });
        Self { chat, gates }
    }
}

impl GateChat {
    /// The next call that posts or updates waits at a gate. Several gates queue up.
    pub fn gate(&self) -> Gate {
        let (reached, is_reached) = oneshot::channel();
        let (open, is_open) = oneshot::channel();
        self.gates.lock().unwrap().push_back((reached, is_open));
        Gate { reached: is_reached, open }
    }
}

impl Deref for GateChat {
    type Target = MemoryChat;

    fn deref(&self) -> &MemoryChat {
        &self.chat
    }
}
