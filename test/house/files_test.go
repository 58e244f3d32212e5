package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the module's folder, and paths are relative to it.
const root = "../.."

// unfinished lists the folders that do not follow the rules yet. They are not checked.
var unfinished = []string{}

// otherModules are modules of their own within the tree. Only their words are checked.
var otherModules = []string{"test/bench/", "deploy/check/"}

// location is a line of a file.
type location struct {
	path string
	line int
}

// goFile is a parsed Go file of the module, not a generated one.
type goFile struct {
	path   string
	syntax *ast.File
	set    *token.FileSet
}

func (f goFile) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

func (f goFile) line(pos token.Pos) location { return location{f.path, f.set.Position(pos).Line} }

// lines returns how many lines a part of the file has.
func (f goFile) lines(part ast.Node) int {
	return f.set.Position(part.End()).Line - f.set.Position(part.Pos()).Line + 1
}

func (f goFile) functions() (all []*ast.FuncDecl) {
	for _, declaration := range f.syntax.Decls {
		if function, ok := declaration.(*ast.FuncDecl); ok {
			all = append(all, function)
		}
	}
	return all
}

// document is text that people read: a page of the documentation, a GraphQL schema with its descriptions, a script, SQL, a template, a
// configuration.
type document struct {
	line location
	text string
}

// paths lists the module's files, without hidden folders (except .github), unfinished folders and Node.js packages.
var paths = sync.OnceValues(func() (found []string, err error) {
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		if !entry.IsDir() {
			found = append(found, filepath.ToSlash(name))
			return nil
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && path != root && name != ".github"
		if hidden || entry.Name() == "node_modules" || slices.Contains(unfinished, name) {
			return fs.SkipDir
		}
		return nil
	})
	return found, err
})

func pathsWith(t *testing.T, extensions ...string) []string {
	t.Helper()
	all, err := paths()
	require.NoError(t, err)
	return slices.DeleteFunc(slices.Clone(all), func(path string) bool {
		return !slices.Contains(extensions, filepath.Ext(path))
	})
}

func pathsBelow(t *testing.T, folder string) []string {
	t.Helper()
	all, err := paths()
	require.NoError(t, err)
	return slices.DeleteFunc(slices.Clone(all), func(path string) bool { return !strings.HasPrefix(path, folder) })
}

// goFiles returns the files of this module.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	return slices.DeleteFunc(allGoFiles(t), func(f goFile) bool {
		return slices.ContainsFunc(otherModules, func(folder string) bool { return strings.HasPrefix(f.path, folder) })
	})
}

// allGoFiles returns the files of this and the other modules.
func allGoFiles(t *testing.T) (files []goFile) {
	t.Helper()
	for _, path := range pathsWith(t, ".go") {
		set := token.NewFileSet()
		syntax, err := parser.ParseFile(set, filepath.Join(root, path), nil, parser.ParseComments|parser.SkipObjectResolution)
		require.NoError(t, err)
		if !ast.IsGenerated(syntax) {
			files = append(files, goFile{path, syntax, set})
		}
	}
	return files
}

// documents returns the documentation, except the glossary: it names the words that are not used.
func documents(t *testing.T) (all []document) {
	t.Helper()
	texts := pathsWith(t, ".md", ".graphqls", ".yml", ".yaml", ".mjs", ".sql", ".lua", ".html", ".txt")
	for _, path := range slices.Concat(texts, pathsBelow(t, "scripts/"), []string{"Makefile"}) {
		if path == "docs/glossary.md" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, path))
		require.NoError(t, err)
		all = append(all, document{location{path, 1}, string(text)})
	}
	return all
}
