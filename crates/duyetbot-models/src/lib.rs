//! Language models over their providers' HTTP APIs.
