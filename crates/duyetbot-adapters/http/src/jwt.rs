//! Access tokens of logins: JWTs with exactly one algorithm, verified by the core's clock.
//!
//! What is not here cannot be chosen by a token's header: there is no other algorithm, and no key but the server's own. It
//! needs neither a runtime nor the machine's clock, so that a Worker verifies the same way.
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use duyetbot_core::{Error, Result, Timestamp, UserId};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, de::IgnoredAny};
use sha2::Sha256;
use std::{collections::BTreeSet, fmt, time::Duration};

/// Bytes of a secret at least: as many as the hash has, so that guessing the secret is no shorter way.
const SHORTEST: usize = 32;
/// Different bytes of a secret at least: random ones of that length have 20 and more, whatever alphabet they are written in.
const FEWEST: usize = 8;
/// What stands in example files for a secret that is still to be made.
const EXAMPLES: [&str; 9] = [
    "changeme",
    "changethis",
    "replaceme",
    "replacethis",
    "placeholder",
    "yoursecret",
    "yourjwtsecret",
    "supersecret",
    "examplesecret",
];
/// How far the clocks of those who issue and verify may be apart.
const SKEW: Duration = Duration::from_secs(60);
/// For whom access tokens are made; another kind of token says so by another audience.
const AUDIENCE: &str = "duyetbot";
/// Who issues them, where the server does not know its own address.
const ISSUER: &str = "duyetbot";
/// Seconds until the year 10000: what lies beyond is no date.
const LAST_SECOND: f64 = 253_402_300_800.0;

/// A secret that tokens are signed with.
#[derive(Clone)]
pub struct JwtKey(Hmac<Sha256>);

impl JwtKey {
    /// A key of these bytes.
    ///
    /// # Errors
    ///
    /// `Invalid` where there are less than 32; where they are few and repeated, or an example's that everybody knows; or where
    /// blank characters stand at an end: mostly a file's last line break, which another program would cut off.
    pub fn new(secret: &str) -> Result<Self> {
        if secret.trim() != secret {
            return Err(Error::invalid("it begins or ends with a blank or a line break; leave that out"));
        }
        let refused = |what: &str| {
            Err(Error::invalid(format!("it {what}; `openssl rand -base64 48` makes a good one")))
        };
        if secret.len() < SHORTEST {
            return refused(&format!("has less than {SHORTEST} bytes"));
        }
        if secret.bytes().collect::<BTreeSet<_>>().len() < FEWEST {
            return refused("repeats few letters, so that it can be guessed");
        }
        let plain: String = secret.chars().filter(char::is_ascii_alphanumeric).collect();
        let plain = plain.to_ascii_lowercase();
        if EXAMPLES.iter().any(|example| plain.contains(example)) {
            return refused("is an example's, which everybody knows");
        }
        Hmac::new_from_slice(secret.as_bytes()).map(JwtKey).map_err(Error::internal)
    }
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JwtKey(…)")
    }
}

/// What verifies access tokens.
#[derive(Clone, Debug)]
pub struct JwtVerifier {
    keys: Vec<JwtKey>,
    issuer: String,
}

/// What a valid token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claims {
    /// Who signed in.
    pub(crate) user: UserId,
}

impl JwtVerifier {
    /// Takes tokens that are signed with this key, of a server that does not know its own address.
    pub fn new(key: JwtKey) -> Self {
        JwtVerifier { keys: vec![key], issuer: ISSUER.to_owned() }
    }
    /// Takes those of this key too: the one before, so that a new secret signs nobody out.
    #[must_use]
    pub fn with_previous(mut self, key: JwtKey) -> Self {
        self.keys.push(key);
        self
    }
    /// Takes only those of the server at this address.
    #[must_use]
    pub fn with_issuer(mut self, address: &str) -> Self {
        self.issuer = address.trim_end_matches('/').to_owned();
        self
    }

