//! Who signed an entry: a key, or the identity that a certificate speaks of.
//!
//! Replay keeps a signer as a text, which many entries share: a key's id, or the certificate's names as JSON. The same
//! text is the same signer, whichever of its short-lived certificates it signed with.

use crate::{
    finding::Code,
    roster::{Person, Roster},
    signing::KeyId,
    sigstore::Names,
    statement::shortened,
};

/// As many of a roster's identities as a finding names.
const NAMED: usize = 3;

/// Who signed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Signer {
    /// The holder of this key.
    Key(KeyId),
    /// Whom a certificate speaks of.
    Identity(Names),
}

impl Signer {
    /// As one text; what [`Self::read`] reads.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Key(key) => key.to_string(),
            Self::Identity(names) => {
                serde_json::json!([names.issuer, names.identities, names.subject]).to_string()
            }
        }
    }

    /// A text of [`Self::text`].
    pub(super) fn read(text: &str) -> Option<Self> {
        if let Ok(key) = text.parse() {
            return Some(Self::Key(key));
        }
        let (issuer, identities, subject) = serde_json::from_str(text).ok()?;
        Some(Self::Identity(Names {
            issuer,
            identities,
            subject,
            source_repository: None,
            source_commit: None,
            source_ref: None,
        }))
    }

    /// Whose it is, by a roster.
    pub(super) fn person<'a>(&self, roster: &'a Roster) -> Option<&'a Person> {
        match self {
            Self::Key(key) => roster.person_of(key),
            Self::Identity(names) => roster.person_of_identity(names),
        }
    }

    /// The finding about a signer whom the roster in force does not know.
    pub(super) fn unknown(&self, roster: &Roster, known_elsewhere: bool) -> (Code, String) {
        match self {
            Self::Key(key) if known_elsewhere => (Code::KeyOutOfRange, format!("key {key}")),
            Self::Key(key) => (Code::KeyUnknown, format!("key {key}")),
            Self::Identity(names) => {
                let detail = format!(
                    "seen: {}; expected: {}",
                    seen(names),
                    expected(roster, names)
                );
                (Code::IdentityUnknown, detail)
            }
        }
    }
}

/// What a certificate says of its holder, in a line.
pub(super) fn seen(names: &Names) -> String {
    let all: Vec<_> = names
        .identities
        .iter()
        .map(|name| shortened(name))
        .collect();
    let identity = match all.is_empty() {
        true => "nobody".to_owned(),
        false => all.join(", "),
    };
    let issuer = names.issuer.as_deref().map_or("nobody".into(), shortened);
    match &names.subject {
        Some(subject) => format!("{identity} (subject {}) by {issuer}", shortened(subject)),
        None => format!("{identity} by {issuer}"),
    }
}

// Those of the same issuer, if there are any: they are what was meant.
fn expected(roster: &Roster, names: &Names) -> String {
    let all: Vec<_> = roster.identities().map(|(oidc, _)| oidc).collect();
    let near: Vec<_> = all
        .iter()
        .copied()
        .filter(|oidc| Some(&oidc.issuer) == names.issuer.as_ref())
        .collect();
    let shown = if near.is_empty() { all } else { near };
    let mut texts: Vec<_> = shown
        .iter()
        .take(NAMED)
        .map(|oidc| {
            let text = oidc.san.as_ref().or(oidc.subject.as_ref());
            let text = shortened(text.map_or("", String::as_str));
            let what = match (oidc.san.is_some(), oidc.pattern) {
                (true, false) => "",
                (true, true) => "the pattern ",
                (false, false) => "subject ",
                (false, true) => "subject by the pattern ",
            };
            format!("{what}{text} by {}", shortened(&oidc.issuer))
        })
        .collect();
    if shown.len() > NAMED {
        texts.push(format!("{} more", shown.len() - NAMED));
    }
    match texts.is_empty() {
        true => "nobody: the roster names no keyless identity".into(),
        false => texts.join(", or "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_its_signer() {
        let key = crate::signing::SigningKey::from_seed([1; 32]).public().id();
        let mut names = Names {
            identities: vec!["a\"b".into(), "c".into()],
            issuer: Some("https://example.com".into()),
            subject: None,
            source_repository: None,
            source_commit: None,
            source_ref: None,
        };
        let mut signers = vec![Signer::Key(key), Signer::Identity(names.clone())];
        names.issuer = None;
        signers.push(Signer::Identity(names));
        for signer in signers {
            assert_eq!(Signer::read(&signer.text()), Some(signer));
        }
        assert_eq!(Signer::read("nobody"), None);
    }
}
