-- +goose Up

-- What clerks at a counter did, chained by digests: no line is ever changed or taken out.
CREATE TABLE deed (
  number BIGINT PRIMARY KEY, at BIGINT NOT NULL, clerk TEXT NOT NULL, act TEXT NOT NULL, subject TEXT NOT NULL, chain BYTEA NOT NULL
);
