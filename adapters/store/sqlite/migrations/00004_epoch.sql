-- +goose Up
CREATE INDEX incoming_parcel ON incoming (parcel);

-- +goose Down
DROP INDEX incoming_parcel;
