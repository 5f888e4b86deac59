//! A running `duyetbot serve`, and a client that asks it one thing at a time.
#![allow(dead_code, reason = "each test program uses its part of it")]
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Output},
    time::Duration,
};

pub(crate) struct Served {
    /// Taken where its end is waited for.
    child: Option<Child>,
    pub(crate) address: String,
    pub(crate) token: String,
}

impl Served {
    /// Runs a command that serves, until its first line.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let Some(rest) = line.trim_end().strip_prefix("http://") else {
            panic!("{line:?}, {:?}", child.wait_with_output());
        };
        // A server of many people has no token of its own.
        let (address, token) = rest.split_once("/?token=").unwrap_or((rest, ""));
        let (address, token) = (address.to_owned(), token.to_owned());
        Served { child: Some(child), address, token }
    }

    /// Sends a request, and answers all that comes back.
    pub(crate) fn ask(&self, request: &str, token: &str, body: &str) -> String {
        let mut answer = String::new();
        self.open(request, token, body).read_to_string(&mut answer).unwrap();
        answer
    }

    /// Sends a request whose answer is read as it comes.
    pub(crate) fn open(&self, request: &str, token: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let length = body.len();
        let head = format!(
            "{request} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: Bearer {token}\r\ncontent-type: \
             application/json\r\ncontent-length: {length}\r\n\r\n{body}",
            self.address
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream
    }

    /// The JSON of an answer that has a length.
    #[track_caller]
    pub(crate) fn json(&self, request: &str, body: &str) -> Value {
        let answer = self.ask(request, &self.token, body);
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {answer}"))
    }

    pub(crate) fn send(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.as_ref().unwrap().id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    pub(crate) fn wait(mut self) -> Output {
        self.child.take().unwrap().wait_with_output().unwrap()
    }

    pub(crate) fn end(self, signal: Signal) -> Output {
        self.send(signal);
        self.wait()
    }
}

/// A test that fails leaves no server behind.
impl Drop for Served {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // One that has ended already is no fault.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
