-- +goose Up

-- Declarations of which rows are open, each under its case's key.
CREATE TABLE correction (matter TEXT PRIMARY KEY, body BYTEA NOT NULL);

-- +goose Down
DROP TABLE correction;
