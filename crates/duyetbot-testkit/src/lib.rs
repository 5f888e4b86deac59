//! Conformance suites for the traits of duyetbot-core, a scripted model, fault injection, a clock to set.
