-- +goose Up

-- When a case ended, 0 while it is open: from then on its service's retention counts. Of what ended before this column it is
-- put right when it is looked at.
ALTER TABLE matter ADD COLUMN ended INTEGER NOT NULL DEFAULT 0;
UPDATE matter SET ended = filed WHERE state IN ('decided', 'blocked');
CREATE INDEX matter_ended ON matter(ended, id) WHERE ended > 0;
-- The round of deletion: day is when it began, step and after where it stands; whoever has it, has it until then.
CREATE TABLE tending (
  name TEXT PRIMARY KEY, owner TEXT NOT NULL, until INTEGER NOT NULL, day TEXT NOT NULL, step INTEGER NOT NULL, after TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO tending(name, owner, until, day, step, after) VALUES ('retain', '', 0, '', 1000, '');
-- Bare words whose people are not known any more.
INSERT INTO counter(name, value) VALUES ('nod', 0);

-- +goose Down
DELETE FROM counter WHERE name = 'nod';
DROP TABLE tending;
DROP INDEX matter_ended;
ALTER TABLE matter DROP COLUMN ended;
