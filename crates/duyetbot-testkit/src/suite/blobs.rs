//! Large payloads, by content.
use duyetbot_core::{
    BlobRef, ClaimOf, IndexPiece, NewMessage, RunChange, RunState, Save, SessionId, StoredCheckpoint, Swept,
    UNNAMED,
};
use std::time::Duration;

use crate::{
    backend::Backend,
    fixture::{Ground, NOT_FOUND, begin, checkpoint, claim, names, refusal, said, step},
};

pub async fn bytes_come_back_as_they_were_put(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let large: Vec<u8> = (0..300_000u32).map(|n| (n % 251) as u8).collect();
    for bytes in [&b""[..], b"\0\xff\0", &large] {
        let blob = at.store.put_blob(&at.mine, bytes).await.unwrap();
        assert_eq!(blob.size, bytes.len() as u64);
        assert_eq!(at.store.blob(&at.mine, &blob.hash).await.unwrap(), bytes);
    }
    let abc =
        BlobRef { hash: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".into(), size: 3 };
    assert_eq!(at.store.put_blob(&at.mine, b"abc").await.unwrap(), abc);
}

pub async fn the_same_bytes_again_answer_the_same(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let first = at.store.put_blob(&at.mine, b"same").await.unwrap();
    assert_eq!(at.store.put_blob(&at.mine, b"same").await.unwrap(), first);
    assert_eq!(at.store.blob(&at.mine, &first.hash).await.unwrap(), b"same");
}

pub async fn an_unknown_blob_is_not_found(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let unknown = "0".repeat(64);
    for hash in [unknown.as_str(), "", "../x", "%"] {
        assert_eq!(refusal(at.store.blob(&at.mine, hash).await), NOT_FOUND, "{hash:?}");
    }
}

pub async fn a_blob_that_no_row_names_is_dropped_after_a_day(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let unnamed = at.store.put_blob(&at.mine, b"unnamed").await.unwrap();
    let named = at.store.put_blob(&at.mine, b"named").await.unwrap();
    at.store.put_blob(&at.other, b"named").await.unwrap();
    at.store.commit(&at.mine, &begin(SessionId::new(), vec![names(&named)])).await.unwrap();
    at.clock.advance(UNNAMED - Duration::from_millis(1));
    assert_eq!(at.store.sweep().await.unwrap(), Swept { sessions: 0, blobs: 0 });
    assert_eq!(at.store.blob(&at.mine, &unnamed.hash).await.unwrap(), b"unnamed");
    at.clock.advance(Duration::from_millis(1));
    assert_eq!(at.store.sweep().await.unwrap(), Swept { sessions: 0, blobs: 2 });
    assert_eq!(refusal(at.store.blob(&at.mine, &unnamed.hash).await), NOT_FOUND);
    assert_eq!(refusal(at.store.blob(&at.other, &named.hash).await), NOT_FOUND);
    assert_eq!(at.store.blob(&at.mine, &named.hash).await.unwrap(), b"named");
}

pub async fn a_blob_put_again_is_kept_for_another_day(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    at.store.put_blob(&at.mine, b"again").await.unwrap();
    at.clock.advance(UNNAMED - Duration::from_millis(1));
    let blob = at.store.put_blob(&at.mine, b"again").await.unwrap();
    at.clock.advance(UNNAMED - Duration::from_millis(1));
    assert_eq!(at.store.sweep().await.unwrap(), Swept::default());
    assert_eq!(at.store.blob(&at.mine, &blob.hash).await.unwrap(), b"again");
    at.clock.advance(Duration::from_millis(1));
    assert_eq!(at.store.sweep().await.unwrap(), Swept { sessions: 0, blobs: 1 });
}

pub async fn the_checkpoint_of_a_run_that_has_not_ended_names_blobs(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let blob = at.store.put_blob(&at.mine, b"a tool's output").await.unwrap();
    let run = at.open_run().await;
    let json = format!(r#"{{"calls":[{{"blob":{{"hash":"{}","size":{}}}}}]}}"#, blob.hash, blob.size);
    let waits = StoredCheckpoint { json, ..checkpoint(2, &["a"]) };
    let mut end = step(run, 2, 0, "end", RunState::Cancelled);
    if let Some(RunChange::Step { checkpoint, .. }) = end.run.as_mut() {
        *checkpoint = waits.clone();
    }
    at.store.save(&at.mine, run, 1, &Save::Wait(waits)).await.unwrap();
    at.clock.advance(UNNAMED * 2);
    assert_eq!(at.store.sweep().await.unwrap(), Swept::default());
    assert_eq!(at.store.blob(&at.mine, &blob.hash).await.unwrap(), b"a tool's output");
    at.store.claim(&claim(ClaimOf::Run(at.mine.clone(), run))).await.unwrap().unwrap();
    at.store.commit(&at.mine, &end).await.unwrap();
    assert_eq!(at.store.sweep().await.unwrap(), Swept { sessions: 0, blobs: 1 });
}

pub async fn a_blob_is_not_named_by_words_of_the_index(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let blob = at.store.put_blob(&at.mine, b"mentioned").await.unwrap();
    let piece = IndexPiece { terms: blob.hash.clone(), context: String::new() };
    let message = NewMessage { pieces: vec![piece], ..said("only in the index") };
    at.store.commit(&at.mine, &begin(SessionId::new(), vec![message])).await.unwrap();
    at.clock.advance(UNNAMED);
    assert_eq!(at.store.sweep().await.unwrap(), Swept { sessions: 0, blobs: 1 });
}