    /// What a token says at this moment; nothing where anything is wrong with it.
    pub(crate) fn verify(&self, token: &str, now: Timestamp) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        // Nothing that the token holds is read before it is known who wrote it.
        let is_of = |key: &JwtKey| key.0.clone().chain_update(signed).verify_slice(&signature).is_ok();
        if !self.keys.iter().any(is_of) {
            return None;
        }
        let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        let claims: Payload = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        let ours = claims.iss == self.issuer && claims.aud == AUDIENCE && !claims.sid.is_empty();
        let valid = header.is_plain() && ours && claims.is_of_now(now);
        valid.then(|| claims.sub.parse().ok())?.map(|user| Claims { user })
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    /// Demands that are not understood here.
    crit: Option<IgnoredAny>,
}

impl Header {
    fn is_plain(&self) -> bool {
        let is_jwt = self.typ.as_ref().is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"));
        self.alg == "HS256" && is_jwt && self.crit.is_none()
    }
}

/// The claims that decide. Those of the profile are for clients to read: here the store says who somebody is.
#[derive(Deserialize)]
struct Payload {
    sub: String,
    iss: String,
    aud: String,
    /// The login.
    sid: String,
    exp: f64,
    nbf: Option<f64>,
}

impl Payload {
    /// In seconds since 1970, as JWTs count. When it was issued refuses nothing: clocks differ.
    fn is_of_now(&self, now: Timestamp) -> bool {
        let seconds = |at: Timestamp| at.0 as f64 / 1e3;
        let (earliest, latest) = (seconds(now.minus(SKEW)), seconds(now.plus(SKEW)));
        let expires = self.exp > earliest && self.exp < LAST_SECOND;
        expires && self.nbf.is_none_or(|begins| begins <= latest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const SECRET: &str = "one secret of thirty-two bytes!!";
    const OLD: &str = "the secret before, of more bytes than that";
    const NOW: Timestamp = Timestamp(1_800_000_000_000);
    const SECONDS: i64 = 1_800_000_000;

    fn part(value: &Value) -> String {
        URL_SAFE_NO_PAD.encode(value.to_string())
    }

    fn token(secret: &str, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", part(header), part(claims));
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(&signed);
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    fn claims(change: &Value) -> Value {
        let mut claims = json!({
            "sub": "github:1", "email": "ada@example.org", "name": "Ada", "picture": null, "provider": "github",
            "iat": SECONDS, "exp": SECONDS + 3600, "iss": "https://api.example.org", "aud": "duyetbot", "sid": "s1",
        });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    fn verifier() -> JwtVerifier {
        let (key, old) = (JwtKey::new(SECRET).unwrap(), JwtKey::new(OLD).unwrap());
        JwtVerifier::new(key).with_previous(old).with_issuer("https://api.example.org/")
    }

    fn verified(header: &Value, claims: &Value) -> bool {
        verifier().verify(&token(SECRET, header, claims), NOW).is_some()
    }

    fn hs256() -> Value {
        json!({ "alg": "HS256", "typ": "JWT" })
    }

    #[test]
    fn a_token_of_either_key_says_who_signed_in() {
        let user = Some(Claims { user: "github:1".parse().unwrap() });
        for secret in [SECRET, OLD] {
            assert_eq!(verifier().verify(&token(secret, &hs256(), &claims(&json!({}))), NOW), user);
        }
        let other = token("a secret that was never one of ours", &hs256(), &claims(&json!({})));
        assert_eq!(verifier().verify(&other, NOW), None);
    }

    #[test]
    fn jwt_header_picks_algorithm() {
        for alg in ["none", "None", "nOnE", "HS384", "HS512", "RS256", "ES256", "hs256", ""] {
            assert!(!verified(&json!({ "alg": alg }), &claims(&json!({}))), "{alg}");
        }
        for header in [
            json!({}),
            json!({ "alg": "HS256", "crit": ["exp"] }),
            json!({ "alg": "HS256", "typ": "refresh" }),
            json!({ "alg": ["HS256"] }),
            json!([]),
        ] {
            assert!(!verified(&header, &claims(&json!({}))), "{header}");
        }
        // A key's name chooses nothing: neither a file nor a row.
        for kid in ["../../dev/null", "' union select '1"] {
            assert!(verified(&json!({ "alg": "HS256", "kid": kid }), &claims(&json!({}))));
        }
        let valid = token(SECRET, &hs256(), &claims(&json!({})));
        let (signed, signature) = valid.rsplit_once('.').unwrap();
        let cut = &signature[..signature.len() - 2];
        let admin = format!("{}.{}", part(&hs256()), part(&claims(&json!({ "sub": "github:2" }))));
        for wrong in [
            format!("{signed}."),
            signed.to_owned(),
            format!("{signed}.{cut}"),
            format!("{signed}.{signature}="),
            format!("{signed}.{signature}.x"),
            format!("{}.{signature}", part(&claims(&json!({})))),
            format!("{admin}.{signature}"),
            "..".to_owned(),
            String::new(),
        ] {
            assert_eq!(verifier().verify(&wrong, NOW), None, "{wrong}");
        }
    }

    #[test]
    fn every_claim_that_decides_is_there_and_ours() {
        for (name, value) in [
            ("iss", json!("https://staging.example.org")),
            ("iss", json!(["https://api.example.org"])),
            ("aud", json!("google-client-id")),
            ("aud", json!(["duyetbot", "other"])),
            ("sub", json!("github")),
            ("sub", json!(1)),
            ("sid", json!("")),
        ] {
            assert!(!verified(&hs256(), &claims(&json!({ name: value }))), "{name} {value}");
        }
        for name in ["sub", "iss", "aud", "sid", "exp"] {
            let mut lacking = claims(&json!({}));
            lacking.as_object_mut().unwrap().remove(name);
            assert!(!verified(&hs256(), &lacking), "{name}");
            assert!(!verified(&hs256(), &claims(&json!({ name: null }))), "{name}");
        }
    }

    #[test]
    fn id_token_iat_slightly_ahead() {
        let taken = |name: &str, value: Value| verified(&hs256(), &claims(&json!({ name: value })));
        for seconds in [1, 30, 600] {
            assert!(taken("iat", json!(SECONDS + seconds)), "{seconds}");
        }
        assert!(taken("exp", json!(SECONDS - 1)) && taken("exp", json!(SECONDS as f64 + 0.5)));
        assert!(taken("nbf", json!(SECONDS + 30)));
        for exp in
            [json!(SECONDS - 60), json!(SECONDS - 300), json!(-1), json!(1e20), json!("2027"), json!(true)]
        {
            assert!(!taken("exp", exp.clone()), "{exp}");
        }
        for nbf in [json!(SECONDS + 61), json!(1e300), json!("soon")] {
            assert!(!taken("nbf", nbf.clone()), "{nbf}");
        }
    }

    #[test]
    fn a_secret_that_is_short_or_has_a_line_break_is_none() {
        for wrong in ["", "changeme", &"x".repeat(31), &format!("{SECRET}\n"), &format!(" {SECRET}")] {
            assert!(JwtKey::new(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(format!("{:?}", JwtKey::new(SECRET).unwrap()), "JwtKey(…)");
    }

    #[test]
    fn a_secret_that_can_be_guessed_is_none_and_what_is_said_does_not_hold_it() {
        for wrong in [
            "x".repeat(64),
            "abcdefg".repeat(9),
            "change-me-to-a-random-string-of-32-bytes".to_owned(),
            "Change_Me_0123456789abcdefghijklmnopqr".to_owned(),
            "your-jwt-secret-0123456789abcdefghijkl".to_owned(),
        ] {
            let refused = JwtKey::new(&wrong).unwrap_err();
            assert!(
                !refused.message().contains(&wrong) && refused.message().contains("openssl"),
                "{refused}"
            );
        }
        // As `openssl rand -hex 32` and `-base64 48` make them.
        for right in [
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJ",
        ] {
            assert!(JwtKey::new(right).is_ok(), "{right}");
        }
    }
}
