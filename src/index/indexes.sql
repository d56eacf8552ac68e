-- After the rows of a first index, which are then sorted once.
CREATE INDEX docket_entry_attestation ON docket_entry (attestation);
CREATE INDEX docket_entry_time ON docket_entry (ledger, time);
CREATE INDEX docket_entry_commit ON docket_entry (git_commit);
CREATE INDEX docket_subject_digest ON docket_subject (digest, ledger, seq);
CREATE INDEX docket_subject_seq ON docket_subject (ledger, seq);
CREATE INDEX docket_name_name ON docket_name (name, field, ledger, seq);
CREATE INDEX docket_name_seq ON docket_name (ledger, seq);
