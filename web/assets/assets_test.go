package assets_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"ticketing/web/assets"
)

const script = "export const answer = 42;"

func builtFiles(t *testing.T, names ...string) fstest.MapFS {
	t.Helper()
	var compressed bytes.Buffer
	w := gzip.NewWriter(&compressed)
	_, err := w.Write([]byte(script))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	built := fstest.MapFS{}
	for _, name := range names {
		built["dist/"+name+".gz"] = &fstest.MapFile{Data: compressed.Bytes()}
	}
	return built
}

func getFile(file http.Handler, acceptEncoding string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept-Encoding", acceptEncoding)
	w := httptest.NewRecorder()
	file.ServeHTTP(w, r)
	return w
}

func TestFilesAreCompressedForClientsThatAcceptGzip(t *testing.T) {
	t.Parallel()
	files, err := assets.Read(builtFiles(t, "assets/page-1a2b.js"), "dist")
	require.NoError(t, err)
	file := files["assets/page-1a2b.js"]
	require.NotNil(t, file)
	for _, accepted := range []string{"gzip", "deflate, gzip;q=1.0, br", "GZIP; q=0.5"} {
		response := getFile(file, accepted)
		require.Equal(t, "gzip", response.Header().Get("Content-Encoding"), accepted)
		require.Equal(t, "Accept-Encoding", response.Header().Get("Vary"))
		require.Positive(t, response.Body.Len())
	}
	for _, refused := range []string{"", "br", "gzip;q=0", "gzip; q=0.0"} {
		response := getFile(file, refused)
		require.Empty(t, response.Header().Get("Content-Encoding"), refused)
		require.Equal(t, script, response.Body.String(), refused)
	}
}

func TestOnlyFilesWithAHashInTheirNameAreCached(t *testing.T) {
	t.Parallel()
	files, err := assets.Read(builtFiles(t, "assets/page-1a2b.js", "index.html"), "dist")
	require.NoError(t, err)
	hashed, page := getFile(files["assets/page-1a2b.js"], "gzip"), getFile(files["index.html"], "gzip")
	require.Equal(t, "public, max-age=31536000, immutable", hashed.Header().Get("Cache-Control"))
	require.Equal(t, "no-store", page.Header().Get("Cache-Control"))
	require.Equal(t, "text/html; charset=utf-8", page.Header().Get("Content-Type"))
}

func TestAFileOfAnUnknownTypeIsAnError(t *testing.T) {
	t.Parallel()
	_, err := assets.Read(builtFiles(t, "assets/page.exe"), "dist")
	require.ErrorContains(t, err, "page.exe.gz has no known content type")
}
