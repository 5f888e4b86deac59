//! Reads where a query's terms stand, for a price that the length of the history does not raise: the rare terms whole, of
//! the common ones their newest places and how common they are.
use super::common::CommonTerms;
use crate::{
    error::Result,
    scope::Scope,
    store::{Counters, PieceKey, Postings, SessionStore, Term},
};

/// Postings that one read of a query may bring, less what its lists cost.
const ROWS: usize = 12_000;
/// The same for a query of so many terms that their lists cost all of it.
const LEAST_ROWS: usize = 2_000;
/// What beginning a list costs, in postings.
const LIST: usize = 200;
/// Postings of a column that are read at first, at least and at most.
const LEAST_SHARE: usize = 64;
const MOST_SHARE: usize = 2_000;
/// How much longer than estimated a list may be and still be read whole.
const SPARE: f64 = 1.25;

/// Where a term stands, as far as it was read.
pub(super) struct List {
    pub(super) found: Postings,
    /// Pieces that hold it themselves; an estimate where not all were read.
    pub(super) holders: f64,
    /// Pieces whose context holds it, likewise.
    in_context: f64,
    /// Postings that were read of a column at most.
    limit: usize,
    /// It was left out, because it is too common to tell anything.
    is_common: bool,
}

impl List {
    fn new(found: Postings, limit: usize, counters: &Counters) -> Self {
        let of = |column: &[PieceKey]| count(column, limit, counters.seq).min(counters.pieces as f64);
        List { holders: of(&found.terms), in_context: of(&found.context), limit, found, is_common: false }
    }

    /// A list of which nothing was read; so many pieces hold a common term.
    fn unread(common: Option<f64>) -> Self {
        let holders = common.unwrap_or_default();
        List { found: Postings::default(), holders, in_context: 0.0, limit: 0, is_common: common.is_some() }
    }

    /// Where it stands itself, if that is known whole.
    pub(super) fn own(&self) -> Option<&[PieceKey]> {
        (self.found.terms.len() < self.limit).then_some(&self.found.terms)
    }

    /// Whose context holds it, if that is known whole.
    pub(super) fn context(&self) -> Option<&[PieceKey]> {
        (self.found.context.len() < self.limit).then_some(&self.found.context)
    }

    pub(super) fn is_whole(&self) -> bool {
        self.own().is_some() && self.context().is_some()
    }

    /// Postings that asking about it passes over.
    pub(super) fn rows(&self) -> f64 {
        self.holders + self.in_context
    }

    /// Postings that reading it brings. A day stands in every context: of such a list no more is read than of the other.
    fn rows_to_read(&self) -> f64 {
        self.holders + self.in_context.min(self.holders)
    }
}

/// Postings that each further read for a query of so many terms may touch.
pub(super) fn budget(terms: usize) -> usize {
    ROWS.saturating_sub(2 * terms * LIST).max(LEAST_ROWS)
}

/// Reads the lists of these terms: first the same share of each, then the rest of the rarest that the budget has room for.
///
/// Where common terms are left out, those that are known as such are not read at all.
pub(super) async fn read(
    store: &dyn SessionStore,
    scope: &Scope,
    terms: &[Term],
    counters: &Counters,
    common: Option<&CommonTerms>,
) -> Result<Vec<List>> {
    let pieces = counters.pieces;
    let known = |term: &Term| common?.holders(scope, term, pieces);
    let mut lists: Vec<List> = terms.iter().map(|term| List::unread(known(term))).collect();
    let unknown: Vec<usize> = (0..terms.len()).filter(|term| !lists[*term].is_common).collect();
    let share = (budget(unknown.len()) / (2 * unknown.len()).max(1)).clamp(LEAST_SHARE, MOST_SHARE);
    for (term, list) in unknown.iter().zip(first(store, scope, terms, &unknown, share, counters).await?) {
        let is_common = common.is_some_and(|common| common.note(scope, &terms[*term], list.holders, pieces));
        lists[*term] = if is_common { List::unread(Some(list.holders)) } else { list };
    }
    let longer =
        (0..lists.len()).filter(|term| !lists[*term].is_whole() && !lists[*term].is_common).collect();
    let longer = rarest(&lists, longer, List::rows_to_read, budget(terms.len()));
    let longest = longer.iter().map(|term| lists[*term].holders).fold(0.0, f64::max);
    let limit = (longest * SPARE).ceil() as usize + share;
    if !longer.is_empty() {
        let found = first(store, scope, terms, &longer, limit, counters).await?;
        for (term, list) in longer.into_iter().zip(found) {
            lists[term] = list;
        }
    }
    Ok(lists)
}

