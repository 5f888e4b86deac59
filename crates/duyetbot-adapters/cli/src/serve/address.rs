//! Where a server listens, and how far that reaches.
use duyetbot_server::is_loopback;

use super::faults::Faults;
use crate::settings::Settings;

/// Where it listens unless it is told another place.
const USUAL: &str = "127.0.0.1:8787";

/// How far an address reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// No further than this machine.
    Here,
    /// To other machines.
    Elsewhere,
}

/// Where a server listens.
#[derive(Clone, Debug)]
pub(super) struct Listening {
    /// As it was given.
    pub(super) text: String,
    /// How far it reaches; none where it is no address.
    pub(super) reach: Option<Reach>,
}

impl Listening {
    /// What the flag says, or else the settings.
    pub(super) fn read(flag: Option<String>, settings: &Settings, faults: &mut Faults) -> Self {
        let text = flag.or_else(|| settings.text("serve.listen")).unwrap_or_else(|| USUAL.to_owned());
        let reach =
            faults.note(is_loopback(&text)).map(|here| if here { Reach::Here } else { Reach::Elsewhere });
        Listening { text, reach }
    }
}
