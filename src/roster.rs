//! Who is known in a ledger, at one moment: the roster in force, ready to be asked.
//!
//! A [`Roster`] is made from the predicate that stands in the ledger
//! ([`predicate::Roster`]) and holds its rules: one key belongs to one
//! person, an agent has a human operator, a revoked key is nobody's. It answers whose a key is and what that
//! person may do; *when* it is in force is the replay's business. Manual: `git docket help roster`.

use std::collections::BTreeMap;

use crate::signing::{KeyId, PublicKey};
use crate::sigstore::{Matcher, Names};
use crate::statement::predicate::{self, Predicate};
pub use crate::statement::predicate::{
    Extends, IdError, PersonId, PersonKind, Revocation, RevocationReason, Role, RosterError,
};

/// A roster that keeps its rules, indexed by key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    persons: Vec<Person>,
    keys: BTreeMap<KeyId, Owned>,
    revocations: BTreeMap<KeyId, Revocation>,
    identities: Vec<Identity>,
}

/// A keyless identity, and where in `persons` its owner stands.
#[derive(Debug, Clone)]
struct Identity {
    person: usize,
    wire: predicate::Oidc,
    matcher: Matcher,
}

/// One person of a roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person(predicate::Person);

/// A key, and where in `persons` its owner stands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Owned {
    person: usize,
    key: PublicKey,
}

impl Roster {
    /// Checks the predicate's rules and indexes it.
    pub fn from_predicate(roster: &predicate::Roster) -> Result<Self, predicate::Error> {
        roster.validate()?;
        let roster = roster.whole().map_err(predicate::Error::from)?;
        let mut keys = BTreeMap::new();
        for (person, wire) in roster.persons.iter().enumerate() {
            for predicate::Key(key) in &wire.keys {
                let key = key.clone();
                keys.insert(key.id(), Owned { person, key });
            }
        }
        let mut identities = Vec::new();
        for (person, wire) in roster.persons.iter().enumerate() {
            for oidc in &wire.oidc {
                let identity =
                    Identity::new(person, oidc).ok_or_else(|| RosterError::OidcPattern {
                        person: wire.id.clone(),
                    })?;
                identities.push(identity);
            }
        }
        let revocations = roster
            .revocations
            .iter()
            .map(|r| (r.key, r.clone()))
            .collect();
        Ok(Self {
            persons: roster.persons.iter().cloned().map(Person).collect(),
            keys,
            revocations,
            identities,
        })
    }

    /// All persons, in the roster's order.
    pub fn persons(&self) -> &[Person] {
        &self.persons
    }

    /// The person of this name.
    pub fn person(&self, id: &PersonId) -> Option<&Person> {
        self.persons.iter().find(|person| person.id() == id)
    }

    /// Whose key this is; nobody's if it is unknown or revoked.
    pub fn person_of(&self, key: &KeyId) -> Option<&Person> {
        self.keys.get(key).map(|owned| &self.persons[owned.person])
    }

    /// Whose identity a certificate speaks of; nobody's if the roster names it for nobody, or for two persons.
    pub fn person_of_identity(&self, names: &Names) -> Option<&Person> {
        let mut owners = self.identities.iter().filter(|known| known.is(names));
        let owner = owners.next()?.person;
        owners
            .all(|other| other.person == owner)
            .then(|| &self.persons[owner])
    }

    /// Every keyless identity with its person, in the roster's order.
    pub fn identities(&self) -> impl Iterator<Item = (&predicate::Oidc, &Person)> {
        self.identities
            .iter()
            .map(|known| (&known.wire, &self.persons[known.person]))
    }

    /// The key with this id, if it is somebody's.
    pub fn key(&self, id: &KeyId) -> Option<&PublicKey> {
        self.keys.get(id).map(|owned| &owned.key)
    }

    /// Every key with its person, by key id.
    pub fn keys(&self) -> impl Iterator<Item = (&PublicKey, &Person)> {
        self.keys
            .values()
            .map(|owned| (&owned.key, &self.persons[owned.person]))
    }

    /// Who may append.
    pub fn writers(&self) -> impl Iterator<Item = &Person> {
        self.persons
            .iter()
            .filter(|person| person.has_role(Role::WRITER))
    }

    /// Why and from when a key is no longer good, if this roster says so.
    pub fn revocation(&self, key: &KeyId) -> Option<&Revocation> {
        self.revocations.get(key)
    }

    /// All revocations, by key id.
    pub fn revocations(&self) -> impl Iterator<Item = &Revocation> {
        self.revocations.values()
    }
}

