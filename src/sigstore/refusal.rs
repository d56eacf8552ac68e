//! Why a bundle is refused: every reason has a code and a text of its own.

use crate::finding::chain;

macro_rules! refusals {
    ($($(#[$meta:meta])* $variant:ident $({ $($(#[$of:meta])* $field:ident: $type:ty),+ })? $code:literal $text:literal)+) => {
        /// Why a bundle is refused. The texts take what they quote from the bundle shortened and quoted.
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
        #[non_exhaustive]
        pub enum Refusal {
            $($(#[$meta])* #[error($text)] $variant $({ $($(#[$of])* $field: $type),+ })?,)+
        }

        impl Refusal {
            /// Every code, in the order of the steps.
            pub const CODES: &'static [&'static str] = &[$($code),+];

            /// The stable name.
            pub fn code(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $code,)+ }
            }
        }
    };
}

refusals! {
    /// Longer than a bundle may be.
    TooLarge {
        /// Its length.
        bytes: usize
    } "bundle-too-large" "the bundle has {bytes} bytes, more than 32 MiB"
    /// No strict JSON, or not the shape of a bundle.
    Malformed {
        /// What the reader said.
        reason: String
    } "bundle-malformed" "the bundle cannot be read: {reason}"
    /// `mediaType` is missing.
    VersionMissing "bundle-version-missing" "the bundle has no mediaType, so nobody knows its version"
    /// `mediaType` names no known version.
    VersionUnknown {
        /// What it says.
        found: String
    } "bundle-version-unknown" "the bundle's mediaType {found:?} is none of versions 0.1, 0.2 and 0.3"
    /// A certificate chain in a v0.3 bundle.
    ChainInV03 "bundle-chain" "a bundle of version 0.3 holds one certificate, not a chain"
    /// A bundle that needs them has no certificate at all.
    ChainEmpty "bundle-chain-empty" "the bundle's certificate chain is empty"
    /// More timestamps or log entries than anyone makes.
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize
    } "bundle-too-many" "the bundle has {count} {what}, more than 32"
    /// The same timestamp, or the same log entry, twice.
    Repeated {
        /// Which.
        what: &'static str
    } "bundle-repeated" "the bundle has the same {what} twice"
    /// A public key's bundle, and no key to judge it by.
    NoKeyGiven "no-key-given" "the bundle was signed with a key, and none was given"
    /// A certificate's bundle, and a key to judge it by.
    NotAKeyBundle "not-a-key-bundle" "the bundle holds a certificate, and a key was given to judge it by"
    /// The key's algorithm is not one that is verified.
    KeyUnsupported "key-unsupported" "the signing key is of a kind that is not verified"
    /// The root names logs, and the bundle has no entry.
    LogEntryMissing "log-entry-missing" "the bundle has no log entry, and the trusted root names logs"
    /// The log entry's body cannot be read.
    LogEntryMalformed "log-entry-malformed" "the body of a log entry cannot be read"
    /// The log entry is of a kind that does not go with the bundle's content.
    LogEntryKind {
        /// The kind and version.
        kind: String
    } "log-entry-kind" "a log entry of kind {kind} does not go with what the bundle holds"
    /// The log entry's body is about something else.
    LogEntryMismatch {
        /// What differs.
        what: &'static str
    } "log-entry-mismatch" "a log entry is about another {what} than the bundle's"
    /// The root names no such log.
    LogUnknown "log-unknown" "a log entry is of a log that the trusted root does not name"
    /// The log's key was not in use at that time.
    LogKeyWindow "log-key-window" "the key of a log was not in use when the entry was made"
    /// Nothing shows that the entry is in the log.
    InclusionMissing "inclusion-missing" "a log entry has no inclusion proof, and its bundle's version asks for one"
    /// A version 0.1 bundle without a promise.
    PromiseMissing "promise-missing" "a log entry has no inclusion promise, and bundles of version 0.1 have one"
    /// The inclusion proof does not lead to the root hash.
    InclusionProof "inclusion-proof" "an inclusion proof does not lead from the entry to the log's root hash"
    /// The proof has no checkpoint.
    CheckpointMissing "checkpoint-missing" "an inclusion proof has no checkpoint"
    /// The checkpoint speaks of another tree than the proof.
    CheckpointMismatch "checkpoint-mismatch" "a checkpoint is of another tree than the inclusion proof"
    /// The checkpoint's signature does not hold.
    CheckpointSignature "checkpoint-signature" "no signature of the log holds over a checkpoint"
    /// The promise's signature does not hold.
    Promise "promise-signature" "the log's signature over an inclusion promise does not hold"
    /// The entry's time lies ahead.
    LogTimeAhead {
        /// The time.
        time: String
    } "log-time-ahead" "a log entry says that it was made at {time}, which is yet to come"
    /// The timestamp is of another signature.
    TimestampMismatch "timestamp-mismatch" "a timestamp is of another signature"
    /// Its authority's signature does not hold.
    TimestampSignature "timestamp-signature" "the signature of a timestamp does not hold"
    /// The timestamp cannot be read.
    TimestampMalformed "timestamp-malformed" "a timestamp cannot be read"
    /// The authority was not in use at that time.
    TimestampWindow {
        /// The time.
        time: String
    } "timestamp-window" "a timestamp of {time} is outside the time in which its authority was in use"
    /// The timestamp lies ahead.
    TimestampAhead {
        /// The time.
        time: String
    } "timestamp-ahead" "a timestamp is of {time}, which is yet to come"
    /// No proof of time at all.
    NoVerifiedTime "no-verified-time" "nothing shows when the signature was made: no timestamp of a trusted authority, no signed time of a log"
    /// The certificate cannot be read.
    CertificateMalformed "certificate-malformed" "the certificate cannot be read"
    /// The chain does not lead to the root.
    CertificateChain {
        /// What the path builder said.
        reason: String
    } "certificate-chain" "no chain leads from the certificate to an authority of the trusted root: {reason}"
    /// The authority was not in use at that time.
    AuthorityWindow "authority-window" "no certificate authority of the trusted root was in use when the signature was made"
    /// Signed before the certificate was valid.
    CertificateNotYetValid {
        /// A verified time.
        time: String,
        /// The certificate's beginning.
        from: String
    } "certificate-not-yet-valid" "the signature was made at {time}, before the certificate was valid ({from})"
    /// Signed after the certificate was valid.
    CertificateExpired {
        /// A verified time.
        time: String,
        /// The certificate's end.
        until: String
    } "certificate-expired" "the signature was made at {time}, after the certificate had expired ({until})"
    /// The certificate is not for signing code.
    CertificateUsage "certificate-usage" "the certificate is not for code signing"
    /// There is no certificate timestamp.
    SctMissing "sct-missing" "the certificate has no embedded signed certificate timestamp"
    /// The certificate timestamp cannot be read.
    SctMalformed "sct-malformed" "the certificate's signed certificate timestamps cannot be read"
    /// Of a log that the root does not name, or not at that time.
    SctUnknownLog "sct-unknown-log" "the certificate's timestamp is of a certificate log that the trusted root does not name for that time"
    /// Its signature does not hold.
    SctSignature "sct-signature" "the signature of the certificate's timestamp does not hold"
    /// Another identity.
    IdentityMismatch {
        /// What was expected.
        expected: String,
        /// What the certificate says.
        found: String
    } "identity-mismatch" "the certificate is for {found}, expected was {expected}"
    /// Another issuer.
    IssuerMismatch {
        /// What was expected.
        expected: String,
        /// What the certificate says.
        found: String
    } "issuer-mismatch" "the certificate's identity was vouched for by {found}, expected was {expected}"
    /// The signature does not hold.
    SignatureInvalid "signature-invalid" "the signature does not hold"
    /// A digest by an algorithm that does not go with the key.
    DigestUnsupported "digest-unsupported" "the bundle's digest is by an algorithm that its key does not sign"
    /// The artifact was given by a digest of another algorithm.
    DigestUnknown {
        /// The algorithm that is wanted.
        algorithm: &'static str
    } "digest-unknown" "the artifact's {algorithm} is needed: give the file"
    /// The whole artifact is needed.
    ContentNeeded "content-needed" "the signing key signs content, not a digest: give the file"
    /// The signed digest is another one.
    ArtifactMismatch "artifact-mismatch" "what was signed is not the artifact"
    /// The envelope holds no statement.
    PayloadType {
        /// What it says it holds.
        found: String
    } "payload-type" "the envelope's payload type {found:?} is not that of an in-toto statement"
    /// A digest is signed where a statement is asked for.
    NoStatement "no-statement" "the bundle signs a digest, and a statement is asked for"
    /// The envelope is not the one that was read before.
    EnvelopeMismatch "envelope-mismatch" "the bundle's envelope reads in two ways"
    /// The statement cannot be read.
    StatementMalformed {
        /// What the reader said.
        reason: String
    } "statement-malformed" "the signed statement cannot be read: {reason}"
    /// The artifact is none of its subjects.
    SubjectMismatch "subject-mismatch" "the artifact is none of the statement's subjects"
    /// The time given to judge by is none.
    ClockUnusable "clock-unusable" "the present time is out of range"
}

impl Refusal {
    pub(super) fn malformed(error: &dyn std::error::Error) -> Self {
        Self::Malformed {
            reason: chain(error),
        }
    }
}
