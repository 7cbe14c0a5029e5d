-- +goose Up

-- The companies that the inside published, and their clerks. Names and addresses are sealed; a clerk is found by the
-- keyed mark of the address.
CREATE TABLE company (number TEXT PRIMARY KEY, name BYTEA NOT NULL);
CREATE TABLE clerk (company TEXT NOT NULL, id TEXT NOT NULL, mark BYTEA NOT NULL, admin BIGINT NOT NULL, address BYTEA NOT NULL, PRIMARY KEY (company, id));
CREATE INDEX clerk_mark ON clerk(mark);

-- +goose Down
DROP TABLE clerk;
DROP TABLE company;
