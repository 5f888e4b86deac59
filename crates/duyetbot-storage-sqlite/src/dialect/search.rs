//! Postings: where each term stands. The engine's keys are made and compared here only. FTS5 takes a comparison of its key
//! with null for none at all, so an owner that never wrote is left out by a condition of its own.

/// One column of one term, as a JSON array of keys. `?1` has the terms as pairs of queries, one for each column.
macro_rules! column {
    ($query:literal) => {
        concat!(
            "(select json_group_array(k) from (select p.rowid & 4294967295 k from pieces p
   where p.pieces match (j.value->>",
            $query,
            ") and p.rowid between (select base from o) and (select base from o) | 4294967295
     and (select base from o) is not null
   order by p.rowid desc limit ?1->>'limit'))"
        )
    };
}
/// Passing over a list costs a tenth of a microsecond a row, asking for one row fifty: so the stretch of the list is read,
/// in the direction that the engine likes.
macro_rules! column_among {
    ($query:literal) => {
        concat!(
            "(select json_group_array(k) from (select p.rowid & 4294967295 k from pieces p
   where p.pieces match (j.value->>",
            $query,
            ") and p.rowid between (select base from o) | (?1->>'from') and (select base from o) | (?1->>'to')
     and p.rowid & 4294967295 in (select value from json_each(?1, '$.among'))))"
        )
    };
}
macro_rules! postings {
    ($terms:expr, $context:expr) => {
        concat!(
            "with o as materialized (select number << 32 base from owners where id = ?1->>'owner')
 select ",
            $terms,
            ", ",
            $context,
            " from json_each(?1, '$.terms') j order by j.key"
        )
    };
}
pub(crate) const POSTINGS: &str = postings!(column!("0"), column!("1"));
pub(crate) const POSTINGS_AMONG: &str = postings!(column_among!("0"), column_among!("1"));
