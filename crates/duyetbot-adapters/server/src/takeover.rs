//! Runs that a dead process left are taken over: at once, and then again and again.
use duyetbot_core::{LEASE, run::LocalAgent};

/// Adopts what a dead process left. A failure is tried again at the next turn.
pub(crate) async fn adopt(agent: &LocalAgent) {
    match agent.adopt_orphans().await {
        Ok(runs) => runs.iter().for_each(|run| tracing::info!(%run, "a run was taken over")),
        Err(error) => tracing::warn!(?error, "runs could not be taken over"),
    }
}

/// Goes on as long as the server lives: a run is without a holder for half a lease at most after its lease is over.
pub(crate) async fn keep_adopting(agent: LocalAgent) {
    let clock = agent.parts().clock.clone();
    loop {
        clock.sleep(LEASE / 2).await;
        adopt(&agent).await;
    }
}
