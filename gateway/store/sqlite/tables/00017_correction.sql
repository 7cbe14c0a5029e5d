-- +goose Up

-- Declarations of which rows are open, each under its case's key.
CREATE TABLE correction (matter TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE correction;
