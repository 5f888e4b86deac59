//! What commands may write and read, as the kernel holds them to it (Landlock).
use landlock::{
    ABI, AccessFs, BitFlags, LandlockStatus, PathBeneath, RestrictionStatus, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};
use rustix::fs::{CWD, Mode, OFlags, openat};
use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use super::Environment;
use crate::workspace::Workspace;

/// The newest version of the interface whose rights are asked for. Older kernels give a part of them.
const NEWEST: ABI = ABI::V6;
/// What commands write to besides files.
const DEVICES: [&str; 8] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/ptmx",
    "/dev/pts",
    "/dev/shm",
];

/// Whether commands are confined. Only a person's own settings may turn it off, never a project's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sandbox {
    /// They may do what the person may.
    Off,
    /// They write only beneath the workspace and the temporary directory, where the kernel can hold them to it.
    On(Confinement),
}

/// The bounds of commands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confinement {
    /// The agent's own directory, which no command reads or writes: it holds memory, rules and keys.
    pub home: Option<PathBuf>,
    /// Further directories that they may write to, such as a build cache.
    pub writable: Vec<PathBuf>,
}

impl Default for Sandbox {
    fn default() -> Self {
        Sandbox::On(Confinement::default())
    }
}

/// What holds on this system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SandboxStatus {
    /// All of it.
    Full,
    /// A part: what does not hold, a sentence each.
    Partial(Vec<String>),
    /// Nothing, and why.
    None(String),
}

impl fmt::Display for SandboxStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SandboxStatus::Full => f.write_str("commands are confined"),
            SandboxStatus::Partial(missing) => {
                write!(f, "commands are confined in part: {}", missing.join("; "))
            }
            SandboxStatus::None(why) => write!(f, "commands are not confined: {why}"),
        }
    }
}

impl Sandbox {
    pub(super) fn status(&self, workspace: &Workspace, environment: &Environment) -> SandboxStatus {
        let Sandbox::On(confinement) = self else {
            return SandboxStatus::None("the settings turn it off".to_owned());
        };
        let mut missing = match kernel() {
            Kernel::Holds(missing) => missing.clone(),
            Kernel::Lacks(why) => return SandboxStatus::None(why.clone()),
        };
        if let Some(home) = confinement.real_home() {
            for root in confinement.roots(workspace, environment) {
                if home.starts_with(&root) {
                    missing.push(format!(
                        "{} holds the agent's own directory, so commands can make no new entries beside that",
                        root.display()
                    ));
                }
            }
        }
        if missing.is_empty() { SandboxStatus::Full } else { SandboxStatus::Partial(missing) }
    }

    /// What a command should be told that was not permitted something.
    pub(super) fn note(&self, workspace: &Workspace, environment: &Environment) -> Option<String> {
        let Sandbox::On(confinement) = self else { return None };
        matches!(kernel(), Kernel::Holds(_)).then(|| {
            let roots = confinement.roots(workspace, environment);
            let home = confinement.real_home().filter(|home| roots.iter().any(|root| home.starts_with(root)));
            let roots: Vec<String> = roots.iter().map(|root| root.display().to_string()).collect();
            let closed = home.map(|home| {
                let home = home.display();
                format!(", but not to {home}, the agent's own directory, nor make new entries in those that hold it")
            });
            format!("commands may write only beneath {}{}", roots.join(" and "), closed.unwrap_or_default())
        })
    }

    /// The rules, made ready to be put on a process; none where it is off or the kernel has no such thing.
    pub(super) fn ruleset(
        &self,
        workspace: &Workspace,
        environment: &Environment,
    ) -> Result<Option<RulesetCreated>, RulesetError> {
        let Sandbox::On(confinement) = self else { return Ok(None) };
        if let Kernel::Lacks(_) = kernel() {
            return Ok(None);
        }
        let home = confinement.real_home();
        let mut rules = handled(home.is_some())?.create()?;
        let keep_out = home.as_deref();
        for root in confinement.roots(workspace, environment) {
            rules = grant(rules, &root, writing(), keep_out)?;
        }
        for device in DEVICES {
            rules = grant(rules, Path::new(device), writing(), keep_out)?;
        }
        if home.is_some() {
            rules = grant(rules, Path::new("/"), AccessFs::ReadFile.into(), keep_out)?;
        }
        Ok(Some(rules))
    }
}

