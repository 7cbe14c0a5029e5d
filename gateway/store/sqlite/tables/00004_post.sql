-- +goose Up

-- Letters for people who can be reached on no channel, until staff send them: done is when.
CREATE TABLE post (
  id TEXT PRIMARY KEY, contact TEXT NOT NULL, matter TEXT NOT NULL, at INTEGER NOT NULL, done INTEGER NOT NULL, clerk TEXT NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE INDEX post_open ON post(at, id) WHERE done = 0;
CREATE INDEX post_contact ON post(contact);
