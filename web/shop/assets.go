package shop

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed assets
var assetFiles embed.FS

// asset is a file that pages load. Its name has a hash of its content, so that browsers keep it for good.
type asset struct {
	contentType string
	zipped      []byte
	plain       []byte
}

var assetTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// readAssets returns the assets by the name in their address.
func readAssets() (map[string]asset, error) {
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		return nil, fmt.Errorf("read the assets: %w", err)
	}
	assets := map[string]asset{}
	for _, entry := range entries {
		content, err := assetFiles.ReadFile("assets/" + entry.Name())
		if err != nil {
			return nil, fmt.Errorf("read an asset: %w", err)
		}
		extension := path.Ext(entry.Name())
		var zipped bytes.Buffer
		w := gzip.NewWriter(&zipped)
		_, _ = w.Write(content)
		_ = w.Close()
		hash := sha256.Sum256(content)
		name := strings.TrimSuffix(entry.Name(), extension) + "-" + base64.RawURLEncoding.EncodeToString(hash[:6]) + extension
		assets[name] = asset{contentType: assetTypes[extension], zipped: zipped.Bytes(), plain: content}
	}
	return assets, nil
}

// assetURL returns the address of an asset by its file's name.
func assetURL(assets map[string]asset, file string) (string, error) {
	extension := path.Ext(file)
	for name := range assets {
		if strings.HasPrefix(name, strings.TrimSuffix(file, extension)+"-") && strings.HasSuffix(name, extension) {
			return "/assets/" + name, nil
		}
	}
	return "", fmt.Errorf("there is no asset %s", file)
}

// ServeHTTP implements http.Handler.
func (a asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body := a.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = a.zipped
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // fails only if the client has gone
}
