package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/id"
	"ticketing/internal/ticketcode"
)

func TestTicketsAreVerifiedWithPublishedKeys(t *testing.T) {
	t.Parallel()
	keys, err := ticketcode.ParseKeys([]string{ticketcode.NewKey(7)})
	require.NoError(t, err)
	ticketID := id.Ticket(id.New(id.Reservation), 0)
	code, err := keys.SignFirst(ticketID, id.New(id.Event))
	require.NoError(t, err)
	published, err := json.Marshal(keys.Public())
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "keys.json")
	require.NoError(t, os.WriteFile(file, published, 0o600))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(published) }))
	defer server.Close()

	for _, from := range []string{file, server.URL} {
		var out bytes.Buffer
		require.Equal(t, 0, runTickets(t.Context(), []string{"verify", "-keys", from, code}, &out))
		require.Contains(t, out.String(), ticketID)
		require.Equal(t, 1, runTickets(t.Context(), []string{"verify", "-keys", from, "X" + code[1:]}, &out), "not a ticket")
	}
	require.Equal(t, 2, runTickets(t.Context(), []string{"verify", "-keys", file + ".none", code}, &bytes.Buffer{}))
	require.Equal(t, 2, runTickets(t.Context(), []string{"verify"}, &bytes.Buffer{}))
	require.Equal(t, 2, runTickets(t.Context(), nil, &bytes.Buffer{}))
}
