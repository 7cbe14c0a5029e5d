-- +goose Up

-- What a clerk's page remembers, by a keyed hash of its token, under a key that ends with it.
CREATE TABLE session (mark BLOB PRIMARY KEY, until INTEGER NOT NULL, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX session_until ON session(until);

-- +goose Down
DROP TABLE session;
