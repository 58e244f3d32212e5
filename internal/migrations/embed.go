// Package migrations carries the SQL of the three databases inside the binaries: NNNN_name.up.sql and NNNN_name.down.sql, a folder a
// database. Running them is left to internal/postgres.
package migrations

import (
	"embed"
	"io/fs"
)

//go:embed all:events all:read all:auth
var files embed.FS

// What each database is made of.
var (
	Events = folder("events") // the log and what commits with it
	Read   = folder("read")   // what projectors write and queries read
	Auth   = folder("auth")   // users and roles
)

func folder(name string) fs.FS {
	sub, err := fs.Sub(files, name)
	if err != nil {
		panic("migrations: " + err.Error()) // the name is a constant of this file
	}
	return sub
}
