// Command generate makes gqlgen's generated code write plain fields through package plain. It reads the folder of that code, writes
// plain.generated.go, a table of the plain fields of each type, and changes three things in the other files:
//
//   - the function of an object begins with plain.Begin, and resolves only what that leaves;
//   - the function of a list of objects begins with plain.List or plain.Pointers;
//   - other lists are resolved by loader.MarshalElements.
//
// What it does not recognize it leaves as it is. make generate runs it after gqlgen.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: generate FOLDER")
		os.Exit(2)
	}
	if err := generate(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

const tableFile = "plain.generated.go"

func generate(folder string) error {
	paths, err := filepath.Glob(filepath.Join(folder, "*.generated.go"))
	if err != nil {
		return fmt.Errorf("list %s: %w", folder, err)
	}
	var files []*file
	for _, path := range paths {
		if filepath.Base(path) == tableFile {
			continue
		}
		f, err := readFile(path)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	s := newSchema(files)
	if err := os.WriteFile(filepath.Join(folder, tableFile), s.tableSource(), 0o644); err != nil { //nolint:gosec // source code
		return fmt.Errorf("write the table: %w", err)
	}
	for _, f := range files {
		if err := s.rewriteFile(f); err != nil {
			return err
		}
	}
	return nil
}
