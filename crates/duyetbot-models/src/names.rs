//! Names and ids as a provider takes them: each of ours has one of theirs, and no two of ours have the same.
use std::collections::{BTreeMap, BTreeSet};

/// What the names on the wire stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ToolNames {
    to_wire: BTreeMap<String, String>,
    to_ours: BTreeMap<String, String>,
}

impl ToolNames {
    /// Names for all of these, each at most `longest` characters of `[a-zA-Z0-9_-]`. The same names in whatever order
    /// give the same result.
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>, longest: usize) -> Self {
        let names: BTreeSet<&str> = names.into_iter().collect();
        let mut out = ToolNames::default();
        let (fit, odd): (Vec<&str>, Vec<&str>) = names.into_iter().partition(|name| fits(name, longest));
        for name in fit.into_iter().chain(odd) {
            let wire = unique(&plain(name, "tool"), longest, |wire| out.to_ours.contains_key(wire));
            out.to_wire.insert(name.to_owned(), wire.clone());
            out.to_ours.insert(wire, name.to_owned());
        }
        out
    }

    /// The provider's name for this tool.
    pub(crate) fn wire<'a>(&'a self, ours: &'a str) -> &'a str {
        self.to_wire.get(ours).map_or(ours, String::as_str)
    }

    /// The tool that the provider means.
    pub(crate) fn ours(&self, wire: &str) -> String {
        self.to_ours.get(wire).map_or(wire, String::as_str).to_owned()
    }

    /// A name that none of them has.
    pub(crate) fn free(&self, wanted: &str, longest: usize) -> String {
        unique(&plain(wanted, "answer"), longest, |wire| self.to_ours.contains_key(wire))
    }
}

fn fits(name: &str, longest: usize) -> bool {
    !name.is_empty() && name.len() <= longest && name.bytes().all(is_plain)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// The name with what is not plain replaced.
fn plain(name: &str, instead_of_nothing: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii() && is_plain(c as u8) { c } else { '_' }).collect();
    if plain.is_empty() { instead_of_nothing.to_owned() } else { plain }
}

/// The name, cut, and with a number at its end where it is taken.
fn unique(name: &str, longest: usize, taken: impl Fn(&str) -> bool) -> String {
    let cut = |end: &str| format!("{}{end}", &name[..name.len().min(longest.saturating_sub(end.len()))]);
    let mut candidate = cut("");
    let mut n = 1_usize;
    while taken(&candidate) {
        n += 1;
        candidate = cut(&format!("_{n}"));
    }
    candidate
}

/// The forms of call ids that servers take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallIdForm {
    /// At most 64 characters of `[a-zA-Z0-9_-]`.
    Plain,
    /// At most 40 characters, any that can be seen.
    Short,
    /// Nine letters and digits.
    Nine,
}

/// Gives each call of a history an id of its own.
pub(crate) struct CallIds {
    form: CallIdForm,
    taken: BTreeSet<String>,
}

impl CallIds {
    pub(crate) fn new(form: CallIdForm) -> Self {
        CallIds { form, taken: BTreeSet::new() }
    }

    /// The id for the next call, as near to its own as may be.
    pub(crate) fn next(&mut self, own: &str) -> String {
        let taken = |id: &str| self.taken.contains(id);
        let id = match self.form {
            CallIdForm::Plain => unique(&plain(own, "call"), 64, taken),
            CallIdForm::Short
                if own.len() <= 40 && own.bytes().all(|b| b.is_ascii_graphic()) && !own.is_empty() =>
            {
                unique(own, 40, taken)
            }
            CallIdForm::Short => unique(&plain(own, "call"), 40, taken),
            CallIdForm::Nine
                if own.len() == 9 && own.bytes().all(|b| b.is_ascii_alphanumeric()) && !taken(own) =>
            {
                own.to_owned()
            }
            CallIdForm::Nine => nine(own, taken),
        };
        self.taken.insert(id.clone());
        id
    }
}

/// Nine letters and digits that follow from the id (FNV-1a), counted on where they are taken.
fn nine(own: &str, taken: impl Fn(&str) -> bool) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut hash =
        own.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    loop {
        let mut rest = hash;
        let id: String = (0..9)
            .map(|_| {
                let digit = DIGITS[(rest % 36) as usize];
                rest /= 36;
                digit as char
            })
            .collect();
        if !taken(&id) {
            return id;
        }
        hash = hash.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_plain_name_keeps_itself_and_an_odd_one_makes_way() {
        let names = ToolNames::new(["calendar.list", "calendar_list", ""], 64);
        assert_eq!(names.wire("calendar_list"), "calendar_list");
        assert_eq!(names.wire("calendar.list"), "calendar_list_2");
        assert_eq!(names.ours("calendar_list_2"), "calendar.list");
        assert_eq!(names.wire(""), "tool");
        assert_eq!(names.ours("unheard_of"), "unheard_of");
        assert_eq!(names.free("calendar.list", 64), "calendar_list_3");
    }

    #[test]
    fn ids_of_another_provider_become_plain_and_stay_apart() {
        let mut ids = CallIds::new(CallIdForm::Plain);
        let given = ["functions.get_weather:0", "functions_get_weather:0", "functions.get_weather:0", ""];
        let got: Vec<String> = given.iter().map(|id| ids.next(id)).collect();
        assert_eq!(
            got,
            ["functions_get_weather_0", "functions_get_weather_0_2", "functions_get_weather_0_3", "call"]
        );
        let mut ids = CallIds::new(CallIdForm::Short);
        assert_eq!(ids.next("functions.get_weather:0"), "functions.get_weather:0");
        assert_eq!(ids.next(&"x".repeat(50)), "x".repeat(40));
    }

    proptest! {
        #[test]
        fn names_are_taken_by_the_provider_and_lead_back(names in prop::collection::btree_set(".{0,80}", 0..20)) {
            let map = ToolNames::new(names.iter().map(String::as_str), 64);
            for name in &names {
                let wire = map.wire(name);
                prop_assert!(!wire.is_empty() && wire.len() <= 64 && wire.bytes().all(is_plain), "{wire}");
                prop_assert_eq!(&map.ours(wire), name);
            }
        }
        #[test]
        fn ids_never_repeat(own in prop::collection::vec("[a-c.:]{0,3}|.{0,60}", 0..30)) {
            for (form, longest) in [(CallIdForm::Plain, 64), (CallIdForm::Short, 40), (CallIdForm::Nine, 9)] {
                let mut ids = CallIds::new(form);
                let got: BTreeSet<String> = own.iter().map(|id| ids.next(id)).collect();
                prop_assert_eq!(got.len(), own.len());
                prop_assert!(got.iter().all(|id| id.len() <= longest && id.bytes().all(|b| b.is_ascii_graphic())));
            }
        }
    }
}
