//! `BlobStore`: large payloads beside the rows that name them.
use async_trait::async_trait;
use duyetbot_core::{BlobRef, BlobStore, Error, Limits, Result, Scope, hex};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    dialect::{Cell, Driver, blobs},
    record::{first, of},
    store::SqlStore,
};

#[async_trait]
impl<D: Driver> BlobStore for SqlStore<D> {
    async fn put_blob_within(&self, scope: &Scope, bytes: &[u8], limits: Limits) -> Result<BlobRef> {
        let (hash, size) = (hex(&Sha256::digest(bytes)), bytes.len() as u64);
        let fields = json!({ "hash": hash, "size": size, "limit": limits.bytes, "now": self.now() });
        self.driver.write(blobs::PUT, vec![of(scope, fields), Cell::Bytes(bytes.to_vec())]).await?;
        Ok(BlobRef { hash, size })
    }

    async fn blob(&self, scope: &Scope, hash: &str) -> Result<Vec<u8>> {
        let rows = self.driver.read(blobs::GET, vec![of(scope, json!({ "hash": hash }))]).await?;
        if rows.is_empty() {
            return Err(Error::not_found("blob"));
        }
        first(rows, "a blob")?.bytes()
    }
}
