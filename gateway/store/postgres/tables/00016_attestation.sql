-- +goose Up

-- Receipts of declarations. number is the place in the gateway's chain; NULL: signed inside. digest and previous keep the
-- chain when body, sealed as its case is, can be opened no longer.
CREATE TABLE attestation (
  id TEXT PRIMARY KEY, number BIGINT UNIQUE, digest TEXT NOT NULL, previous TEXT NOT NULL, at BIGINT NOT NULL, matter TEXT NOT NULL,
  supersedes TEXT NOT NULL, follows TEXT NOT NULL, body BYTEA
);
CREATE INDEX attestation_matter ON attestation(matter);
CREATE INDEX attestation_supersedes ON attestation(supersedes);
CREATE INDEX attestation_follows ON attestation(follows);
-- The head of the chain, a single row.
CREATE TABLE attested (one BIGINT PRIMARY KEY, number BIGINT NOT NULL, digest TEXT NOT NULL);
INSERT INTO attested(one, number, digest) VALUES (1, 0, '');

-- +goose Down
DROP TABLE attested;
DROP TABLE attestation;
