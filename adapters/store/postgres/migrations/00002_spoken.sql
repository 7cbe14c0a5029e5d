-- +goose Up
ALTER TABLE errands ADD COLUMN spoken BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE errands DROP COLUMN spoken;
