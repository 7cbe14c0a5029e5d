-- +goose Up

-- Links that serve once, by a keyed hash: contact is whose, subject the form or the proof that it opens.
CREATE TABLE pass (
  mark BYTEA PRIMARY KEY, contact TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, until BIGINT NOT NULL, used BIGINT NOT NULL,
  body BYTEA NOT NULL
);
CREATE INDEX pass_contact ON pass(contact);
CREATE INDEX pass_until ON pass(until);

-- +goose Down
DROP TABLE pass;
