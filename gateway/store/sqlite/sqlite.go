// Package sqlite holds the tables of the gateway's store for SQLite, as numbered migrations.
//
// The rule: a file that was released is never changed; a change is the next file, in both engines. Here every table is STRICT, so that a wrong type is an error on both engines.
package sqlite

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
