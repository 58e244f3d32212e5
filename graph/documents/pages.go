package documents

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
)

// inScript matches an operation with a name in a string of a script.
var inScript = regexp.MustCompile("[`'\"]((?:query|mutation|subscription) [A-Z]\\w*[^`'\"]*\\})[`'\"]")

// InPages returns the documents that pages send: their files with the ending .graphql, and the strings of their scripts.
func InPages(trees ...fs.FS) (found []string, err error) {
	for _, tree := range trees {
		err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			inFile, err := readPage(tree, name)
			found = append(found, inFile...)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("find the documents of pages: %w", err)
		}
	}
	return found, nil
}

func readPage(tree fs.FS, name string) (found []string, err error) {
	extension := path.Ext(name)
	if extension != ".graphql" && extension != ".js" {
		return nil, nil
	}
	text, err := fs.ReadFile(tree, name)
	if err != nil {
		return nil, err
	}
	if extension == ".graphql" {
		return []string{string(text)}, nil
	}
	for _, match := range inScript.FindAllStringSubmatch(string(text), -1) {
		found = append(found, match[1])
	}
	return found, nil
}
