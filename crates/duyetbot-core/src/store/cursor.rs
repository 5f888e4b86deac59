//! Where a page of sessions ended, as text that only its owner can hand back. All backends share it.
use sha2::{Digest, Sha256};

use crate::{
    error::{Code, Error, Result},
    id::SessionId,
    message::hex,
    scope::Scope,
    time_stamp::Timestamp,
};

/// The last session of a page: the next page begins after it.
///
/// ```
/// use duyetbot_core::{Scope, SessionCursor, SessionId, Timestamp};
/// let (mine, other) = (Scope::vouched("a", "a"), Scope::vouched("b", "b"));
/// let cursor = SessionCursor { updated: Timestamp(5), id: SessionId::new() };
/// assert_eq!(SessionCursor::decode(&mine, &cursor.encode(&mine)).unwrap(), cursor);
/// assert!(SessionCursor::decode(&other, &cursor.encode(&mine)).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionCursor {
    /// Its `updated`.
    pub updated: Timestamp,
    /// Its id.
    pub id: SessionId,
}

impl SessionCursor {
    /// The cursor as this owner gets it.
    pub fn encode(&self, scope: &Scope) -> String {
        seal_cursor(scope, LIST, &self.position())
    }

    /// The cursor of this text; `Invalid` where we did not make it, or not for this owner.
    pub fn decode(scope: &Scope, text: &str) -> Result<Self> {
        let position = open_cursor(scope, LIST, text)?;
        let (moment, id) = position.split_at_checked(8).ok_or_else(refused)?;
        let moment: [u8; 8] = moment.try_into().map_err(|_| refused())?;
        let id: [u8; 16] = id.try_into().map_err(|_| refused())?;
        Ok(SessionCursor {
            updated: Timestamp(i64::from_be_bytes(moment)),
            id: SessionId::from(uuid::Uuid::from_bytes(id)),
        })
    }

    fn position(&self) -> Vec<u8> {
        let mut position = self.updated.0.to_be_bytes().to_vec();
        position.extend_from_slice(self.id.uuid().as_bytes());
        position
    }
}

/// The list that a [`SessionCursor`] goes through.
const LIST: &str = "sessions";
/// Bytes that tie a position to its list and its owner.
const CHECK: usize = 8;

/// A position in a list as this owner gets it: the position and a check over list, position and owner, in hex. It keeps
/// mistakes out, not a forger: who forges one only moves within their own list.
pub fn seal_cursor(scope: &Scope, list: &str, position: &[u8]) -> String {
    hex(position) + &hex(&check(scope, list, position))
}

/// The position of a sealed cursor; `Invalid` where we did not make it, or not for this list and owner.
pub fn open_cursor(scope: &Scope, list: &str, text: &str) -> Result<Vec<u8>> {
    let mut bytes = text
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect::<Option<Vec<u8>>>()
        .ok_or_else(refused)?;
    let given = bytes.split_off(bytes.len().checked_sub(CHECK).ok_or_else(refused)?);
    if given != check(scope, list, &bytes) {
        return Err(refused());
    }
    Ok(bytes)
}

fn refused() -> Error {
    Error::invalid("the cursor is not one of this list: start again without it")
        .with_code(Code::CursorUnknown)
}

fn check(scope: &Scope, list: &str, position: &[u8]) -> [u8; CHECK] {
    let digest = Sha256::new()
        .chain_update(list)
        .chain_update(position)
        .chain_update(scope.owner().as_bytes())
        .finalize();
    let mut check = [0; CHECK];
    check.copy_from_slice(&digest[..CHECK]);
    check
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scope() -> Scope {
        Scope::vouched("me", "me")
    }

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_it_was(updated: i64, id: u128) {
            let id = SessionId::from(uuid::Uuid::from_u128(id));
            let cursor = SessionCursor { updated: Timestamp(updated), id };
            prop_assert_eq!(SessionCursor::decode(&scope(), &cursor.encode(&scope())).unwrap(), cursor);
        }

        #[test]
        fn any_other_text_is_invalid(text in ".{0,80}") {
            prop_assert!(SessionCursor::decode(&scope(), &text).is_err());
        }

        #[test]
        fn a_changed_digit_is_invalid(at in 0usize..64, digit in 0u8..16) {
            let cursor = SessionCursor { updated: Timestamp(1_764_000_000_000), id: SessionId::new() };
            let text = cursor.encode(&scope());
            let mut changed = text.clone();
            changed.replace_range(at..=at, &format!("{digit:x}"));
            prop_assert_eq!(SessionCursor::decode(&scope(), &changed).is_ok(), changed == text);
        }
    }
}
