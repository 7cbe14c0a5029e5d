-- +goose Up

-- 1: the address may be somebody else's by now and needs a fresh proof before anything private is shown there.
ALTER TABLE reach ADD COLUMN unsure BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE reach DROP COLUMN unsure;
