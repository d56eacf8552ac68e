-- What every index holds, in SQL that SQLite and PostgreSQL both take; {time} is a function of seconds since 1970.
-- Tables are for whoever fills them; what is asked is the views below, and these are documented.

CREATE TABLE docket_ledger (
    ledger BIGINT PRIMARY KEY,
    repository TEXT NOT NULL,
    origin TEXT NOT NULL,
    genesis TEXT NOT NULL,
    tip TEXT NOT NULL,
    size BIGINT NOT NULL,
    root TEXT NOT NULL,
    held TEXT NOT NULL,
    entries BIGINT NOT NULL,
    subjects BIGINT NOT NULL,
    names BIGINT NOT NULL
);

CREATE TABLE docket_entry (
    ledger BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    attestation TEXT NOT NULL,
    time BIGINT NOT NULL,
    step TEXT NOT NULL,
    type TEXT NOT NULL,
    person TEXT NOT NULL,
    kind TEXT,
    signer TEXT NOT NULL,
    result TEXT,
    git_commit TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (ledger, seq)
);

CREATE TABLE docket_subject (
    ledger BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    place BIGINT NOT NULL,
    name TEXT,
    algorithm TEXT NOT NULL,
    digest TEXT NOT NULL
);

CREATE TABLE docket_name (
    ledger BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    field TEXT NOT NULL,
    name TEXT NOT NULL
);

CREATE VIEW ledgers AS
    SELECT ledger, repository, origin, genesis, tip, size, root FROM docket_ledger;

CREATE VIEW entries AS
    SELECT ledger, seq, attestation, {time} AS time, step, type, person, kind, signer, result, git_commit
    FROM docket_entry;

CREATE VIEW subjects AS
    SELECT ledger, seq, place, name, algorithm, digest FROM docket_subject;

CREATE VIEW environments AS
    SELECT ledger, seq, name AS environment FROM docket_name WHERE field = 'environment';

CREATE VIEW services AS
    SELECT ledger, seq, name AS service FROM docket_name WHERE field = 'service';

CREATE VIEW paths AS
    SELECT ledger, seq, name AS path FROM docket_name WHERE field = 'path';
