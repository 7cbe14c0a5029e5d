-- +goose Up
CREATE TABLE item (id TEXT PRIMARY KEY, body BYTEA NOT NULL CHECK (length(body) < 1000), n BIGINT NOT NULL);
