package shop

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"
)

const (
	// publicFor is how long a public page is served as it is. Counts on it are refreshed by its island.
	publicFor = time.Second
	// staleFor is how long a page is served that can't be made anew: an old count is better than no page.
	staleFor = 30 * time.Second
	// keptPages bounds the public pages that are kept: the pages that many look at just now, at about 10 KB each.
	keptPages = 512
)

// pageCache keeps public pages for a moment, so that in the rush of an on-sale each is made once a second and process.
type pageCache struct {
	pages  *lru.Cache[string, *publicPage]
	making singleflight.Group
}

func newPageCache() *pageCache {
	pages, err := lru.New[string, *publicPage](keptPages)
	if err != nil {
		panic("shop: the size of the cache is not positive")
	}
	return &pageCache{pages: pages}
}

// publicPage is a page that is the same for all, or where to find it.
type publicPage struct {
	made     time.Time
	body     []byte
	zipped   []byte
	etag     string
	location string // another address of the page; "" if it is here
}

func newPublicPage(body []byte) *publicPage {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = w.Write(body)
	_ = w.Close()
	hash := sha256.Sum256(body)
	return &publicPage{made: time.Now(), body: body, zipped: zipped.Bytes(), etag: base64.RawURLEncoding.EncodeToString(hash[:12])}
}

// showPublic serves a page that compose makes, at most once in publicFor. If that fails just now, the last one is served for a while.
func (v *visit) showPublic(compose func(v *visit) (*publicPage, error)) {
	key := v.lang.Code + " " + v.r.URL.Path + "?" + v.r.URL.RawQuery
	kept, ok := v.cache.pages.Get(key)
	if !ok || time.Since(kept.made) >= publicFor {
		made, err := v.makePublic(key, compose)
		switch {
		case err == nil:
			kept = made
		case !ok || time.Since(kept.made) >= staleFor || hasCode(err, "NOT_FOUND"):
			v.failWith(err)
			return
		}
	}
	kept.serve(v.w, v.r)
}

// makePublic makes a page once for all who ask for it at the same time. One visitor's trouble (they leave, or are over a limit) must not become
// that of the others: who waited in vain makes it with a request of their own.
func (v *visit) makePublic(key string, compose func(v *visit) (*publicPage, error)) (*publicPage, error) {
	mine := false
	made, err, _ := v.cache.making.Do(key, func() (any, error) {
		mine = true
		return compose(v.anonymous())
	})
	if err != nil && !mine {
		made, err = compose(v.anonymous())
	}
	if err != nil {
		return nil, err
	}
	p := made.(*publicPage) //nolint:forcetypeassert // what compose returned
	if mine {
		v.cache.pages.Add(key, p)
	}
	return p, nil
}

func (p *publicPage) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=0, s-maxage=1, stale-while-revalidate=30")
	if p.location != "" {
		http.Redirect(w, r, p.location, http.StatusMovedPermanently) //nolint:gosec // the path of a page of the shop
		return
	}
	body, etag := p.body, `"`+p.etag+`"`
	h.Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		body, etag = p.zipped, `"`+p.etag+`-gzip"`
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) //nolint:gosec // html/template escaped what is in it; it fails only if the client has gone
}
