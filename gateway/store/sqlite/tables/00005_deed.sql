-- +goose Up

-- What clerks at a counter did, chained by digests: no line is ever changed or taken out.
CREATE TABLE deed (
  number INTEGER PRIMARY KEY, at INTEGER NOT NULL, clerk TEXT NOT NULL, act TEXT NOT NULL, subject TEXT NOT NULL, chain BLOB NOT NULL
) STRICT;
