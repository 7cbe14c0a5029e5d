-- +goose Up
-- What a case says as a company's declaration for a period, and by when an officer looks at the rows that were filed as
-- stated; 0: at none. Cases from before say nothing until they are opened anew.
ALTER TABLE records ADD COLUMN service TEXT NOT NULL DEFAULT '';
ALTER TABLE records ADD COLUMN period TEXT NOT NULL DEFAULT '';
ALTER TABLE records ADD COLUMN filed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE records ADD COLUMN filed_rows BIGINT NOT NULL DEFAULT 0;
ALTER TABLE records ADD COLUMN open_rows BIGINT NOT NULL DEFAULT 0;
ALTER TABLE records ADD COLUMN open_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE records ADD COLUMN review BIGINT NOT NULL DEFAULT 0;
CREATE INDEX records_period ON records (service, period, company) WHERE period <> '';
CREATE INDEX records_review ON records (review, id) WHERE review > 0;

-- +goose Down
DROP INDEX records_review;
DROP INDEX records_period;
ALTER TABLE records DROP COLUMN review;
ALTER TABLE records DROP COLUMN open_until;
ALTER TABLE records DROP COLUMN open_rows;
ALTER TABLE records DROP COLUMN filed_rows;
ALTER TABLE records DROP COLUMN filed;
ALTER TABLE records DROP COLUMN period;
ALTER TABLE records DROP COLUMN service;
