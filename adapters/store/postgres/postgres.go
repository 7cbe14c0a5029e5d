// Package postgres holds the tables of the inside for PostgreSQL.
//
// The rule: it differs from its twin for the other engine in column types alone; every statement is in package store.
package postgres

import (
	"embed"
	"io/fs"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations gives the goose files, oldest first.
func Migrations() (fs.FS, error) { return fs.Sub(files, "migrations") }
