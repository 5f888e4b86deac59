//! One random operation. Everything is drawn from a few names, so that histories meet themselves.
use duyetbot_core::{Decision, HeadMove, RunState, SessionState};
use proptest::{collection::vec, option, prelude::*, sample::select};

#[derive(Clone, Debug)]
pub(super) enum Op {
    Commit(CommitOp),
    Save { owner: u8, run: RunPick, epoch: EpochPick, what: SaveOp },
    Decide { owner: u8, run: RunPick, call: u8, decision: Decision },
    Stop { owner: u8, run: RunPick },
    Attend { owner: u8, run: RunPick, millis: u16 },
    Claim { of: Option<(u8, RunPick)>, places: Vec<u8>, holder: u8, gone: Vec<u8> },
    Set { owner: u8, session: u8, change: ChangeOp },
    Erase { owner: u8, session: u8 },
    Sweep,
    Put { owner: u8, blob: u8 },
    Page { owner: u8, limit: u32, states: Vec<SessionState>, deleted: bool, title: Option<u8> },
    Path { owner: u8, session: u8, tip: Option<u8>, limit: u32 },
    Feed { owner: u8, after: u64, limit: u32 },
    Search { owner: u8, word: u8, prefix: bool, among: Option<Vec<(u64, u32)>>, limit: u32 },
    Clock { millis: i64 },
}

#[derive(Clone, Debug)]
pub(super) struct CommitOp {
    pub(super) owner: u8,
    pub(super) session: u8,
    pub(super) create: bool,
    pub(super) messages: Vec<MessageOp>,
    pub(super) head: HeadMove,
    pub(super) run: RunOp,
    pub(super) limits: [Option<u64>; 3],
}

#[derive(Clone, Debug)]
pub(super) struct MessageOp {
    pub(super) id: u8,
    pub(super) words: u8,
    pub(super) parent: ParentPick,
    pub(super) blob: Option<u8>,
    pub(super) pieces: Vec<(u8, u8)>,
}

#[derive(Clone, Debug)]
pub(super) enum ParentPick {
    Head,
    Root,
    Message(u8),
}

#[derive(Clone, Debug)]
pub(super) enum RunOp {
    None,
    Open {
        place: u8,
        holder: u8,
    },
    /// With none, the step's message is what the commit carries; else it is the run's n-th.
    Step {
        run: RunPick,
        epoch: EpochPick,
        state: RunState,
        n: Option<u8>,
    },
}

#[derive(Clone, Debug)]
pub(super) enum RunPick {
    /// The session's active run, if it has one.
    Current(u8),
    /// Whether it was opened or not.
    Named(u8, u8),
}

#[derive(Clone, Debug)]
pub(super) enum EpochPick {
    Holders,
    Off(i8),
}

#[derive(Clone, Debug)]
pub(super) enum SaveOp {
    Lease,
    Draft(Vec<(bool, u8)>),
    Checkpoint(Vec<u8>, Option<u8>),
    Wait(Vec<u8>, Option<u8>),
}

#[derive(Clone, Debug)]
pub(super) enum ChangeOp {
    Title(u8),
    State(SessionState),
    Head(u8),
    Metadata(bool),
    Delete,
    Restore,
}

pub(super) const OWNERS: u8 = 2;
pub(super) const SESSIONS: u8 = 3;
pub(super) const MESSAGES: u8 = 9;
pub(super) const BLOBS: u8 = 3;

pub(super) fn any() -> impl Strategy<Value = Op> {
    prop_oneof![
        20 => commit().prop_map(Op::Commit),
        8 => (owner(), run(), epoch(), save()).prop_map(|(owner, run, epoch, what)| Op::Save {
            owner, run, epoch, what
        }),
        6 => (owner(), run(), call(), select(vec![Decision::Allow, Decision::Deny]))
            .prop_map(|(owner, run, call, decision)| Op::Decide { owner, run, call, decision }),
        1 => (owner(), run()).prop_map(|(owner, run)| Op::Stop { owner, run }),
        1 => (owner(), run(), 0..5000u16).prop_map(|(owner, run, millis)| Op::Attend { owner, run, millis }),
        3 => (option::of((owner(), run())), vec(0..2u8, 0..3), 0..3u8, vec(0..3u8, 0..2))
            .prop_map(|(of, places, holder, gone)| Op::Claim { of, places, holder, gone }),
        4 => (owner(), session(), change())
            .prop_map(|(owner, session, change)| Op::Set { owner, session, change }),
        1 => (owner(), 0..SESSIONS).prop_map(|(owner, session)| Op::Erase { owner, session }),
        1 => Just(Op::Sweep),
        1 => (owner(), 0..BLOBS).prop_map(|(owner, blob)| Op::Put { owner, blob }),
        1 => (owner(), 0..4u32, vec(state(), 0..3), any_bool(), option::weighted(0.3, 0..4u8)).prop_map(
            |(owner, limit, states, deleted, title)| Op::Page { owner, limit, states, deleted, title }
        ),
        1 => (owner(), session(), option::of(0..MESSAGES), 0..6u32)
            .prop_map(|(owner, session, tip, limit)| Op::Path { owner, session, tip, limit }),
        1 => (owner(), 0..20u64, 0..5u32).prop_map(|(owner, after, limit)| Op::Feed { owner, after, limit }),
        1 => search(),
        3 => select(vec![0, 1, 500, 9_999, 10_000, 30_000, 86_400_000, 2_592_000_000, -1, -20_000])
            .prop_map(|millis| Op::Clock { millis }),
    ]
}

