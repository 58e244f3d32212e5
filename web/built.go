package web

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// dist holds what Vite built, each file compressed: that is how browsers get them.
//
//go:embed dist
var dist embed.FS

// readBuilt answers the built files by their paths, without .gz.
func readBuilt() (map[string]http.Handler, error) {
	files := map[string]http.Handler{}
	err := fs.WalkDir(dist, "dist", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		compressed, err := dist.ReadFile(name)
		if err != nil {
			return err
		}
		name = strings.TrimSuffix(strings.TrimPrefix(name, "dist/"), ".gz")
		contentType, known := contentTypes[path.Ext(name)]
		if !known {
			return fmt.Errorf("%s has no known content type", name)
		}
		files[name] = builtFile{compressed: compressed, contentType: contentType, hashed: strings.HasPrefix(name, "assets/")}
		return nil
	})
	if err == nil && files["index.html"] == nil {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, fmt.Errorf("read the built GraphiQL: %w", err)
	}
	return files, nil
}

var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".md": "text/plain; charset=utf-8", ".svg": "image/svg+xml", ".ttf": "font/ttf",
}

type builtFile struct {
	compressed  []byte
	contentType string
	hashed      bool // its name says what is in it, so that it never changes
}

// ServeHTTP implements http.Handler.
func (f builtFile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
		_, _ = w.Write(f.compressed) // a client that went away is no error of ours
		return
	}
	if plain, err := gzip.NewReader(bytes.NewReader(f.compressed)); err == nil {
		_, _ = io.Copy(w, plain) //nolint:gosec // our own file, whose size is known
	}
}

// acceptsGzip says whether a client takes gzip: all browsers do, and say so without a weight.
func acceptsGzip(r *http.Request) bool {
	for _, wish := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		coding, weight, _ := strings.Cut(strings.ReplaceAll(wish, " ", ""), ";")
		if strings.EqualFold(coding, "gzip") {
			return !strings.HasPrefix(weight, "q=0") || strings.ContainsAny(weight, "123456789")
		}
	}
	return false
}
