// Package migrations embeds the migrations of the three databases, one folder each: NNNN_name.up.sql and NNNN_name.down.sql. Package
// postgres runs them.
package migrations

import (
	"embed"
	"io/fs"
)

//go:embed all:events all:read all:auth
var files embed.FS

// The migrations of each database.
var (
	Events = subFolder("events") // the log and the tables that commit with it
	Read   = subFolder("read")   // the read tables
	Auth   = subFolder("auth")   // users and roles
)

func subFolder(name string) fs.FS {
	sub, err := fs.Sub(files, name)
	if err != nil {
		panic("open embedded migrations: " + err.Error()) // the name is a constant of this file
	}
	return sub
}
