-- +goose Up

-- What a clerk's page remembers, by a keyed hash of its token, under a key that ends with it.
CREATE TABLE session (mark BYTEA PRIMARY KEY, until BIGINT NOT NULL, body BYTEA NOT NULL);
CREATE INDEX session_until ON session(until);

-- +goose Down
DROP TABLE session;
