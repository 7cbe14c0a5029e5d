-- +goose Up
-- Companies that declare; what is sealed holds their clerks. An address is found by its keyed mark.
CREATE TABLE companies (
  number TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  version BIGINT NOT NULL,
  sealed BYTEA NOT NULL
);
CREATE INDEX companies_name ON companies (name, number);
CREATE TABLE clerks (mark BYTEA NOT NULL, number TEXT NOT NULL, PRIMARY KEY (mark, number));
CREATE INDEX clerks_number ON clerks (number);
CREATE TABLE enrolments (id TEXT PRIMARY KEY, state TEXT NOT NULL, at BIGINT NOT NULL, sealed BYTEA NOT NULL);
CREATE INDEX enrolments_open ON enrolments (at, id) WHERE state = 'proposed';

-- +goose Down
DROP TABLE enrolments;
DROP TABLE clerks;
DROP TABLE companies;
