//! A caller that stops is not kept, and the server sees it go.
use futures::StreamExt;
use std::time::Duration;
use tokio::time::timeout;

use crate::{
    client::{FORMATS, request},
    peer,
    tap::Tap,
};

/// Far shorter than the minute for which the server is silent.
const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_silent_server_is_left_at_once_and_sees_the_connection_closed() {
    for format in FORMATS {
        let tap = Tap::on(&peer::wiremock()).await;
        let model = format.model(&format!("{}/silent", tap.url()));
        let request = request("Are you there?");
        let asking = model.ask(&request);
        tokio::select! {
            answer = asking => panic!("a silent server answered: {:?}", answer.err()),
            () = tap.arrived() => {}
        }
        timeout(SOON, tap.hung_up()).await.expect("the connection stayed open");
    }
}

#[tokio::test]
async fn an_answer_that_is_dropped_in_its_middle_closes_the_connection() {
    for format in FORMATS {
        let tap = Tap::on(&peer::wiremock()).await;
        let model = format.model(&format!("{}/dribble", tap.url()));
        let mut answer = model.ask(&request("Slowly, please.")).await.unwrap();
        answer.next().await.unwrap().unwrap();
        drop(answer);
        timeout(SOON, tap.hung_up()).await.expect("the connection stayed open");
    }
}