impl Confinement {
    /// The directories to write to, without links.
    fn roots(&self, workspace: &Workspace, environment: &Environment) -> Vec<PathBuf> {
        let temporary = environment.temporary();
        let named =
            [workspace.path(), &temporary].into_iter().chain(self.writable.iter().map(PathBuf::as_path));
        named.filter_map(|path| path.canonicalize().ok()).collect()
    }

    fn real_home(&self) -> Option<PathBuf> {
        self.home.as_ref()?.canonicalize().ok()
    }
}

/// All rights to change files that the newest known kernel tells apart, but those of devices: they need their own rules.
fn writing() -> BitFlags<AccessFs> {
    AccessFs::from_write(NEWEST) & !AccessFs::IoctlDev
}

fn handled(home: bool) -> Result<Ruleset, RulesetError> {
    let reading = if home { AccessFs::ReadFile.into() } else { BitFlags::EMPTY };
    Ruleset::default().handle_access(writing() | reading)?.scope(Scope::Signal | Scope::AbstractUnixSocket)
}

/// Grants rights beneath a path. Rights cannot be taken back further below, so where `keep_out` lies beneath it, all that
/// lies beside the way there is granted instead.
fn grant(
    rules: RulesetCreated,
    path: &Path,
    rights: BitFlags<AccessFs>,
    keep_out: Option<&Path>,
) -> Result<RulesetCreated, RulesetError> {
    match keep_out {
        Some(kept) if path.starts_with(kept) => Ok(rules),
        Some(kept) if kept.starts_with(path) => {
            let Ok(entries) = path.read_dir() else { return Ok(rules) };
            entries.flatten().try_fold(rules, |rules, entry| grant(rules, &entry.path(), rights, keep_out))
        }
        _ => match open(path) {
            Ok((fd, is_dir)) => {
                let rights = if is_dir { rights } else { rights & AccessFs::from_file(NEWEST) };
                rules.add_rule(PathBeneath::new(fd, rights))
            }
            // A link is as open as what it leads to, and what is not there needs no grant.
            Err(_) => Ok(rules),
        },
    }
}

fn open(path: &Path) -> io::Result<(rustix::fd::OwnedFd, bool)> {
    let fd = openat(CWD, path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    let kind = rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode);
    if kind == rustix::fs::FileType::Symlink {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok((fd, kind == rustix::fs::FileType::Directory))
}

/// What the kernel can do.
enum Kernel {
    /// It confines, but for these.
    Holds(Vec<String>),
    /// It does not, and why.
    Lacks(String),
}

/// Tried once, on a thread that ends with the confinement that it got.
fn kernel() -> &'static Kernel {
    static KERNEL: OnceLock<Kernel> = OnceLock::new();
    KERNEL.get_or_init(|| {
        let confine = || handled(true)?.create()?.restrict_self();
        match std::thread::Builder::new().spawn(confine).map(std::thread::JoinHandle::join) {
            Ok(Ok(Ok(status))) => of(&status),
            Ok(Ok(Err(cause))) => Kernel::Lacks(format!("the kernel refuses ({cause})")),
            _ => Kernel::Lacks("it could not be tried".to_owned()),
        }
    })
}

fn of(status: &RestrictionStatus) -> Kernel {
    match (&status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, LandlockStatus::NotEnabled) => Kernel::Lacks(
            "the kernel has Landlock, but it is not turned on (boot parameter `lsm`)".to_owned(),
        ),
        (RulesetStatus::NotEnforced, _) => {
            Kernel::Lacks("the kernel has no Landlock (Linux 5.13)".to_owned())
        }
        (_, LandlockStatus::Available { effective_abi, .. }) => {
            let lacks = [
                (ABI::V3, "a file may be emptied by a command (Linux 6.2 prevents it)"),
                (ABI::V6, "a command may send signals to other programs (Linux 6.12 prevents it)"),
            ];
            let missing = lacks.iter().filter(|(since, _)| effective_abi < *since);
            Kernel::Holds(missing.map(|(_, what)| (*what).to_owned()).collect())
        }
        _ => Kernel::Holds(Vec::new()),
    }
}
