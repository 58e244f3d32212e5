// Package documents knows the operations that clients may send by their ids: trusted documents, which the operator mounts as a manifest.
package documents

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// Mode says what a group of clients may execute.
type Mode string

// The modes.
const (
	Off     Mode = "off"     // only text
	Allow   Mode = "allow"   // text and ids
	Require Mode = "require" // ids, and the text of what has one
)

// IsValid reports whether m is one of the modes.
func (m Mode) IsValid() bool { return m == Off || m == Allow || m == Require }

const (
	idPrefix = "sha256:"
	// longestManifest bounds what is read into memory: tens of thousands of documents.
	longestManifest = 16 << 20
	// reloadEvery is how soon a new manifest counts. A mounted ConfigMap takes longer to arrive.
	reloadEvery = 5 * time.Second
)

// Config is what a Store works with.
type Config struct {
	Path   string        // Of the manifest. Required.
	Own    []string      // Documents that are trusted besides. Default: none.
	Every  time.Duration // Between looks at the manifest. Default: 5s.
	Logger *slog.Logger  // Default: slog.Default().
}

// Store knows the documents of a manifest. It is safe for concurrent use.
type Store struct {
	cfg     Config
	known   atomic.Pointer[map[string]string] // by id
	content []byte                            // of the manifest
}

// Open reads the manifest: a JSON object of ids and documents, as GraphQL Code Generator writes it with the hash algorithm sha256. An id is
// "sha256:" and the hash of the document in hexadecimal; the prefix may be missing.
func Open(cfg Config) (*Store, error) {
	cfg.Every = cmp.Or(cfg.Every, reloadEvery)
	cfg.Logger = cmp.Or(cfg.Logger, slog.Default())
	s := &Store{cfg: cfg}
	return s, s.load()
}

// Find returns the document with an id.
func (s *Store) Find(id string) (document string, known bool) {
	document, known = (*s.known.Load())[strings.TrimPrefix(id, idPrefix)]
	return document, known
}

// Has reports whether a document is one of them.
func (s *Store) Has(document string) bool {
	_, known := s.Find(hashOf(document))
	return known
}

// Run reads the manifest again whenever it has changed, until ctx ends. One that is wrong changes nothing.
func (s *Store) Run(ctx context.Context) error {
	tick := time.NewTicker(s.cfg.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := s.load(); err != nil {
				s.cfg.Logger.ErrorContext(ctx, "the trusted documents are as before", "error", err)
			}
		}
	}
}

func (s *Store) load() error {
	content, err := readManifest(s.cfg.Path)
	if err != nil {
		return fmt.Errorf("read the trusted documents: %w", err)
	}
	if s.content != nil && bytes.Equal(content, s.content) {
		return nil
	}
	known, err := parseManifest(content)
	if err != nil {
		return fmt.Errorf("read the trusted documents of %s: %w", s.cfg.Path, err)
	}
	for _, document := range s.cfg.Own {
		known[hashOf(document)] = document
	}
	s.content = content
	s.known.Store(&known)
	s.cfg.Logger.Info("trusted documents are known", "documents", len(known))
	return nil
}

func readManifest(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	content, err := io.ReadAll(io.LimitReader(file, longestManifest+1))
	if err == nil && len(content) > longestManifest {
		err = fmt.Errorf("it is longer than %d MiB", longestManifest>>20)
	}
	return content, err
}

func parseManifest(content []byte) (map[string]string, error) {
	var listed map[string]string
	if err := json.Unmarshal(content, &listed); err != nil {
		return nil, err
	}
	if listed == nil {
		return nil, errors.New("it is not a JSON object")
	}
	return checkManifest(listed)
}

// checkManifest checks that each id is the hash of its document: otherwise a mistake would execute something else than the client was built with.
// It returns the documents by their hashes.
func checkManifest(listed map[string]string) (map[string]string, error) {
	known := make(map[string]string, len(listed))
	for id, document := range listed {
		hash := strings.TrimPrefix(id, idPrefix)
		if hashOf(document) != hash {
			return nil, fmt.Errorf("%.80s is not the SHA-256 of its document", id)
		}
		known[hash] = document
	}
	return known, nil
}

func hashOf(document string) string {
	sum := sha256.Sum256([]byte(document))
	return hex.EncodeToString(sum[:])
}
