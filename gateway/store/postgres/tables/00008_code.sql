-- +goose Up

-- One row for each one-time code of the last day: to whom, asked for by whom. The code itself is nowhere.
CREATE TABLE code (
  number BIGINT PRIMARY KEY, target BYTEA NOT NULL, asker BYTEA NOT NULL, channel TEXT NOT NULL, at BIGINT NOT NULL
);
CREATE INDEX code_target ON code(target, at);
CREATE INDEX code_asker ON code(asker, at);
CREATE INDEX code_at ON code(at);

-- +goose Down
