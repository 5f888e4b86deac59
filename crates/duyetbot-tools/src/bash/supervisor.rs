//! The process between the agent and a shell, which sees to it that nothing of a call outlives it.
//!
//! It is a fork of the agent that never runs another program. As the subreaper of its descendants it becomes the parent of
//! every process that leaves its own, however it does so; it ends them all when the shell has ended, or when its end of the
//! control socket says that nobody waits any longer: the call was dropped, or the agent is gone, even killed.
#![expect(
    unsafe_code,
    reason = "a process cannot be made between fork and exec without it; each place says why it is sound"
)]

use landlock::RulesetCreated;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::{AsRawFd, BorrowedFd, OwnedFd},
    fs::{CWD, Mode, OFlags, openat},
    process::{
        DumpableBehavior, Pid, Signal, WaitOptions, kill_process, kill_process_group, set_child_subreaper,
        set_dumpable_behavior, set_parent_process_death_signal, setsid, wait,
    },
    thread::{CapabilitySet, capabilities, set_capabilities},
};
use std::{
    io,
    os::unix::{net::UnixStream as StdStream, process::CommandExt},
    path::Path,
    process::{Command, Stdio},
};
use tokio::{
    io::AsyncReadExt,
    net::{UnixStream, unix::pipe},
    sync::oneshot,
};

use super::{Environment, Sandbox};
use crate::{refusal::Refusal, workspace::Workspace};

/// What commands are started with.
pub(super) struct Launch {
    pub(super) workspace: Workspace,
    pub(super) environment: Environment,
    pub(super) sandbox: Sandbox,
}

/// A command that was started. Dropping it ends the command.
pub(super) struct Running {
    pub(super) control: Control,
    /// All that it writes, in its order.
    pub(super) output: pipe::Receiver,
}

/// The agent's end of the control socket.
pub(super) struct Control(UnixStream);

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    status: i32,
    /// Processes that were still there when the shell had ended.
    left: u32,
}

impl Control {
    /// Asks for the end of everything.
    pub(super) fn end(&self) {
        // Where this fails the supervisor is gone, and its message or the end of the socket says so.
        let _ = rustix::net::shutdown(&self.0, rustix::net::Shutdown::Write);
    }

    /// Waits for the end; none where the supervisor was killed.
    pub(super) async fn ended(&mut self) -> Option<Ended> {
        let mut message = [0; 8];
        // So short a message comes in one piece, and a read that is dropped loses nothing.
        let length = self.0.read(&mut message).await.ok()?;
        let (status, left) = message[..length].split_first_chunk()?;
        Some(Ended { status: i32::from_ne_bytes(*status), left: u32::from_ne_bytes(left.try_into().ok()?) })
    }
}

impl Ended {
    pub(super) fn is_success(self) -> bool {
        self.status == 0
    }

    /// What a model has to know of it.
    pub(super) fn told(self) -> Vec<String> {
        let mut notes = Vec::new();
        if libc::WIFSIGNALED(self.status) {
            notes.push(format!("ended by signal {}", libc::WTERMSIG(self.status)));
        } else if self.status != 0 {
            notes.push(format!("exit code {}", libc::WEXITSTATUS(self.status)));
        }
        if self.left > 0 {
            notes.push("what it left running in the background was ended".to_owned());
        }
        notes
    }
}

/// Starts a command line. Its supervisor is waited for on a thread of its own, so that it never stays as a zombie.
pub(super) async fn start(launch: &std::sync::Arc<Launch>, command: String) -> Result<Running, Refusal> {
    let (started, starting) = oneshot::channel();
    let launch = launch.clone();
    let work = move || {
        let (control, child) = match spawn(&launch, &command) {
            Ok((child, control, output)) => (Ok((control, output)), Some(child)),
            Err(refusal) => (Err(refusal), None),
        };
        // A call that was dropped meanwhile takes nothing, and the control socket's end ends the command.
        drop(started.send(control));
        child.map(|mut child| child.wait())
    };
    let failed = |cause: io::Error| Refusal::io("the command cannot be started", &cause);
    std::thread::Builder::new().name("bash".to_owned()).stack_size(256 * 1024).spawn(work).map_err(failed)?;
    let gone = |_| Refusal::new("the command cannot be started (the thread panicked)");
    let (control, output) = starting.await.map_err(gone)??;
    control.set_nonblocking(true).map_err(failed)?;
    Ok(Running {
        control: Control(UnixStream::from_std(control).map_err(failed)?),
        output: pipe::Receiver::from_owned_fd(output).map_err(failed)?,
    })
}

