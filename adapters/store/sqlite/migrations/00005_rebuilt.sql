-- +goose Up
ALTER TABLE incoming ADD COLUMN replaced TEXT NOT NULL DEFAULT '';
CREATE TABLE rebuilt (
  file TEXT PRIMARY KEY,
  was TEXT NOT NULL,
  now TEXT NOT NULL,
  filter TEXT NOT NULL
);

-- +goose Down
DROP TABLE rebuilt;
ALTER TABLE incoming DROP COLUMN replaced;
