//! What is counted, as Prometheus reads it. Every label has a bounded set of values: a route's template, never a path.
use http::{Method, StatusCode};
use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

/// The upper ends of the durations' classes, in milliseconds.
const CLASSES: [u64; 8] = [5, 25, 100, 250, 1_000, 5_000, 30_000, 120_000];

/// Counters of this process.
#[derive(Default)]
pub(crate) struct Metrics {
    answers: Mutex<BTreeMap<Labels, Answers>>,
    refusals: Mutex<BTreeMap<String, u64>>,
    streams: Arc<AtomicI64>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Labels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Default)]
struct Answers {
    count: u64,
    milliseconds: u64,
    classes: [u64; CLASSES.len()],
}

impl Metrics {
    /// One request was answered.
    pub(crate) fn answered(&self, method: &Method, route: Option<&str>, status: StatusCode, took: u64) {
        let labels = Labels {
            method: known(method),
            route: route.unwrap_or("unmatched").to_owned(),
            status: status.as_u16(),
        };
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = answers.entry(labels).or_default();
        answers.count += 1;
        answers.milliseconds += took;
        for (count, class) in answers.classes.iter_mut().zip(CLASSES) {
            *count += u64::from(took <= class);
        }
    }

    /// One request was refused with a problem of this kind, one of a closed list.
    pub(crate) fn refused(&self, kind: &str) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        *refusals.entry(kind.to_owned()).or_default() += 1;
    }

    /// One stream is open until what this answers is dropped.
    pub(crate) fn stream(&self) -> OpenStream {
        self.streams.fetch_add(1, Ordering::Relaxed);
        OpenStream(self.streams.clone())
    }

    /// All of it as text.
    pub(crate) fn text(&self) -> String {
        let mut out = String::from(
            "# HELP duyetbot_http_request_seconds Time until the head of an answer.\n\
             # TYPE duyetbot_http_request_seconds histogram\n",
        );
        for (labels, answers) in &*self.answers.lock().unwrap_or_else(PoisonError::into_inner) {
            let Labels { method, route, status } = labels;
            let labels = format!("method=\"{method}\",route=\"{route}\",status=\"{status}\"");
            let name = "duyetbot_http_request_seconds";
            // Writing to a string does not fail.
            for (count, class) in answers.classes.iter().zip(CLASSES) {
                let _ = writeln!(out, "{name}_bucket{{{labels},le=\"{}\"}} {count}", class as f64 / 1e3);
            }
            let _ = writeln!(out, "{name}_bucket{{{labels},le=\"+Inf\"}} {}", answers.count);
            let _ = writeln!(out, "{name}_sum{{{labels}}} {}", answers.milliseconds as f64 / 1e3);
            let _ = writeln!(out, "{name}_count{{{labels}}} {}", answers.count);
        }
        out.push_str(
            "# HELP duyetbot_http_refusals_total Requests that were refused, by the kind of their problem.\n\
             # TYPE duyetbot_http_refusals_total counter\n",
        );
        for (kind, count) in &*self.refusals.lock().unwrap_or_else(PoisonError::into_inner) {
            let kind = kind.trim_start_matches("urn:duyetbot:");
            let _ = writeln!(out, "duyetbot_http_refusals_total{{kind=\"{kind}\"}} {count}");
        }
        let streams = self.streams.load(Ordering::Relaxed);
        let _ = write!(
            out,
            "# HELP duyetbot_open_streams Streams of events that are open.\n\
             # TYPE duyetbot_open_streams gauge\nduyetbot_open_streams {streams}\n"
        );
        out
    }
}

fn known(method: &Method) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    known.into_iter().find(|name| *name == method.as_str()).unwrap_or("other")
}

/// A stream that counts as open.
pub(crate) struct OpenStream(Arc<AtomicI64>);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_methods_and_paths_share_one_series() {
        let metrics = Metrics::default();
        for n in 0..1000 {
            let method = Method::from_bytes(format!("M{n}").as_bytes()).unwrap();
            metrics.answered(&method, None, StatusCode::NOT_FOUND, 3);
        }
        let text = metrics.text();
        assert_eq!(text.lines().filter(|line| line.contains("_count")).count(), 1);
        assert!(text.contains(
            "duyetbot_http_request_seconds_count{method=\"other\",route=\"unmatched\",status=\"404\"} 1000\n"
        ));
    }

    #[test]
    fn a_stream_counts_while_it_is_open() {
        let metrics = Metrics::default();
        let stream = metrics.stream();
        assert!(metrics.text().ends_with("duyetbot_open_streams 1\n"));
        drop(stream);
        assert!(metrics.text().ends_with("duyetbot_open_streams 0\n"));
    }
}
