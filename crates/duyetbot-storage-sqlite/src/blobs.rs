//! `BlobStore`: large payloads beside the rows that name them.
use async_trait::async_trait;
use duyetbot_core::{BlobRef, BlobStore, Error, Result, Scope, hex};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    dialect::{Cell, Driver, blobs},
    record::{first, of},
    store::SqlStore,
};

#[async_trait]
impl<D: Driver> BlobStore for SqlStore<D> {
    async fn put_blob(&self, scope: &Scope, bytes: &[u8]) -> Result<BlobRef> {
        let hash = hex(&Sha256::digest(bytes));
        let fields = of(scope, json!({ "hash": hash, "now": self.now() }));
        self.driver.write(blobs::PUT, vec![fields, Cell::Bytes(bytes.to_vec())]).await?;
        Ok(BlobRef { hash, size: bytes.len() as u64 })
    }

    async fn blob(&self, scope: &Scope, hash: &str) -> Result<Vec<u8>> {
        let rows = self.driver.read(blobs::GET, vec![of(scope, json!({ "hash": hash }))]).await?;
        if rows.is_empty() {
            return Err(Error::not_found("blob"));
        }
        first(rows, "a blob")?.bytes()
    }
}
