-- +goose Up
-- The number of the company that a case is from; empty: of none. Cases from before have none until they are opened anew.
ALTER TABLE records ADD COLUMN company TEXT NOT NULL DEFAULT '';
CREATE INDEX records_company ON records (company, opened, id) WHERE company <> '';

-- +goose Down
DROP INDEX records_company;
ALTER TABLE records DROP COLUMN company;
