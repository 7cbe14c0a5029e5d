-- +goose Up

-- What a company owes; its clerks are woken for it. And what a case declares: the company as a keyed mark, the service
-- and the period in clear. Cases from before declare nothing that is asked for.
ALTER TABLE company ADD COLUMN duties TEXT NOT NULL DEFAULT '';
ALTER TABLE matter ADD COLUMN company BYTEA;
ALTER TABLE matter ADD COLUMN declared TEXT NOT NULL DEFAULT '';
CREATE INDEX matter_company ON matter(company, filed) WHERE company IS NOT NULL;

-- +goose Down
DROP INDEX matter_company;
ALTER TABLE matter DROP COLUMN declared;
ALTER TABLE matter DROP COLUMN company;
ALTER TABLE company DROP COLUMN duties;
