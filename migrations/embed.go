// Package migrations embeds the migrations of the three databases, one folder each: NNNN_name.up.sql and NNNN_name.down.sql. Package
// postgres runs them.
package migrations

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
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

// Newest returns the highest number of the migrations of a database.
func Newest(database fs.FS) (newest int64, err error) {
	names, err := fs.Glob(database, "*.up.sql")
	for _, name := range names {
		digits, _, _ := strings.Cut(name, "_")
		number, invalid := strconv.ParseInt(digits, 10, 64)
		err = errors.Join(err, invalid)
		newest = max(newest, number)
	}
	if err != nil {
		return 0, fmt.Errorf("list migrations: %w", err)
	}
	return newest, nil
}