fn spawn(launch: &Launch, line: &str) -> Result<(std::process::Child, StdStream, OwnedFd), Refusal> {
    let failed = |cause: io::Error| Refusal::io("the command cannot be started", &cause);
    if launch.workspace.is_gone() {
        return Err(launch.workspace.gone());
    }
    let rules = launch.sandbox.ruleset(&launch.workspace, &launch.environment).map_err(|cause| {
        Refusal::new(format!(
            "the command was not started: the sandbox cannot be made ready ({cause}); tell the person"
        ))
    })?;
    let (ours, theirs) = StdStream::pair().map_err(failed)?;
    let (output, writer) = io::pipe().map_err(failed)?;
    let mut command = Command::new(shell());
    command
        .args(["-c", "--", line])
        .env_clear()
        .envs(launch.environment.vars())
        .env("PWD", launch.workspace.path())
        // The held directory, wherever it lies by now.
        .current_dir(format!("/proc/self/fd/{}", launch.workspace.root().as_raw_fd()))
        .stdin(Stdio::null())
        .stdout(writer.try_clone().map_err(failed)?)
        .stderr(writer);
    supervise(&mut command, theirs.into(), rules, launch.workspace.umask());
    let child = command.spawn().map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => Refusal::new("there is no bash on this system; tell the person"),
        io::ErrorKind::ArgumentListTooLong => Refusal::new("the command is too long; put it into a script"),
        _ => failed(cause),
    })?;
    Ok((child, ours, output.into()))
}

fn shell() -> &'static str {
    let usual = ["/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash"];
    usual.into_iter().find(|path| Path::new(path).exists()).unwrap_or("bash")
}

/// Puts a supervisor between this process and the command.
fn supervise(command: &mut Command, control: OwnedFd, mut rules: Option<RulesetCreated>, umask: Option<u32>) {
    // SAFETY: the closure runs between fork and exec in a process whose other threads are gone. Neither it nor what it calls
    // allocates, locks or panics: it makes system calls on values that were made before.
    unsafe {
        command.pre_exec(move || {
            setsid()?;
            set_child_subreaper(Some(rustix::process::getpid()))?;
            // SAFETY: as above; an ignored SIGCHLD, which is inherited, would hide how children end.
            libc::signal(libc::SIGCHLD, libc::SIG_DFL);
            let supervisor = rustix::process::getpid();
            // SAFETY: this process has one thread. The child goes on with system calls until exec, as this one does.
            match libc::fork() {
                -1 => Err(io::Error::last_os_error()),
                0 => enter(supervisor, rules.take(), umask),
                child => watch(&control, child),
            }
        });
    }
}

/// What is done in the process that becomes the shell.
fn enter(supervisor: Pid, rules: Option<RulesetCreated>, umask: Option<u32>) -> io::Result<()> {
    setsid()?;
    if let Some(umask) = umask {
        rustix::process::umask(Mode::from_bits_truncate(umask));
    }
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if rustix::process::getppid() != Some(supervisor) {
        return Err(io::ErrorKind::Interrupted.into());
    }
    let Some(rules) = rules else { return Ok(()) };
    drop_reach()?;
    rules.restrict_self().map(drop).map_err(|_| io::Error::from_raw_os_error(libc::EPERM))
}

/// The superuser's powers over the memory of other processes, of which some go past the sandbox: with them the agent's keys
/// can be read out of it.
fn drop_reach() -> io::Result<()> {
    let reach =
        CapabilitySet::SYS_PTRACE | CapabilitySet::SYS_ADMIN | CapabilitySet::PERFMON | CapabilitySet::BPF;
    let mut sets = capabilities(None)?;
    if sets.permitted.intersects(reach) {
        for set in [&mut sets.effective, &mut sets.permitted, &mut sets.inheritable] {
            set.remove(reach);
        }
        // The sandbox keeps programs from regaining what is not permitted here.
        set_capabilities(None, sets)?;
    }
    Ok(())
}

