//! A workspace in memory: keeps what would be sent, and can be told to fail. For tests of whoever uses [`Chat`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::slack::about::Place;
use crate::slack::blocks::Message;
use crate::slack::chat::{Chat, ChatError};
use crate::slack::modals::View;

/// What a call waits for.
pub type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A workspace in memory.
#[derive(Default)]
pub struct MemoryChat {
    inner: Mutex<Inner>,
    wait: Option<Box<dyn Fn() -> Wait + Send + Sync>>,
}

impl fmt::Debug for MemoryChat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemoryChat").field(&self.inner).finish()
    }
}

/// A message as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// Where.
    pub place: Place,
    /// What it shows now.
    pub message: Message,
    /// How often it was updated.
    pub updates: u32,
}

/// Words that one person saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whispered {
    /// In which channel.
    pub channel: String,
    /// Who.
    pub user: String,
    /// What.
    pub words: String,
}

#[derive(Debug, Default)]
struct Inner {
    messages: Vec<Kept>,
    whispers: Vec<Whispered>,
    views: Vec<View>,
    triggers: BTreeSet<String>,
    users: BTreeMap<String, Value>,
    failures: VecDeque<ChatError>,
    down: Option<ChatError>,
    calls: u32,
}

impl MemoryChat {
    /// An empty workspace where every call works.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty workspace where each call that posts or updates first waits for what `wait` gives it.
    pub fn waiting(wait: impl Fn() -> Wait + Send + Sync + 'static) -> Self {
        Self { wait: Some(Box::new(wait)), ..Self::default() }
    }

    /// Makes the next call fail. Several failures queue up.
    pub fn fail_next(&self, error: ChatError) {
        self.lock().failures.push_back(error);
    }

    /// Makes every call fail until it is set to `None` again.
    pub fn set_down(&self, error: Option<ChatError>) {
        self.lock().down = error;
    }

    /// Sets what `users.info` says of an account: the `user` object.
    pub fn add_user(&self, id: &str, user: Value) {
        self.lock().users.insert(id.to_owned(), user);
    }

    /// Every message as it stands, oldest first.
    pub fn messages(&self) -> Vec<Kept> {
        self.lock().messages.clone()
    }

    /// Every ephemeral message, oldest first.
    pub fn whispers(&self) -> Vec<Whispered> {
        self.lock().whispers.clone()
    }

    /// Every view that was opened, oldest first.
    pub fn views(&self) -> Vec<View> {
        self.lock().views.clone()
    }

    /// How many calls were made; also those that failed or wait still.
    pub fn calls(&self) -> u32 {
        self.lock().calls
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn wait(&self) {
        self.lock().calls += 1;
        if let Some(wait) = &self.wait {
            wait().await;
        }
    }

    fn begin(&self) -> Result<MutexGuard<'_, Inner>, ChatError> {
        self.lock().calls += 1;
        self.act()
    }

    fn act(&self) -> Result<MutexGuard<'_, Inner>, ChatError> {
        let mut inner = self.lock();
        match inner.failures.pop_front().or_else(|| inner.down.clone()) {
            Some(error) => Err(error),
            None => Ok(inner),
        }
    }
}

impl Chat for MemoryChat {
    async fn post(&self, channel: &str, message: &Message) -> Result<Place, ChatError> {
        self.wait().await;
        let mut inner = self.act()?;
        let place = Place { channel: channel.to_owned(), ts: format!("1.{:06}", inner.messages.len()) };
        inner.messages.push(Kept { place: place.clone(), message: message.clone(), updates: 0 });
        Ok(place)
    }

    async fn update(&self, place: &Place, message: &Message) -> Result<(), ChatError> {
        self.wait().await;
        let mut inner = self.act()?;
        let kept = inner.messages.iter_mut().find(|kept| kept.place == *place);
        let kept = kept.ok_or_else(|| refused("message_not_found"))?;
        kept.message = message.clone();
        kept.updates += 1;
        Ok(())
    }

    async fn ephemeral(&self, channel: &str, user: &str, words: &str) -> Result<(), ChatError> {
        let whisper =
            Whispered { channel: channel.to_owned(), user: user.to_owned(), words: words.to_owned() };
        self.begin()?.whispers.push(whisper);
        Ok(())
    }

    async fn open_view(&self, trigger_id: &str, view: &View) -> Result<(), ChatError> {
        let mut inner = self.begin()?;
        if !inner.triggers.insert(trigger_id.to_owned()) {
            return Err(refused("exchanged_trigger_id"));
        }
        inner.views.push(view.clone());
        Ok(())
    }

    async fn users_info(&self, user: &str) -> Result<Value, ChatError> {
        let inner = self.begin()?;
        let user = inner.users.get(user).ok_or_else(|| refused("user_not_found"))?;
        Ok(json!({ "ok": true, "user": user }))
    }
}

fn refused(code: &str) -> ChatError {
    ChatError::Refused { code: code.to_owned(), needed: None }
}
