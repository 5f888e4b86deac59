//! The full-text index: for each term the pieces that hold it.
use std::collections::{BTreeMap, BTreeSet};

use crate::store::{IndexPiece, PieceKey, Postings, Term};

#[derive(Default)]
pub(super) struct Index {
    terms: Column,
    context: Column,
}

type Column = BTreeMap<String, BTreeSet<PieceKey>>;

impl Index {
    pub(super) fn add(&mut self, key: PieceKey, piece: &IndexPiece) {
        for (column, text) in [(&mut self.terms, &piece.terms), (&mut self.context, &piece.context)] {
            for term in split(text) {
                column.entry(term.to_owned()).or_default().insert(key);
            }
        }
    }

    pub(super) fn remove(&mut self, key: PieceKey, piece: &IndexPiece) {
        for (column, text) in [(&mut self.terms, &piece.terms), (&mut self.context, &piece.context)] {
            for term in split(text) {
                let Some(keys) = column.get_mut(term) else { continue };
                keys.remove(&key);
                if keys.is_empty() {
                    column.remove(term);
                }
            }
        }
    }

    pub(super) fn postings(&self, terms: &[Term], among: Option<&[PieceKey]>, limit: u32) -> Vec<Postings> {
        let among: Option<BTreeSet<PieceKey>> = among.map(|keys| keys.iter().copied().collect());
        let newest = |column: &Column, term: &Term| {
            let found = holders(column, term);
            let asked = |key: &PieceKey| among.as_ref().is_none_or(|among| among.contains(key));
            found.into_iter().rev().filter(asked).take(limit as usize).collect()
        };
        terms
            .iter()
            .map(|term| Postings { terms: newest(&self.terms, term), context: newest(&self.context, term) })
            .collect()
    }
}

fn holders(column: &Column, term: &Term) -> BTreeSet<PieceKey> {
    match term {
        Term::Is(term) => column.get(term).cloned().unwrap_or_default(),
        Term::Prefix(prefix) => column
            .range(prefix.clone()..)
            .take_while(|(term, _)| term.starts_with(prefix))
            .flat_map(|(_, keys)| keys.iter().copied())
            .collect(),
    }
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|term| !term.is_empty())
}
