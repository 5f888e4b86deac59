//! API tokens: what a person gives to a program.
use duyetbot_core::Permission;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A token as its person sees it; the token itself is shown once, when it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ApiToken {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Id))]
    pub id: String,
    /// What it is for.
    pub name: String,
    /// What it lets its bearer do.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<crate::openapi::Permission>))]
    pub scopes: BTreeSet<Permission>,
    /// When it was made.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Time))]
    pub created_at: String,
    /// From when on it is refused; null where it lasts.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Time>))]
    pub expires_at: Option<String>,
    /// When it was last used, to the hour; null where it never was.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Time>))]
    pub last_used_at: Option<String>,
}

impl From<&duyetbot_core::ApiToken> for ApiToken {
    fn from(token: &duyetbot_core::ApiToken) -> Self {
        ApiToken {
            id: token.id.to_string(),
            name: token.name.clone(),
            scopes: token.permissions.clone(),
            created_at: token.created.to_string(),
            expires_at: token.expires.map(|at| at.to_string()),
            last_used_at: token.used.map(|at| at.to_string()),
        }
    }
}

/// A person's tokens, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ApiTokens {
    /// The tokens.
    pub tokens: Vec<ApiToken>,
}

/// A token to be made.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct NewApiToken {
    /// Its id, a UUID made by the client: the same id again is refused, for the token is shown once.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Id>))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What it is for.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::TokenName))]
    pub name: String,
    /// What it lets its bearer do: no more than what it is made with lets; where it is left out, all of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Permissions>))]
    pub scopes: Option<BTreeSet<Permission>>,
    /// From when on it is refused, as RFC 3339 has it: no later than what it is made with.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Time>))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

/// A token that was made, with the token itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MadeToken {
    /// The token itself, this once.
    pub token: String,
    /// What is kept of it.
    #[serde(flatten)]
    pub of: ApiToken,
}

impl std::fmt::Debug for MadeToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MadeToken").field("of", &self.of).finish_non_exhaustive()
    }
}