fn search() -> impl Strategy<Value = Op> {
    let among = option::weighted(0.3, vec((0..12u64, 0..3u32), 0..4));
    (owner(), 0..4u8, any_bool(), among, 0..5u32).prop_map(|(owner, word, prefix, among, limit)| Op::Search {
        owner,
        word,
        prefix,
        among,
        limit,
    })
}

fn commit() -> impl Strategy<Value = CommitOp> {
    let limits = prop_oneof![
        3 => Just([None, None, None]),
        1 => (option::of(0..3u64), option::of(0..7u64), option::of(select(vec![0, 60, 120, 240, 480])))
            .prop_map(|(sessions, messages, bytes)| [sessions, messages, bytes]),
    ];
    let head = select(vec![HeadMove::IfParent, HeadMove::IfParent, HeadMove::Always]);
    let what = (messages(), run_of_commit());
    (owner(), session(), prop::bool::weighted(0.95), what, head, limits).prop_map(
        |(owner, session, create, (messages, run), head, limits)| CommitOp {
            owner,
            session,
            create,
            messages,
            head,
            run,
            limits,
        },
    )
}

fn messages() -> impl Strategy<Value = Vec<MessageOp>> {
    prop_oneof![1 => Just(Vec::new()), 9 => vec(message(), 1..4)]
}

fn message() -> impl Strategy<Value = MessageOp> {
    let parent = prop_oneof![
        6 => Just(ParentPick::Head),
        1 => Just(ParentPick::Root),
        2 => (0..MESSAGES).prop_map(ParentPick::Message),
    ];
    let words = prop::bool::weighted(0.1).prop_map(u8::from);
    let pieces = vec((0..4u8, 0..4u8), 0..3);
    (0..MESSAGES, words, parent, option::weighted(0.2, 0..BLOBS), pieces)
        .prop_map(|(id, words, parent, blob, pieces)| MessageOp { id, words, parent, blob, pieces })
}

fn run_of_commit() -> impl Strategy<Value = RunOp> {
    let states = vec![
        RunState::Running,
        RunState::Running,
        RunState::Running,
        RunState::Done,
        RunState::Failed,
        RunState::Cancelled,
        RunState::Interrupted,
        RunState::Waiting,
    ];
    prop_oneof![
        2 => Just(RunOp::None),
        3 => (0..2u8, 0..3u8).prop_map(|(place, holder)| RunOp::Open { place, holder }),
        4 => (run(), epoch(), select(states), option::weighted(0.9, 0..3u8))
            .prop_map(|(run, epoch, state, n)| RunOp::Step { run, epoch, state, n }),
    ]
}

fn run() -> impl Strategy<Value = RunPick> {
    prop_oneof![
        5 => (session()).prop_map(RunPick::Current),
        1 => (session(), 0..MESSAGES).prop_map(|(session, message)| RunPick::Named(session, message)),
    ]
}

fn epoch() -> impl Strategy<Value = EpochPick> {
    prop_oneof![5 => Just(EpochPick::Holders), 1 => (-1..2i8).prop_map(EpochPick::Off)]
}

fn save() -> impl Strategy<Value = SaveOp> {
    let blob = || option::weighted(0.2, 0..BLOBS);
    prop_oneof![
        1 => Just(SaveOp::Lease),
        3 => vec((any_bool(), 0..3u8), 0..3).prop_map(SaveOp::Draft),
        1 => (vec(call(), 0..3), blob()).prop_map(|(calls, blob)| SaveOp::Checkpoint(calls, blob)),
        2 => (vec(call(), 1..3), blob()).prop_map(|(calls, blob)| SaveOp::Wait(calls, blob)),
    ]
}

fn change() -> impl Strategy<Value = ChangeOp> {
    prop_oneof![
        2 => (0..4u8).prop_map(ChangeOp::Title),
        2 => state().prop_map(ChangeOp::State),
        2 => (0..MESSAGES).prop_map(ChangeOp::Head),
        1 => any_bool().prop_map(ChangeOp::Metadata),
        2 => Just(ChangeOp::Delete),
        2 => Just(ChangeOp::Restore),
    ]
}

fn state() -> impl Strategy<Value = SessionState> {
    select(crate::fixture::ALL_STATES.to_vec())
}

fn owner() -> impl Strategy<Value = u8> {
    // Most of it is the first owner's, so that histories grow deep.
    prop_oneof![15 => Just(0u8), 1 => 0..OWNERS]
}

fn session() -> impl Strategy<Value = u8> {
    prop_oneof![5 => Just(0u8), 1 => 0..SESSIONS]
}

fn call() -> impl Strategy<Value = u8> {
    prop_oneof![5 => 0..2u8, 1 => 0..3u8]
}

fn any_bool() -> impl Strategy<Value = bool> {
    proptest::bool::ANY
}
