-- +goose Up

-- Whose a case is among the persons whom a helper serves from one address, by the id that the inside knows; empty: it is
-- the contact's own.
ALTER TABLE matter ADD COLUMN person TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE matter DROP COLUMN person;
