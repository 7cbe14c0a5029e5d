// Package postgres holds the tables of the gateway's store for PostgreSQL, as numbered migrations.
//
// The rule: a file that was released is never changed; a change is the next file, in both engines. Here ids and marks compare by bytes, so the database's collation may be any.
package postgres

import (
	"embed"
	"io/fs"
)

//go:embed tables/*.sql
var files embed.FS

// Tables gives the migrations, oldest first, as goose reads them.
func Tables() fs.FS {
	sub, err := fs.Sub(files, "tables")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}
