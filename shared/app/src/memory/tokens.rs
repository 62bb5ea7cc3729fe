//! Task tokens in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use countersign_domain::{RequestId, Time};

use super::{Faults, Op, lock};
use crate::ports::{PortError, Tokens};
use crate::store::Token;

/// A token table in memory.
#[derive(Debug, Default)]
pub struct MemoryTokens {
    /// What goes wrong next.
    pub faults: Faults,
    tokens: Mutex<BTreeMap<RequestId, Token>>,
}

impl Tokens for MemoryTokens {
    async fn put(&self, id: &RequestId, token: &Token, _forget: Time) -> Result<bool, PortError> {
        let put = || {
            let mut tokens = lock(&self.tokens);
            let newer = tokens.get(id).is_none_or(|there| (there.n, there.retry) < (token.n, token.retry));
            if newer {
                tokens.insert(id.clone(), token.clone());
            }
            Ok(newer)
        };
        self.faults.around(Op::PutToken, put).await
    }

    async fn get(&self, id: &RequestId) -> Result<Option<Token>, PortError> {
        self.faults.around(Op::GetToken, || Ok(lock(&self.tokens).get(id).cloned())).await
    }
}
