//! The public JSON of duyetbot, once, for server, client, command line and bindings.
