-- +goose Up
-- Lists of open cases pass by those that are decided, which become nearly all; lists of all cases go by records_opened.
DROP INDEX records_department;
DROP INDEX records_assignee;
CREATE INDEX records_department ON records (department, due, id) WHERE state <> 'decided';
CREATE INDEX records_assignee ON records (assignee, due, id) WHERE state <> 'decided';

-- +goose Down
DROP INDEX records_assignee;
DROP INDEX records_department;
CREATE INDEX records_department ON records (department, due, id);
CREATE INDEX records_assignee ON records (assignee, due, id);
