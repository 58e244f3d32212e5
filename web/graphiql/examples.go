package graphiql

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// examples holds operations to start from, in the order of their file names, NUMBER-name.graphql. A file begins with two comments, the
// title and a description; the operation's variables are in NUMBER-name.json.
//
//go:embed examples
var examples embed.FS

type example struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	Query       string `json:"query"`
	Variables   string `json:"variables"`
}

// readExamples returns the handler of GET /graphiql/examples.json.
func readExamples() (http.Handler, error) {
	all, err := parseExamples()
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("encode the examples: %w", err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(body) // fails only if the client has gone
	}), nil
}

func parseExamples() ([]example, error) {
	names, err := fs.Glob(examples, "examples/*.graphql")
	if err != nil {
		return nil, fmt.Errorf("list the examples: %w", err)
	}
	all := make([]example, 0, len(names))
	for _, name := range names {
		parsed, err := parseExample(name)
		if err != nil {
			return nil, err
		}
		all = append(all, parsed)
	}
	return all, nil
}

func parseExample(name string) (example, error) {
	text, err := examples.ReadFile(name)
	if err != nil {
		return example{}, fmt.Errorf("read an example: %w", err)
	}
	variables, err := examples.ReadFile(strings.TrimSuffix(name, path.Ext(name)) + ".json")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return example{}, fmt.Errorf("read an example's variables: %w", err)
	}
	title, rest, _ := strings.Cut(string(text), "\n")
	description, _, _ := strings.Cut(rest, "\n")
	return example{
		Title: strings.TrimPrefix(title, "# "), Description: strings.TrimPrefix(description, "# "),
		Query: strings.TrimSpace(string(text)), Variables: strings.TrimSpace(string(variables)),
	}, nil
}
