//! Findings: what a check saw.
//!
//! A finding is no error. An error says that we could not look; a finding says what we saw when we did.
//! Each has a stable kebab-case code, one heading in the manual's page `findings`, and one vector.

use std::fmt;

use serde::Serialize;

use crate::digest::ObjectId;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Said, and nothing more.
    Note,
    /// Evidence that is missing or not yet there: undecided.
    Missing,
    /// A signature, an entitlement or a rule that does not hold.
    Failed,
    /// The ledger itself is not what was written.
    Broken,
}

macro_rules! codes {
    ($($variant:ident $name:literal $severity:ident $meaning:literal $remedy:literal)*) => {
        /// What was found.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $meaning] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the checks.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// How much it weighs.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// What it means, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }

            /// What to do about it.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)* }
            }
        }
    };
}

codes! {
    // Shape of the ref and of its tree.
    LedgerMerge "ledger-merge" Broken
        "A commit of the ledger's ref has two or more parents: notes were merged by hand."
        "Find out who ran `git notes merge`; go back to the last commit before it that verifies."
    DuplicateNote "duplicate-note" Broken
        "Two paths of the ledger's tree name one object."
        "Only a tool other than ours writes both; go back to the last tip that verifies."
    TreeMode "tree-mode" Broken
        "The ledger's tree holds a symlink, a submodule or an executable."
        "We never write one; go back to the last tip that verifies."
    ObjectTooLarge "object-too-large" Broken
        "An object of the ledger is above its size limit and was not read."
        "We never write one; go back to the last tip that verifies."
    UnexpectedPath "unexpected-path" Broken
        "The ledger's tree holds a path that is neither a note nor ours."
        "Keep other notes in another ref; go back to the last tip that verifies."
    // Entries.
    EntryGrammar "entry-grammar" Broken
        "A note's line is not an entry as we write it."
        "The note was edited; compare with an older tip or another clone."
    NoteMismatch "note-mismatch" Broken
        "An entry stands in the note of another commit than its link names."
        "The note was moved; compare with an older tip or another clone."
    SeqGap "seq-gap" Broken
        "Entries are missing between two sequence numbers, or at the beginning."
        "Entries were deleted; compare with another clone."
    SeqDuplicate "seq-duplicate" Broken
        "Two entries claim one sequence number."
        "An entry was copied or two histories were merged; compare with another clone."
    PrevMismatch "prev-mismatch" Broken
        "An entry does not name the leaf of the entry before it."
        "A link was altered, moved or inserted; compare with another clone."
    AttestationDigest "attestation-digest" Broken
        "An attestation's bytes are not those that its link names."
        "The attestation was altered; compare with another clone."
    BodyMissing "body-missing" Broken
        "An entry's attestation is in no note and not in docket/blob."
        "Fetch the ledger whole, or take the body from another clone."
    BodyMisplaced "body-misplaced" Broken
        "An attestation stands in docket/blob that belongs inline."
        "The note was rewritten by another tool; compare with another clone."
    StrayBody "stray-body" Broken
        "docket/blob or docket/commit holds something that no entry names."
        "Entries were deleted or something was added by hand; compare with another clone."
    KeptCommit "kept-commit" Broken
        "A commit kept in docket/commit does not hash to its name, or its tree is not the link's."
        "The kept commit or the link was altered; compare with another clone."
    TagMoved "tag-moved" Failed
        "A released tag is another object now than when it was released."
        "Find out who moved the tag; what is released is what the entry names."
    TreeUnproved "tree-unproved" Failed
        "A link names a tree that neither a kept commit nor a signed gitTree subject proves."
        "Record the step again: the program keeps the commit."
    // Heads.
    AppendRecordMissing "append-record-missing" Broken
        "There is no append record."
        "The ledger was rewritten by another tool; compare with another clone."
    AppendRecordGrammar "append-record-grammar" Broken
        "The append record is not as we write it."
        "It was altered; compare with another clone."
    AppendRecordSigner "append-record-signer" Broken
        "The append record is not signed by a person who may append at that place."
        "Someone without the role `writer` extended the ledger; compare with another clone."
    AppendRecordSignature "append-record-signature" Broken
        "The append record's signature does not verify."
        "It was altered or forged; compare with another clone."
    AppendRecordKeyless "append-record-keyless" Missing
        "A keyless writer signed the append record with a Sigstore bundle, which this version cannot verify."
        "Verify with a version that can; nothing is appended here until a writer with a key has."
    SizeMismatch "size-mismatch" Broken
        "The append record speaks of another number of entries than there are."
        "Entries were cut off or added; compare with another clone."
    RootMismatch "root-mismatch" Broken
        "The entries do not have the root that the append record was signed over."
        "Entries were altered and linked again; compare with another clone."
    InForceMismatch "in-force-mismatch" Broken
        "The append record or docket/in-force names another roster or policy than replay finds in force."
        "A writer was wrong or lied about what was in force; compare with another clone."
    EdgeMismatch "edge-mismatch" Broken
        "docket/edge is not what the entries and the seal yield."
        "It was altered, or what lies below the seal was; compare with another clone."
    SealGrammar "seal-grammar" Broken
        "The seal is not a checkpoint as we write it."
        "It was altered; compare with another clone."
    SealSignature "seal-signature" Broken
        "The seal is not signed by the ledger's key."
        "It was forged or altered, or the ledger's key changed without an entry; compare with another clone."
    SealMismatch "seal-mismatch" Broken
        "The entries do not have the root that the seal was signed over, or there are fewer of them."
        "Sealed history was rewritten or cut; compare with another clone."
    OriginMismatch "origin-mismatch" Broken
        "A record of the ledger names another origin than the ledger."
        "It was taken from another ledger; compare with another clone."
    // Genesis, pins and memory.
    GenesisInvalid "genesis-invalid" Broken
        "The first entry is no genesis, or one that is not signed by a root key it names."
        "This is no ledger of ours; check where the ref came from."
    NotOpened "not-opened" Broken
        "Something was appended before enough root keys signed the genesis."
        "Have the root keys sign first; compare with another clone."
    PinMismatch "pin-mismatch" Broken
        "The ledger is not the one that the pin names."
        "Either the ref or the pin is of another ledger; ask the ledger's owner over another channel."
    SecondGenesis "second-genesis" Broken
        "A ledger of this origin with another genesis is known here."
        "Only a pin decides which one counts: give --pin, after asking the ledger's owner."
    Rollback "rollback" Broken
        "The ledger is sealed at a smaller size than was seen here before, or than is pinned."
        "Do not use it; compare with another clone and ask the server's owner."
    Fork "fork" Broken
        "The ledger is not an extension of what was sealed when last seen here, or of the pinned seal."
        "Do not use it; keep both signed notes as evidence and ask the ledger's owner."
    LandedTailReplaced "landed-tail-replaced" Broken
        "Unsealed entries that were seen here as landed are gone or replaced."
        "The ref was moved; compare with another clone, and seal what is right."
    MirrorMismatch "mirror-mismatch" Broken
        "The ledger and its mirror in a branch went apart."
        "One of the two was rewound or replaced; compare with another clone, and ask the server's owner."
    MirrorAhead "mirror-ahead" Missing
        "The mirror in a branch has entries that the ledger has not."
        "git docket fetch; if it stays so, the ledger's ref was moved back on the server."
    MirrorUnseen "mirror-unseen" Missing
        "A mirror is configured, and no branch of that name was fetched or pushed from here yet."
        "git docket fetch brings it; git docket push makes it, where the remote has none."
    Recovered "recovered" Note
        "The ledger was broken once and recovered: an entry says what was kept and what was left out."
        "Read that entry: `git docket show SEQ`."
    NoMemory "no-memory" Note
        "There was no memory of this ledger: a rollback to before now would not be noticed."
        "Compare the head with somebody else's, or pin a seal in .docket.toml."
    FirstUse "first-use" Note
        "No pin was given: the ledger was trusted as found."
        "Commit .docket.toml, or give --pin."
    // Attestations.
    AttestationGrammar "attestation-grammar" Failed
        "An attestation is no bundle or envelope that we can read."
        "It counts for nothing; record the step again."
    SignatureInvalid "signature-invalid" Failed
        "An attestation's signature does not verify, or cannot be verified here."
        "It counts for nothing; record the step again."
    StatementGrammar "statement-grammar" Failed
        "A signed payload is no in-toto statement."
        "It counts for nothing; record the step again."
    KeyUnknown "key-unknown" Failed
        "An attestation is signed by a key that no roster of the ledger names."
        "Add the key to the roster first, then record the step again."
    KeylessRefused "keyless-refused" Failed
        "An attestation with a certificate does not hold: the detail begins with the reason's code."
        "It counts for nothing; see `git docket help verify-bundle`, and record the step again."
    IdentityUnknown "identity-unknown" Failed
        "An attestation is signed keyless, by an identity that the roster in force at its place gives to nobody, or to two persons."
        "Add the identity to the roster first, then record the step again."
    ForeignSigner "foreign-signer" Note
        "An attestation of another tool's is carried; nobody in the roster is known to have signed it, and it counts for nothing."
        "None is needed; what should count is signed by somebody in the roster."
    KeyOutOfRange "key-out-of-range" Failed
        "An attestation is signed by a key that was not in the roster in force at its place."
        "Record the step again with a key that is."
    KeyRevoked "key-revoked" Missing
        "An attestation stands where its key is suspect, and its step was not attested again since; it does not count."
        "Have it attested again with another key."
    AttestedAgain "attested-again" Note
        "An attestation whose key is suspect does not count; its step was attested again since."
        "None is needed."
    SubjectMismatch "subject-mismatch" Failed
        "A statement is about another commit or tree than its link."
        "It was filed under the wrong commit; record the step for the right one."
    PlacementMissing "placement-missing" Failed
        "A statement does not say to which ledger, step and commit it belongs."
        "It counts for nothing; record the step again."
    PlacementMismatch "placement-mismatch" Failed
        "A statement says that it belongs to another ledger, step or commit than its link."
        "It was taken from elsewhere; record the step for the right commit."
    Replayed "replayed" Failed
        "One statement by one signer stands there again; only the first counts."
        "Nothing is lost; find out who appended it again."
    StepNotAllowed "step-not-allowed" Failed
        "A step was attested by somebody, or with a predicate type, that the policy in force does not allow."
        "Have somebody with the role attest it, or change the policy first."
    GovernanceUnauthorised "governance-unauthorised" Failed
        "A change of roster, policy or ledger key is malformed or not signed as the ledger's state demands; it changes nothing."
        "Have the root keys sign it."
    GovernancePending "governance-pending" Note
        "A change of roster, policy or ledger key waits for more signatures."
        "Have the other root keys sign it: git docket cosign"
    Sha1Only "sha1-only" Note
        "A release rests on SHA-1 alone."
        "Record the release step with this program: it hashes the tree again with SHA-256."
    // What was asked.
    NoEntries "no-entries" Missing
        "The ledger has no entry about what was asked."
        "Record its steps: git docket run --step build -- …"
    StepMissing "step-missing" Missing
        "A step that the policy requires has no valid entry."
        "git docket attest --step … makes one"
    StepFailed "step-failed" Failed
        "A step that the policy requires was recorded as failed, and not as passed since."
        "Mend it and run the step again."
    LayoutMalformed "layout-malformed" Failed
        "The layout given is no signed in-toto layout, or breaks a rule of the format."
        "Have its owner make and sign it again with in-toto."
    LayoutSignature "layout-signature" Failed
        "The layout given is not signed by every key that was given."
        "Give the public keys of its owners, or have them sign it."
    LayoutExpired "layout-expired" Failed
        "The layout given has expired."
        "Have its owner sign a new one."
    LayoutInspection "layout-inspection" Missing
        "The layout has an inspection, which is a command; it was not run, so what it would find is not known."
        "Say the same by rules of a last step, or run `in-toto-verify` where the command may run."
    LayoutLinksMissing "layout-links-missing" Missing
        "A step of the layout has fewer links about the commit, by keys that it names, than its threshold asks for."
        "Have the step's functionaries run it, and import their links."
    LayoutLinksDiffer "layout-links-differ" Failed
        "The links that a step's threshold asks for do not agree on materials and products."
        "Find out which functionary's machine differs, and run the step again."
    LayoutRule "layout-rule" Failed
        "A step's materials or products break an artifact rule of the layout."
        "Find out where the artifact came from or went, and run the step again."
    LayoutCommand "layout-command" Note
        "A link says that another command was run than the layout expects."
        "Change the layout where the command is right; a command's name proves little."
    Unsealed "unsealed" Note
        "Entries lie past the newest seal."
        "git docket seal"
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One thing that was found, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What.
    pub code: Code,
    /// The entry, where it is about one.
    pub seq: Option<u64>,
    /// The commit, where it is about one.
    pub commit: Option<ObjectId>,
    /// What exactly was seen; may quote hostile text, which every output escapes.
    pub detail: String,
}

impl Finding {
    /// About the ledger as a whole.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            seq: None,
            commit: None,
            detail: detail.into(),
        }
    }

    /// About one entry.
    pub fn at(code: Code, seq: u64, commit: ObjectId, detail: impl Into<String>) -> Self {
        Self {
            code,
            seq: Some(seq),
            commit: Some(commit),
            detail: detail.into(),
        }
    }

    /// How much it weighs.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// The whole chain of an error's messages, outermost first.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let message = inner.to_string();
        if !text.ends_with(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        source = inner.source();
    }
    text
}
