//! What `doctor` does with a file: look what is damaged, make the index anew, save what can be read.
mod index;

pub(crate) use index::reindex;
