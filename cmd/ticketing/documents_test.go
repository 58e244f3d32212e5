package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/graph/documents"
)

func writeFile(t *testing.T, name string, content any) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	text, isText := content.(string)
	if !isText {
		encoded, err := json.Marshal(content)
		require.NoError(t, err)
		text = string(encoded)
	}
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestDocumentsAreRegisteredFromWhatCompilersWrite(t *testing.T) {
	t.Parallel()
	const one, two, three = `query One { me { id } }`, `query Two { __typename }`, "query Three { node(id: \"x\") { id } }\n"
	hash := func(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }
	codegen := writeFile(t, "persisted-documents.json", map[string]string{hash(one): one})
	apollo := writeFile(t, "apollo.json", map[string]any{
		"format": "apollo-persisted-query-manifest", "version": 1,
		"operations": []map[string]string{{"id": hash(two), "name": "Two", "type": "query", "body": two}},
	})
	file := writeFile(t, "three.graphql", three)
	manifest := filepath.Join(t.TempDir(), "documents.json")
	register := func(files ...string) (status int, output string) {
		var out bytes.Buffer
		status = runDocuments(append([]string{"register", "-manifest", manifest}, files...), &out)
		return status, out.String()
	}
	status, output := register(codegen, apollo)
	require.Equal(t, statusOK, status)
	require.Contains(t, output, "2 documents, 2 of them new")
	genqlient := writeFile(t, "operations.json", map[string]any{"operations": []map[string]string{{"operationName": "Two", "query": two, "sourceLocation": "x.graphql"}}})
	status, output = register(file, codegen, genqlient)
	require.Equal(t, statusOK, status)
	require.Contains(t, output, "3 documents, 1 of them new")

	for name, wrong := range map[string]string{
		"an unknown field": writeFile(t, "a.graphql", `{ nothing }`), "no GraphQL": writeFile(t, "b.graphql", `{`),
		"another hash": writeFile(t, "c.json", map[string]string{"5d41402abc4b2a76b9719d911017c592": one}), "no JSON": writeFile(t, "d.json", `[`), "no file": manifest + ".none",
	} {
		status, _ = register(codegen, wrong)
		require.Equal(t, statusWrong, status, name)
	}
	require.Equal(t, statusNotVerified, runDocuments([]string{"register"}, &bytes.Buffer{}))

	store, err := documents.Open(documents.Config{Path: manifest})
	require.NoError(t, err)
	for _, text := range []string{one, two, three} {
		found, known := store.Find("sha256:" + hash(text))
		require.True(t, known)
		require.Equal(t, text, found)
		require.True(t, store.Has(text))
	}
	require.False(t, store.Has(`{ nothing }`))
}