impl Identity {
    fn new(person: usize, wire: &predicate::Oidc) -> Option<Self> {
        let text = wire.san.as_ref().or(wire.subject.as_ref())?;
        let matcher = match wire.pattern {
            true => Matcher::pattern(text).ok()?,
            false => Matcher::Exact(text.clone()),
        };
        Some(Self {
            person,
            wire: wire.clone(),
            matcher,
        })
    }

    /// The issuer is always exact: what a pattern says of a name is worth what its issuer is.
    fn is(&self, names: &Names) -> bool {
        let found = match self.wire.san {
            Some(_) => names
                .identities
                .iter()
                .any(|name| self.matcher.matches(name)),
            None => names
                .subject
                .as_ref()
                .is_some_and(|subject| self.matcher.matches(subject)),
        };
        found && names.issuer.as_ref() == Some(&self.wire.issuer)
    }
}

// The matcher is made from the rest.
impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        (self.person, &self.wire) == (other.person, &other.wire)
    }
}

impl Eq for Identity {}

impl Person {
    /// What the person is called.
    pub fn id(&self) -> &PersonId {
        &self.0.id
    }

    /// Human, service or agent.
    pub fn kind(&self) -> PersonKind {
        self.0.kind
    }

    /// Who answers for the person, if it is an agent.
    pub fn operator(&self) -> Option<&PersonId> {
        self.0.operator.as_ref()
    }

    /// What the person may do.
    pub fn roles(&self) -> &[Role] {
        &self.0.roles
    }

    /// Whether the person has a role of this name.
    pub fn has_role(&self, role: &str) -> bool {
        self.0.roles.iter().any(|has| has.as_str() == role)
    }

    /// The person's keys.
    pub fn keys(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.keys.iter().map(|predicate::Key(key)| key)
    }

