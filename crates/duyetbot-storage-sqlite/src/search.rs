//! Postings of terms: one read, whatever their number.
use duyetbot_core::{PieceKey, Postings, Result, Scope, Term};
use serde_json::json;
use std::collections::BTreeSet;

use crate::{
    dialect::{Driver, search},
    record::{self, of},
    store::SqlStore,
};

impl<D: Driver> SqlStore<D> {
    pub(crate) async fn postings_of(
        &self,
        scope: &Scope,
        terms: &[Term],
        among: Option<&[PieceKey]>,
        limit: u32,
    ) -> Result<Vec<Postings>> {
        let queries: Vec<_> = terms.iter().map(record::queries).collect();
        let among: Option<BTreeSet<u64>> = among.map(|keys| keys.iter().map(|key| key.0).collect());
        let statement = if among.is_some() { search::POSTINGS_AMONG } else { search::POSTINGS };
        let (from, to) = among.as_ref().map_or((None, None), |keys| (keys.first(), keys.last()));
        let fields = json!({ "terms": queries, "among": among, "from": from, "to": to, "limit": limit });
        let rows = self.driver.read(statement, vec![of(scope, fields)]).await?;
        let mut postings = rows.into_iter().map(record::postings).collect::<Result<Vec<_>>>()?;
        for column in postings.iter_mut().flat_map(|p| [&mut p.terms, &mut p.context]) {
            column.sort_unstable_by(|a, b| b.cmp(a));
            column.truncate(limit as usize);
        }
        Ok(postings)
    }
}