/// The newest places of these terms.
async fn first(
    store: &dyn SessionStore,
    scope: &Scope,
    terms: &[Term],
    asked: &[usize],
    limit: usize,
    counters: &Counters,
) -> Result<Vec<List>> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let asked: Vec<Term> = asked.iter().map(|term| terms[*term].clone()).collect();
    let found = store.postings(scope, &asked, None, limit as u32).await?;
    Ok(found.into_iter().map(|found| List::new(found, limit, counters)).collect())
}

/// Of these terms the rarest, as many as have together at most so many of these rows.
pub(super) fn rarest(
    lists: &[List],
    mut terms: Vec<usize>,
    rows: impl Fn(&List) -> f64,
    budget: usize,
) -> Vec<usize> {
    terms.sort_by(|a, b| lists[*a].holders.total_cmp(&lists[*b].holders).then(a.cmp(b)));
    let mut left = budget as f64;
    terms.retain(|term| {
        let rows = rows(&lists[*term]);
        let fits = rows <= left;
        left -= if fits { rows } else { 0.0 };
        fits
    });
    terms
}

/// How many pieces a column names. Where not all were read, the share of the feed that those span tells how many there are.
fn count(newest: &[PieceKey], limit: usize, feed: u64) -> f64 {
    let read = newest.len() as f64;
    match newest.last() {
        Some(oldest) if newest.len() >= limit => {
            let spanned = feed.saturating_sub(oldest.seq()) + 1;
            read * (feed as f64 / spanned as f64).max(1.0)
        }
        _ => read,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::{MessageId, SessionId},
        limits::Limits,
        memory::{MemoryStore, SettableClock},
        message::{Content, Origin, Part, Role},
        store::{Commit, HeadMove, IndexPiece, NewMessage, NewSession, Parent},
        time_stamp::Timestamp,
    };
    use futures::executor::block_on;
    use std::sync::Arc;

    const TERMS: usize = 20;

    /// Every n-th message holds the n-th of the terms, and every context the last, as it does the day.
    fn read_of(messages: usize) -> Vec<List> {
        let now = Timestamp(1_764_045_000_000);
        let store = MemoryStore::new(Arc::new(SettableClock::new(now)));
        let scope = Scope::vouched("ada", "ada");
        let name = |n: usize| format!("term{n}");
        let message = |n: usize| {
            let held: Vec<String> = (1..=TERMS).filter(|term| n.is_multiple_of(*term)).map(name).collect();
            NewMessage {
                id: MessageId::new(),
                parent: Parent::Head,
                role: Role::User,
                content: Content::of(Role::User, &[Part::text("said")]).unwrap(),
                origin: Origin::Cli,
                model: None,
                usage: None,
                cut: false,
                created: now,
                pieces: vec![IndexPiece { terms: held.join(" "), context: name(TERMS) }],
                context: name(TERMS),
            }
        };
        let commit = Commit {
            session: SessionId::new(),
            create: Some(NewSession {
                title: "Notes".to_owned(),
                parent: None,
                place: None,
                metadata: "{}".to_owned(),
                created: now,
            }),
            messages: (1..=messages).map(message).collect(),
            head: HeadMove::IfParent,
            run: None,
            limits: Limits::NONE,
        };
        let terms: Vec<Term> = (1..=TERMS).map(|n| Term::Is(name(n))).collect();
        block_on(async {
            store.commit(&scope, &commit).await.unwrap();
            let counters = store.counters(&scope).await.unwrap();
            read(&store, &scope, &terms, &counters, None).await.unwrap()
        })
    }

    fn whole(lists: &[List]) -> Vec<usize> {
        (1..=TERMS).filter(|term| lists[term - 1].own().is_some()).collect()
    }

    #[test]
    fn the_rarest_terms_are_read_whole_and_of_the_others_it_is_known_how_common_they_are() {
        let lists = read_of(8_000);
        // From the rarest on, 2 × 400 + 421 + 444 + 470 + 500 + 533 + 571 of the 4,000 postings that are left of 12,000.
        assert_eq!(whole(&lists), (14..=TERMS).collect::<Vec<_>>());
        for (term, list) in (1..=TERMS).zip(&lists) {
            let holders = (8_000 / term) as f64;
            assert!((list.holders / holders - 1.0).abs() < 0.02, "{term}: {} for {holders}", list.holders);
        }
    }

    #[test]
    fn a_longer_history_does_not_raise_what_is_read() {
        let rows = |list: &List| list.found.terms.len() + list.found.context.len();
        let read = |lists: &[List]| lists.iter().map(rows).sum::<usize>();
        let (short, long) = (read_of(8_000), read_of(24_000));
        assert_eq!(whole(&long), [19, 20]);
        for lists in [&short, &long] {
            assert!(read(lists) <= budget(TERMS) + TERMS * budget(TERMS) / (2 * TERMS), "{}", read(lists));
        }
    }
}
