-- +goose Up
-- What is left of addresses whose owner was forgotten: a keyed mark, and what was said of STOP there.
CREATE TABLE suppressed (address BLOB PRIMARY KEY, stopped INTEGER NOT NULL, blocked INTEGER NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
-- Ids of contacts that were taken over: the inside knows cases of theirs by them.
CREATE TABLE former (id TEXT PRIMARY KEY, contact TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX former_contact ON former(contact);
-- Last words to people who were forgotten. gone: when the key that seals it is to end; 0 while it is owed.
CREATE TABLE farewell (id TEXT PRIMARY KEY, gone INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX farewell_gone ON farewell(gone) WHERE gone > 0;
INSERT INTO counter(name, value) VALUES ('forgotten', 0), ('orphan', 0);

-- +goose Down
DELETE FROM counter WHERE name IN ('forgotten', 'orphan');
DROP TABLE farewell;
DROP TABLE former;
DROP TABLE suppressed;
