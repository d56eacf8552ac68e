//! A roster as a file and as text.

use std::path::Path;

use git_docket::canonical;
use git_docket::report::escape::Line;
use git_docket::statement::predicate::{Role, Roster};

use crate::exit::{Exit, Stop};

/// Reads a roster; the members that `show -o json` adds are left out.
pub fn read(file: &Path) -> Result<Roster, Stop> {
    let refused = |error: String| {
        Stop::new(Exit::Failed, format!("{}: {error}", file.display()))
            .hint("git docket help roster describes the form")
    };
    let mut value = canonical::parse_strict(super::super::read_text(file)?.as_bytes())
        .map_err(|error| refused(error.to_string()))?;
    if let Some(object) = value.as_object_mut() {
        object.remove("schemaVersion");
        object.remove("seq");
    }
    let roster: Roster =
        serde_json::from_value(value).map_err(|error| refused(error.to_string()))?;
    git_docket::roster::Roster::from_predicate(&roster)
        .map_err(|error| refused(error.to_string()))?;
    Ok(roster)
}

/// For people: whom it names, with what they are known by.
pub(super) fn text(roster: &Roster) -> String {
    let whole = roster.whole();
    let whole = whole.as_deref().unwrap_or(roster);
    let mut text = String::new();
    if let Some(extends) = &roster.extends {
        let built = match extends.document {
            Some(_) => "builds on",
            None => "names, and does not build on,",
        };
        let origin = Line(&extends.origin);
        text += &format!(
            "{built} the roster of {origin}, sha256:{}\n",
            extends.digest
        );
    }
    for person in &whole.persons {
        let roles: Vec<&str> = person.roles.iter().map(Role::as_str).collect();
        let kind = format!("{:?}", person.kind).to_lowercase();
        text += &format!(
            "{}  {kind}  {}\n",
            Line(person.id.as_str()),
            Line(&roles.join(", "))
        );
        for key in &person.keys {
            text += &format!("    key {}\n", key.0.id());
        }
        for identity in &person.oidc {
            let who = identity.san.as_ref().or(identity.subject.as_ref());
            let (who, issuer) = (who.map_or("", String::as_str), Line(&identity.issuer));
            text += &format!("    identity {} of {issuer}\n", Line(who));
        }
        for identity in &person.git_identities {
            text += &format!("    address {}\n", Line(&identity.email));
        }
        for login in &person.logins {
            text += &format!("    login {}/{}\n", Line(&login.forge), Line(&login.login));
        }
    }
    for revocation in &whole.revocations {
        text += &format!("revoked: key {}\n", revocation.key);
    }
    text
}
