-- +goose Up

-- Automatic mails of the last hour, by the address's mark, so that two robots come to rest. state: 0 sent, 1 waits, 2 sent after it waited
CREATE TABLE automatic (delivery TEXT PRIMARY KEY, address BYTEA NOT NULL, at BIGINT NOT NULL, state BIGINT NOT NULL);
CREATE INDEX automatic_address ON automatic(address, at);
CREATE INDEX automatic_at ON automatic(at);

-- +goose Down
DROP TABLE automatic;
