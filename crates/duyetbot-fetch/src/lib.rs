//! The one outbound HTTP client of duyetbot: roots, proxies, time limits.
