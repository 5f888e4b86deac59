//! What a model has said, as a draft and as the parts of a message.
use super::{
    checkpoint::{CallState, Draft, DraftPart},
    effects::{NOT_RUN, UNKNOWN},
};
use crate::{
    error::{Error, ErrorKind},
    message::{Part, ToolResult, ToolUse},
    run_row::DraftChunk,
};

/// A piece as a stored part; none where it holds nothing.
pub(super) fn part(piece: &DraftPart) -> Option<Part> {
    match piece {
        DraftPart::Text { text } if text.is_empty() => None,
        DraftPart::Text { text } => Some(Part::text(text.clone())),
        DraftPart::Reasoning { text, signature, redacted, .. } => Some(Part::Reasoning {
            text: text.clone(),
            signature: signature.clone(),
            redacted: redacted.clone(),
        }),
        DraftPart::Tool(call) => Some(Part::Tool(ToolUse {
            call: call.call.clone(),
            tool: call.tool.clone(),
            input: call.input.clone(),
            result: match &call.state {
                CallState::Done { result } => result.clone(),
                CallState::Running => ToolResult::interrupted(UNKNOWN),
                CallState::New | CallState::Asked { .. } | CallState::Allowed => {
                    ToolResult::interrupted(NOT_RUN)
                }
            },
            blob: None,
            extra: call.extra.clone(),
        })),
    }
}

/// What was flushed of an answer, as a draft.
pub(super) fn said(chunks: &[DraftChunk]) -> Draft {
    let mut draft = Draft::default();
    for chunk in chunks {
        match (draft.parts.last_mut(), chunk) {
            (Some(DraftPart::Text { text }), DraftChunk::Text(words))
            | (Some(DraftPart::Reasoning { text, .. }), DraftChunk::Reasoning(words)) => text.push_str(words),
            (_, DraftChunk::Text(words)) => draft.parts.push(DraftPart::Text { text: words.clone() }),
            (_, DraftChunk::Reasoning(words)) => draft.parts.push(DraftPart::Reasoning {
                text: words.clone(),
                signature: None,
                redacted: None,
                closed: false,
            }),
        }
    }
    draft
}

/// What was flushed of an answer, as parts.
pub(super) fn said_parts(chunks: &[DraftChunk]) -> Vec<Part> {
    said(chunks).parts.iter().filter_map(part).collect()
}

/// The error of a run whose process died.
pub(super) fn interrupted() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "the process that ran this turn ended before it was done; what it had is kept",
    )
}
