package test

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// lateHooks passes webhooks on, some of them twice, and some late and so behind later ones.
type lateHooks struct {
	url         string
	mu          sync.Mutex
	from        *rand.Rand
	twice, late int
}

func newLateHooks(t *testing.T, apis []string, seed uint64) *lateHooks {
	t.Helper()
	h := &lateHooks{from: rand.New(rand.NewPCG(seed, 1<<32))}
	web := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		copies, delay, to := h.draw(len(apis))
		time.Sleep(delay)
		status := http.StatusBadGateway
		for range copies {
			status = forwardHook(r.Context(), apis[to]+r.URL.Path, body, r.Header)
		}
		rw.WriteHeader(status)
	}))
	t.Cleanup(web.Close)
	h.url = web.URL
	return h
}

func (h *lateHooks) draw(apis int) (copies int, delay time.Duration, to int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	copies, to = 1, h.from.IntN(apis)
	switch h.from.IntN(4) {
	case 0:
		copies = 2
		h.twice++
	case 1:
		delay = drawMillis(h.from, 100, 5_000)
		h.late++
	}
	return copies, delay, to
}

func (h *lateHooks) counts() (twice, late int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.twice, h.late
}

func forwardHook(ctx context.Context, to string, body []byte, header http.Header) int {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(string(body)))
	if err != nil {
		return http.StatusBadGateway
	}
	request.Header = header.Clone()
	response, err := httpClient.Do(request)
	if err != nil {
		return http.StatusBadGateway
	}
	defer response.Body.Close()
	return response.StatusCode
}
