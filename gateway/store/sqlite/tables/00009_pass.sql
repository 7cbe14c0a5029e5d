-- +goose Up

-- Links that serve once, by a keyed hash: contact is whose, subject the form or the proof that it opens.
CREATE TABLE pass (
  mark BLOB PRIMARY KEY, contact TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, until INTEGER NOT NULL, used INTEGER NOT NULL,
  body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX pass_contact ON pass(contact);
CREATE INDEX pass_until ON pass(until);

-- +goose Down
DROP TABLE pass;