    /// The person as it stands in the predicate, with identities that only some checks need.
    pub fn wire(&self) -> &predicate::Person {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::signing::SigningKey;

    fn key(seed: u8) -> predicate::Key {
        predicate::Key(SigningKey::from_seed([seed; 32]).public().clone())
    }

    fn wire() -> predicate::Roster {
        serde_json::from_value(json!({
            "persons": [
                {"id": "ada@example.com", "kind": "human", "roles": ["writer", "maintainer"], "keys": [key(1), key(2)]},
                {"id": "ci", "kind": "service", "roles": ["writer"], "keys": [key(3)],
                 "oidc": [{"issuer": "https://example.com", "san": "ci", "pattern": true}]},
                {"id": "bot", "kind": "agent", "operator": "ada@example.com", "roles": [], "keys": [],
                 "gitIdentities": [{"email": "b@example.com"}], "logins": [{"forge": "example.com", "login": "bot"}]},
            ],
            "revocations": [{"key": key(4).0.id(), "reason": "compromised", "suspectSince": 17}],
        }))
        .unwrap()
    }

    #[test]
    fn answers_whose_a_key_is_and_what_they_may_do() {
        let roster = Roster::from_predicate(&wire()).unwrap();
        let of = |seed| roster.person_of(&key(seed).0.id());
        assert_eq!(of(1), of(2));
        assert_eq!(of(1).unwrap().id().as_str(), "ada@example.com");
        assert!(of(1).unwrap().has_role("maintainer"));
        assert!(!of(3).unwrap().has_role("maintainer"));
        assert_eq!(of(4), None);
        assert_eq!(roster.key(&key(3).0.id()), Some(&key(3).0));
        assert_eq!(
            roster
                .writers()
                .map(|p| p.id().as_str())
                .collect::<Vec<_>>(),
            ["ada@example.com", "ci"]
        );
        let revocation = roster.revocation(&key(4).0.id()).unwrap();
        assert_eq!(revocation.suspect_since, Some(17));
    }

    fn names(issuer: &str, san: &str, subject: Option<&str>) -> Names {
        Names {
            identities: vec![san.to_owned()],
            issuer: Some(issuer.to_owned()),
            subject: subject.map(str::to_owned),
            source_repository: None,
            source_commit: None,
            source_ref: None,
        }
    }

    #[test]
    fn answers_whose_an_identity_is() {
        const ISSUER: &str = "https://example.com";
        let mut wire = wire();
        let oidc = |value| serde_json::from_value::<predicate::Oidc>(value).unwrap();
        wire.persons[0].oidc = vec![
            oidc(json!({"issuer": ISSUER, "san": "ada@example.com"})),
            oidc(json!({"issuer": ISSUER, "subject": "ada-7"})),
        ];
        wire.persons[1].oidc = vec![oidc(
            json!({"issuer": ISSUER, "san": r"https://forge\.example/.*@refs/tags/.*", "pattern": true}),
        )];
        let roster = Roster::from_predicate(&wire).unwrap();
        let of = |names: &Names| roster.person_of_identity(names).map(|p| p.id().as_str());
        let build = "https://forge.example/build@refs/tags/v1";
        assert_eq!(
            of(&names(ISSUER, "ada@example.com", None)),
            Some("ada@example.com")
        );
        assert_eq!(
            of(&names(ISSUER, "x", Some("ada-7"))),
            Some("ada@example.com")
        );
        assert_eq!(of(&names(ISSUER, build, None)), Some("ci"));
        // Another issuer, another case, part of a name, a name where a subject is asked for.
        assert_eq!(
            of(&names("https://evil.example", "ada@example.com", None)),
            None
        );
        assert_eq!(of(&names(ISSUER, "Ada@example.com", None)), None);
        assert_eq!(of(&names(ISSUER, &format!("x{build}"), None)), None);
        assert_eq!(of(&names(ISSUER, "ada-7", None)), None);
        let mut nobody = names(ISSUER, "ada@example.com", None);
        nobody.issuer = None;
        assert_eq!(of(&nobody), None);
        // Of two persons is nobody's.
        assert_eq!(of(&names(ISSUER, build, Some("ada-7"))), None);
    }

    #[test]
    fn refuses_what_breaks_a_rule() {
        type Change = fn(&mut predicate::Roster);
        let bad: &[(&str, Change)] = &[
            ("nobody", |r| r.persons.clear()),
            ("name twice", |r| r.persons[1].id = r.persons[0].id.clone()),
            ("key of two", |r| r.persons[1].keys.push(key(1))),
            ("key twice", |r| r.persons[1].keys.push(key(3))),
            ("role twice", |r| {
                r.persons[1].roles.push("writer".parse().unwrap())
            }),
            ("agent alone", |r| r.persons[2].operator = None),
            ("operator unknown", |r| {
                r.persons[2].operator = Some("eve".parse().unwrap())
            }),
            ("operator no human", |r| {
                r.persons[2].operator = Some("ci".parse().unwrap())
            }),
            ("operator of a service", |r| {
                r.persons[1].operator = Some(r.persons[0].id.clone())
            }),
            ("revoked in use", |r| r.revocations[0].key = key(1).0.id()),
            ("revoked twice", |r| {
                r.revocations.push(r.revocations[0].clone())
            }),
            ("san and subject", |r| {
                r.persons[1].oidc[0].subject = Some("x".into())
            }),
            ("neither", |r| r.persons[1].oidc[0].san = None),
            ("no pattern", |r| {
                r.persons[1].oidc[0].san = Some("(".into())
            }),
            ("no issuer", |r| r.persons[1].oidc[0].issuer.clear()),
            ("no email", |r| r.persons[2].git_identities[0].email.clear()),
            ("no login", |r| r.persons[2].logins[0].login.clear()),
        ];
        for (name, change) in bad {
            let mut roster = wire();
            change(&mut roster);
            assert!(Roster::from_predicate(&roster).is_err(), "{name}");
        }
    }

    #[test]
    fn names_have_their_grammar() {
        for good in ["a", "ada@example.com", "team/ci_1", &"x".repeat(128)] {
            assert!(good.parse::<PersonId>().is_ok(), "{good}");
        }
        for bad in ["", "a b", "a+b", "ä", "a\n", &"x".repeat(129)] {
            assert!(bad.parse::<PersonId>().is_err(), "{bad}");
        }
        for bad in ["", "Writer", "a_b", &"x".repeat(65)] {
            assert!(bad.parse::<Role>().is_err(), "{bad}");
        }
    }

    #[test]
    fn fails_closed_on_fields_it_does_not_know() {
        for pointer in [
            "",
            "/persons/0",
            "/persons/0/keys/0",
            "/persons/1/oidc/0",
            "/revocations/0",
        ] {
            let mut value = serde_json::to_value(wire()).unwrap();
            let object = value
                .pointer_mut(pointer)
                .and_then(|v| v.as_object_mut())
                .unwrap();
            object.insert("new".to_owned(), true.into());
            assert!(
                serde_json::from_value::<predicate::Roster>(value).is_err(),
                "{pointer}"
            );
        }
    }

    #[test]
    fn a_key_is_what_its_id_says() {
        let good = serde_json::to_value(key(1)).unwrap();
        assert_eq!(
            serde_json::from_value::<predicate::Key>(good.clone()).unwrap(),
            key(1)
        );
        let other = serde_json::to_value(key(2)).unwrap();
        for (field, value) in [
            ("id", other["id"].clone()),
            ("publicKey", other["publicKey"].clone()),
            ("publicKey", "".into()),
            ("algorithm", "rsa".into()),
        ] {
            let mut bad = good.clone();
            bad[field] = value;
            assert!(
                serde_json::from_value::<predicate::Key>(bad).is_err(),
                "{field}"
            );
        }
    }
}
