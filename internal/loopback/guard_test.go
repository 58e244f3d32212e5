package loopback_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/loopback"
)

func TestPublicNamesAreRefused(t *testing.T) {
	t.Parallel()
	handler := loopback.Guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), "tickets.example.com")
	for host, want := range map[string]int{
		"127.0.0.1:8080": http.StatusOK, "[::1]:8080": http.StatusOK, "192.168.1.7": http.StatusOK, "localhost:8080": http.StatusOK,
		"shop.localhost": http.StatusOK, "api:8080": http.StatusOK, "Tickets.Example.com": http.StatusOK,
		"evil.example": http.StatusMisdirectedRequest, "127.0.0.1.evil.example:8080": http.StatusMisdirectedRequest,
		"localhost.evil.example": http.StatusMisdirectedRequest, "evil.example.": http.StatusMisdirectedRequest,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, r)
		require.Equal(t, want, recorder.Code, host)
	}
}
