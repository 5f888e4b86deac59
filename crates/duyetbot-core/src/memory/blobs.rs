//! Blobs, and which of them a row names.
use sha2::{Digest, Sha256};

use super::{
    commit::{over, storage_limit},
    rows::{Blob, Owner},
};
use crate::{
    error::{Error, Result},
    limits::Limits,
    message::{BlobRef, hex},
    store::UNNAMED,
    time_stamp::Timestamp,
};

impl Owner {
    pub(super) fn put_blob(&mut self, bytes: &[u8], limits: Limits, now: Timestamp) -> Result<BlobRef> {
        let (hash, size) = (hex(&Sha256::digest(bytes)), bytes.len() as u64);
        match self.blobs.get_mut(&hash) {
            Some(blob) => blob.put = now,
            None => {
                if over(self.counters.storage() + size, limits.bytes) {
                    return Err(storage_limit());
                }
                self.counters.blobs += size;
                self.blobs.insert(hash.clone(), Blob { bytes: bytes.to_vec(), put: now });
            }
        }
        Ok(BlobRef { hash, size })
    }

    fn drop_blobs(&mut self, hashes: &[String]) {
        for dropped in hashes.iter().filter_map(|hash| self.blobs.remove(hash)) {
            self.counters.blobs -= dropped.bytes.len() as u64;
        }
    }

    pub(super) fn blob(&self, hash: &str) -> Result<Vec<u8>> {
        self.blobs.get(hash).map(|blob| blob.bytes.clone()).ok_or_else(|| Error::not_found("blob"))
    }

    /// Drops the blobs that these erased texts named and no row names any more.
    pub(super) fn drop_named_in(&mut self, texts: &[String]) {
        let dropped: Vec<String> = self
            .blobs
            .keys()
            .filter(|hash| texts.iter().any(|text| text.contains(hash.as_str())) && !self.names(hash))
            .cloned()
            .collect();
        self.drop_blobs(&dropped);
    }

    /// Drops the blobs that no row names and that were put long enough ago, and answers how many.
    pub(super) fn drop_unnamed(&mut self, now: Timestamp) -> u64 {
        let dropped: Vec<String> = self
            .blobs
            .iter()
            .filter(|(hash, blob)| blob.put.plus(UNNAMED) <= now && !self.names(hash))
            .map(|(hash, _)| hash.clone())
            .collect();
        self.drop_blobs(&dropped);
        dropped.len() as u64
    }

    /// Looked for as text, so that a part of a newer program keeps its blob too.
    fn names(&self, hash: &str) -> bool {
        let in_messages = self.messages.values().any(|row| row.content.stored().contains(hash));
        in_messages
            || self
                .runs
                .values()
                .any(|entry| !entry.row.state.ended() && entry.row.checkpoint.json.contains(hash))
    }
}
