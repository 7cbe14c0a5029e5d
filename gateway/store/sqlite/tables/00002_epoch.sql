-- +goose Up
-- In a later epoch of the lane a parcel may come again: it is found by its id.
CREATE INDEX arrival_id ON arrival(id);

-- +goose Down
DROP INDEX arrival_id;
