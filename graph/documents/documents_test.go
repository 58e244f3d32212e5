package documents_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/graph/documents"
	"ticketing/internal/testenv"
)

func idOf(document string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(document))) }

func write(t *testing.T, path string, manifest map[string]string) {
	t.Helper()
	content, err := json.Marshal(manifest)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path+".new", content, 0o600))
	require.NoError(t, os.Rename(path+".new", path))
}

func TestAManifestIsReadAgainWhenItChanges(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "documents.json")
	const first, second = `{ me { id } }`, `{ version }`
	write(t, path, map[string]string{idOf(first): first})
	s, err := documents.Open(documents.Config{Path: path, Every: 10 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	found, known := s.Find(idOf(first))
	require.True(t, known)
	require.Equal(t, first, found)

	require.NoError(t, os.WriteFile(path, []byte(`{`), 0o600)) // changes nothing
	write(t, path, map[string]string{idOf(second)[len("sha256:"):]: second})
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		_, known := s.Find(idOf(second))
		return known, "not read again"
	})
	_, known = s.Find(idOf(first))
	require.False(t, known)
	stop()
	require.NoError(t, <-ended)
}

func TestAWrongManifestIsRefused(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"no JSON": `{`, "null": `null`, "a list": `[]`, "the hash of another document": `{"` + idOf("{ a }") + `": "{ b }"}`, "another hash": `{"md5:1": "{ a }"}`,
	} {
		path := filepath.Join(t.TempDir(), "documents.json")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, err := documents.Open(documents.Config{Path: path})
		require.Error(t, err, name)
	}
	_, err := documents.Open(documents.Config{Path: filepath.Join(t.TempDir(), "none")})
	require.Error(t, err)
}
