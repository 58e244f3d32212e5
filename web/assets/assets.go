// Package assets serves front ends that Vite built and the binary embeds: each file compressed, as browsers ask for it, and those with a
// hash in their name cached for good.
package assets

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// Read returns a handler for each file in the folder, by its path there without ".gz". Every file must be compressed with gzip.
func Read(built fs.FS, folder string) (map[string]http.Handler, error) {
	dist, err := fs.Sub(built, folder)
	if err != nil {
		return nil, fmt.Errorf("open the built files: %w", err)
	}
	files := map[string]http.Handler{}
	err = fs.WalkDir(dist, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		file, err := readFile(dist, name)
		files[strings.TrimSuffix(name, ".gz")] = file
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the built files: %w", err)
	}
	return files, nil
}

func readFile(dist fs.FS, name string) (file, error) {
	compressed, err := fs.ReadFile(dist, name)
	if err != nil {
		return file{}, err
	}
	contentType, known := contentTypes[path.Ext(strings.TrimSuffix(name, ".gz"))]
	if !known {
		return file{}, fmt.Errorf("%s has no known content type", name)
	}
	return file{compressed: compressed, contentType: contentType, hashed: strings.HasPrefix(name, "assets/")}, nil
}

var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".md": "text/plain; charset=utf-8", ".svg": "image/svg+xml", ".ttf": "font/ttf",
}

type file struct {
	compressed  []byte
	contentType string
	hashed      bool // the name contains a hash of the content, so the content never changes
}

// ServeHTTP implements http.Handler.
func (f file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Vary", "Accept-Encoding")
	if f.hashed {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-store")
	}
	if acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Length", strconv.Itoa(len(f.compressed)))
		_, _ = w.Write(f.compressed) // fails only if the client has gone
		return
	}
	if plain, err := gzip.NewReader(bytes.NewReader(f.compressed)); err == nil {
		_, _ = io.Copy(w, plain) //nolint:gosec // an embedded file, whose size is known
	}
}

// acceptsGzip reports whether the client accepts gzip. All browsers do, and give no weight.
func acceptsGzip(r *http.Request) bool {
	for _, accepted := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		coding, weight, _ := strings.Cut(strings.ReplaceAll(accepted, " ", ""), ";")
		if strings.EqualFold(coding, "gzip") {
			return !strings.HasPrefix(weight, "q=0") || strings.ContainsAny(weight, "123456789")
		}
	}
	return false
}
