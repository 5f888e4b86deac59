//! One SQLite file: sessions, runs, search.
