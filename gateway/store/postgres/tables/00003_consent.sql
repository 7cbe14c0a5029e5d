-- +goose Up
-- What a line of the ledger is about: list, service, statutory or privacy. granted: 0 withdrawn, 1 granted, 2 asked for
-- and not confirmed yet.
ALTER TABLE consent ADD COLUMN purpose TEXT NOT NULL DEFAULT 'list';

-- +goose Down
ALTER TABLE consent DROP COLUMN purpose;
