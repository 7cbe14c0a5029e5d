-- +goose Up
ALTER TABLE held ADD COLUMN author TEXT NOT NULL DEFAULT '';
ALTER TABLE held ADD COLUMN review TEXT NOT NULL DEFAULT '';
ALTER TABLE held ADD COLUMN review_due BIGINT NOT NULL DEFAULT 0;
CREATE INDEX held_review ON held (review_due) WHERE review = 'due';

CREATE TABLE quotas (day TEXT NOT NULL, who TEXT NOT NULL, n BIGINT NOT NULL, PRIMARY KEY (day, who));

CREATE TABLE proof (id BIGINT PRIMARY KEY, sealed BLOB NOT NULL);
CREATE TABLE data_keys (id BIGINT PRIMARY KEY, owner BLOB NOT NULL UNIQUE, wrapped BLOB NOT NULL);
CREATE TABLE copies (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  case_id TEXT NOT NULL,
  policy TEXT NOT NULL,
  author TEXT NOT NULL,
  second TEXT NOT NULL,
  at BIGINT NOT NULL,
  sealed BLOB NOT NULL
);
CREATE INDEX copies_case ON copies (case_id, at);
CREATE TABLE factors (staff TEXT PRIMARY KEY, sealed BLOB NOT NULL, confirmed BIGINT NOT NULL, last BIGINT NOT NULL);

-- +goose Down
DROP TABLE factors;
DROP TABLE copies;
DROP TABLE data_keys;
DROP TABLE proof;
DROP TABLE quotas;
DROP INDEX held_review;
ALTER TABLE held DROP COLUMN review_due;
ALTER TABLE held DROP COLUMN review;
ALTER TABLE held DROP COLUMN author;
