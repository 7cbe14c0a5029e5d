-- +goose Up
-- What crossed of the gateway's chain of receipts: the digest of each number as it was told first. alarm: how often another
-- was told for the number, or it came after a higher one.
CREATE TABLE stamps (number BIGINT PRIMARY KEY, digest TEXT NOT NULL, alarm BIGINT NOT NULL, at BIGINT NOT NULL);
CREATE INDEX stamps_alarm ON stamps (number) WHERE alarm > 0;

-- +goose Down
DROP TABLE stamps;