/// Watches over the shell and all that comes of it until none is left. It must not return: two processes would go on in the
/// agent's code.
fn watch(control: &OwnedFd, shell: i32) -> ! {
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let signals = settle(control);
    // SAFETY: descriptor 0 was just made the control socket, and nothing here closes it.
    let control = unsafe { BorrowedFd::borrow_raw(0) };
    let (mut status, mut left, mut ending, mut asked) = (0_i32, 0_u32, false, false);
    loop {
        let mut shell_ended = false;
        let childless = loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, how))) if pid.as_raw_nonzero().get() == shell => {
                    (status, shell_ended) = (how.as_raw(), true);
                }
                Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
                Ok(None) => break false,
                Err(_) => break true,
            }
        };
        if childless {
            let mut message = [0; 8];
            message[..4].copy_from_slice(&status.to_ne_bytes());
            message[4..].copy_from_slice(&left.to_ne_bytes());
            let _ = rustix::io::write(control, &message);
            // SAFETY: ends this process without running what the agent registered for its own end.
            unsafe { libc::_exit(0) }
        }
        ending |= shell_ended;
        if ending {
            let killed = kill_children(shell);
            if shell_ended && !asked {
                left = killed;
            }
        }
        let mut ready =
            [PollFd::from_borrowed_fd(signals, PollFlags::IN), PollFd::new(&control, PollFlags::IN)];
        // Once the end was asked for, the socket has nothing more to say.
        let watched = if asked { &mut ready[..1] } else { &mut ready[..] };
        let soon = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
        let _ = poll(watched, ending.then_some(&soon));
        if !asked && !ready[1].revents().is_empty() {
            (asked, ending) = (true, true);
        }
        if !ready[0].revents().is_empty() {
            let _ = rustix::io::read(signals, &mut [0_u8; 1024]);
        }
    }
}

/// Lets go of all that the agent had open, keeps the control socket as descriptor 0, and turns signals into something to be
/// read. Answers where they are read.
fn settle(control: &OwnedFd) -> BorrowedFd<'static> {
    // SAFETY: system calls on integers and on a signal set that lives here. The descriptors that are closed belong to values
    // of the agent's copy in this process, which are never used or dropped: this process does not return.
    unsafe {
        libc::dup2(control.as_raw_fd(), 0);
        if libc::syscall(libc::SYS_close_range, 1, libc::c_uint::MAX, 0) != 0 {
            for fd in 1..65_536 {
                libc::close(fd);
            }
        }
        let mut all = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::sigprocmask(libc::SIG_BLOCK, &all, std::ptr::null_mut());
        let mut child = std::mem::zeroed();
        libc::sigemptyset(&mut child);
        libc::sigaddset(&mut child, libc::SIGCHLD);
        let signals = libc::signalfd(-1, &child, libc::SFD_NONBLOCK | libc::SFD_CLOEXEC);
        // Without one, every wait below would be for ever: the closed control socket ends the call then.
        if signals < 0 {
            libc::kill(-libc::getpid(), libc::SIGKILL);
            libc::_exit(1);
        }
        BorrowedFd::borrow_raw(signals)
    }
}

/// Kills all children of this process, and answers how many there were. Their own become this process's, and are met at the
/// next turn.
fn kill_children(shell: i32) -> u32 {
    let Ok(list) =
        openat(CWD, c"/proc/thread-self/children", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
    else {
        // A kernel without that list: the shell's own group is what can be reached.
        if let Some(group) = Pid::from_raw(shell) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        return 0;
    };
    let (mut buffer, mut pid, mut killed) = ([0_u8; 4096], 0_i32, 0_u32);
    while let Ok(length @ 1..) = rustix::io::read(&list, &mut buffer) {
        for byte in buffer.iter().take(length) {
            if byte.is_ascii_digit() {
                pid = pid.wrapping_mul(10).wrapping_add(i32::from(*byte - b'0'));
                continue;
            }
            if let Some(child) = Pid::from_raw(pid) {
                let _ = kill_process(child, Signal::KILL);
                killed = killed.saturating_add(1);
            }
            pid = 0;
        }
    }
    killed
}
