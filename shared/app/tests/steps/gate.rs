//! A chat whose calls can be made to wait, so that two convergers can be driven step by step.

use std::collections::VecDeque;
use std::sync::Mutex;

use countersign_chat::slack::modals::View;
use countersign_chat::slack::{Chat, ChatError, MemoryChat, Message, Place};
use serde_json::Value;
use tokio::sync::oneshot;

/// A workspace in memory with a gate before its messages.
#[derive(Debug, Default)]
pub struct GateChat {
    /// What stands in the workspace.
    pub chat: MemoryChat,
    gates: Mutex<VecDeque<(oneshot::Sender<()>, oneshot::Receiver<()>)>>,
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

impl GateChat {
    /// The next call that posts or updates waits at a gate. Several gates queue up.
    pub fn gate(&self) -> Gate {
        let (reached, is_reached) = oneshot::channel();
        let (open, is_open) = oneshot::channel();
        self.gates.lock().unwrap().push_back((reached, is_open));
        Gate { reached: is_reached, open }
    }

    async fn pass(&self) {
        let gate = self.gates.lock().unwrap().pop_front();
        if let Some((reached, open)) = gate {
            let _ = reached.send(());
            let _ = open.await;
        }
    }
}

impl Chat for GateChat {
    async fn post(&self, channel: &str, message: &Message) -> Result<Place, ChatError> {
        self.pass().await;
        self.chat.post(channel, message).await
    }

    async fn update(&self, place: &Place, message: &Message) -> Result<(), ChatError> {
        self.pass().await;
        self.chat.update(place, message).await
    }

    async fn ephemeral(&self, channel: &str, user: &str, words: &str) -> Result<(), ChatError> {
        self.chat.ephemeral(channel, user, words).await
    }

    async fn open_view(&self, trigger_id: &str, view: &View) -> Result<(), ChatError> {
        self.chat.open_view(trigger_id, view).await
    }

    async fn users_info(&self, user: &str) -> Result<Value, ChatError> {
        self.chat.users_info(user).await
    }
}
