//! What comes in quick succession, taken together: each piece of an answer would otherwise wake every watcher.
use futures::Stream;
use std::{
    pin::Pin,
    task::{Context, Poll},
};

/// Items that are taken together at most.
const MOST: usize = 64;

/// A stream's items in groups. Once there is nothing more, whatever feeds the stream gets one turn to bring more before the
/// group is passed on; no time is waited for.
pub(super) struct Gather<S: Stream> {
    stream: S,
    held: Vec<S::Item>,
    others_had_their_turn: bool,
    over: bool,
}

impl<S: Stream + Unpin> Gather<S> {
    pub(super) fn new(stream: S) -> Self {
        Gather { stream, held: Vec::new(), others_had_their_turn: false, over: false }
    }

    fn group(&mut self) -> Poll<Option<Vec<S::Item>>> {
        self.others_had_their_turn = false;
        Poll::Ready(Some(std::mem::take(&mut self.held)))
    }
}

impl<S: Stream + Unpin> Stream for Gather<S>
where
    S::Item: Unpin,
{
    type Item = Vec<S::Item>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        while !self.over && self.held.len() < MOST {
            match Pin::new(&mut self.stream).poll_next(cx) {
                Poll::Ready(Some(item)) => {
                    self.held.push(item);
                    self.others_had_their_turn = false;
                }
                Poll::Ready(None) => self.over = true,
                Poll::Pending if self.held.is_empty() => return Poll::Pending,
                Poll::Pending if self.others_had_their_turn => return self.group(),
                Poll::Pending => {
                    self.others_had_their_turn = true;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
        }
        if self.held.is_empty() { Poll::Ready(None) } else { self.group() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{StreamExt, channel::mpsc, executor::block_on, stream};

    #[test]
    fn what_is_there_comes_together_up_to_a_bound() {
        let groups: Vec<usize> =
            block_on(Gather::new(stream::iter(0..150)).map(|group| group.len()).collect());
        assert_eq!(groups, [64, 64, 22]);
    }

    #[test]
    fn a_source_that_needs_turns_of_its_own_is_gathered_and_one_that_rests_is_not_waited_for() {
        let (mut send, source) = mpsc::channel(8);
        let mut polls = 0;
        // Each item is ready at every second poll only, and the source wakes nobody in between.
        let slow = stream::poll_fn(move |_| {
            polls += 1;
            if polls % 2 == 0 && polls <= 8 { Poll::Ready(Some(polls / 2)) } else { Poll::Pending }
        });
        send.try_send(0).unwrap();
        let both = source.chain(stream::pending());
        let mut gather = Gather::new(stream::select(both, slow).boxed_local());
        let mut cx = Context::from_waker(futures::task::noop_waker_ref());
        let mut looks = 0;
        let group = loop {
            looks += 1;
            assert!(looks < 20, "the group is passed on");
            if let Poll::Ready(group) = gather.poll_next_unpin(&mut cx) {
                break group.unwrap();
            }
        };
        assert_eq!(group, [0, 1, 2, 3, 4]);
    }
}
