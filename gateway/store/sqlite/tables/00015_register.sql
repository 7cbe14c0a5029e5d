-- +goose Up

-- The companies that the inside published, and their clerks. Names and addresses are sealed; a clerk is found by the
-- keyed mark of the address.
CREATE TABLE company (number TEXT PRIMARY KEY, name BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE clerk (company TEXT NOT NULL, id TEXT NOT NULL, mark BLOB NOT NULL, admin INTEGER NOT NULL, address BLOB NOT NULL, PRIMARY KEY (company, id)) STRICT, WITHOUT ROWID;
CREATE INDEX clerk_mark ON clerk(mark);

-- +goose Down
DROP TABLE clerk;
DROP TABLE company;
