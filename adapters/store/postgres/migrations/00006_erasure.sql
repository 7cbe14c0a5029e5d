-- +goose Up
-- A row a connector. state: due, done, kept, byhand.
CREATE TABLE erasures (
  id TEXT NOT NULL,
  connector TEXT NOT NULL,
  party TEXT NOT NULL,
  state TEXT NOT NULL,
  again BIGINT NOT NULL,
  at BIGINT NOT NULL,
  content TEXT NOT NULL,
  PRIMARY KEY (id, connector)
);
CREATE INDEX erasures_due ON erasures (again) WHERE state = 'due';
CREATE INDEX erasures_at ON erasures (at);

-- +goose Down
DROP TABLE erasures;
