package graph_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/graph"
	"ticketing/graph/documents"
	"ticketing/internal/auth"
	"ticketing/web/shop"
)

const eventDocument = `query($id: ID!) { event(id: $id) { name } }`

func documentID(text string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(text))) }

// withDocuments registers documents.
func withDocuments(t *testing.T, anonymous, signedIn documents.Mode, texts ...string) option {
	t.Helper()
	manifest := map[string]string{}
	for _, text := range texts {
		manifest[documentID(text)] = text
	}
	content, err := json.Marshal(manifest)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "documents.json")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	store, err := documents.Open(documents.Config{Path: path})
	require.NoError(t, err)
	return func(c *graph.Config) {
		c.Documents = graph.TrustedDocuments{Store: store, Anonymous: anonymous, SignedIn: signedIn}
	}
}

func emptyManifest(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "documents.json")
	require.NoError(t, os.WriteFile(path, []byte("{}"), 0o600))
	return path
}

func (a *api) getDocument(id string, variables vars, header ...string) response {
	a.t.Helper()
	query := url.Values{"documentId": {id}, "variables": {encode(a.t, variables)}}
	r, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, a.url+"?"+query.Encode(), nil)
	require.NoError(a.t, err)
	return a.send(r, header...)
}

func TestRegisteredDocumentsAreExecutedByTheirIDs(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t, withDocuments(t, documents.Require, documents.Allow, eventDocument, status))
	e := a.addEvent(newUser(), "SALES_OPEN")
	me := newUser()
	byID := encode(t, vars{"documentId": documentID(eventDocument), "variables": vars{"id": e.ID}})
	require.Equal(t, "A night", a.post(byID).field(t, "event")["name"])
	require.Equal(t, "A night", a.post(byID, a.as(me)...).field(t, "event")["name"])
	require.Equal(t, "DOCUMENT_REQUIRED", a.do(`{ __typename }`, nil).code())
	require.Empty(t, a.do(`{ __typename }`, nil, a.as(me)...).Errors)
	require.Equal(t, "DOCUMENT_NOT_FOUND", a.post(`{"documentId":"sha256:00"}`).code())
	require.Equal(t, http.StatusBadRequest, a.post(`{"documentId":"sha256:00","query":"{ __typename }"}`).status)
	require.Equal(t, "PERSISTED_QUERY_NOT_SUPPORTED", a.post(`{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"00"}}}`).code())

	r := a.addReservation(e, me)
	w := a.dial().init(a.bearer(me))
	w.send(encode(t, vars{"id": "1", "type": "subscribe", "payload": vars{"documentId": documentID(status), "variables": vars{"id": r.ID}}}))
	require.Equal(t, "SEATS_RESERVED", w.next("1", "reservationStatus")["status"])
	const shared = `subscription($id: ID!) { availability(eventId: $id) { name } }`
	w.send(encode(t, vars{"id": "2", "type": "subscribe", "payload": vars{"query": shared, "variables": vars{"id": e.ID}}}))
	require.Equal(t, "A night", w.next("2", "availability")["name"], "it is executed for several, but was checked for this one")

	strict := newReadAPI(t, withDocuments(t, documents.Off, documents.Require, eventDocument))
	require.Equal(t, "DOCUMENT_NOT_FOUND", strict.post(byID).code())
	require.Equal(t, "DOCUMENT_REQUIRED", strict.do(`{ __typename }`, nil, strict.as(me)...).code())
	require.Empty(t, strict.do(`{ __typename }`, nil, strict.as(newUser(), auth.RoleAdmin)...).Errors, "admins explore")
}

func TestOwnPagesWorkWhereDocumentsAreRequired(t *testing.T) {
	t.Parallel()
	own, err := documents.InPages(append(shop.Sources(), auth.PageSources())...)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(own), 6+4+2, "pages of the shop, its scripts, the sign-in pages")
	require.Contains(t, strings.Join(own, ""), "seatMap { version")
	a := newReadAPI(t, withDocuments(t, documents.Require, documents.Require), func(c *graph.Config) {
		store, err := documents.Open(documents.Config{Path: emptyManifest(t), Own: own})
		require.NoError(t, err)
		c.Documents.Store = store
	})
	me := newUser()
	for _, text := range own {
		require.NoError(t, graph.CheckDocument(text))
		require.NotEqual(t, "DOCUMENT_REQUIRED", a.do(text, nil).code(), text)
		require.NotEqual(t, "DOCUMENT_REQUIRED", a.do(text, nil, a.as(me)...).code(), text)
		require.Equal(t, "DOCUMENT_REQUIRED", a.do(text+" ", nil).code())
	}
}

func TestOnlyWhatAllMaySeeIsCached(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t, withDocuments(t, documents.Allow, documents.Allow, eventDocument))
	e := a.addEvent(newUser(), "SALES_OPEN")
	public := a.getDocument(documentID(eventDocument), vars{"id": e.ID})
	require.Equal(t, "A night", public.field(t, "event")["name"])
	require.Regexp(t, `^public, .*s-maxage=`, public.header.Get("Cache-Control"))
	require.Contains(t, public.header.Values("Vary"), "Accept, Authorization, Cookie, Order-Link, Consistency-Token, X-GraphQL-Cost")
	require.Empty(t, public.header.Get("RateLimit"))
	again := a.getDocument(documentID(eventDocument), vars{"id": e.ID}, "If-None-Match", `"x", `+public.header.Get("ETag"))
	require.Equal(t, http.StatusNotModified, again.status)
	require.Empty(t, again.body)

	a.exec(`UPDATE events SET name = 'Another', version = version + 1 WHERE id = $1`, e.ID)
	changed := a.getDocument(documentID(eventDocument), vars{"id": e.ID}, "If-None-Match", public.header.Get("ETag"))
	require.Equal(t, "Another", changed.field(t, "event")["name"])

	for name, got := range map[string]response{
		"of a user":    a.getDocument(documentID(eventDocument), vars{"id": e.ID}, a.as(newUser())...),
		"with a link":  a.getDocument(documentID(eventDocument), vars{"id": e.ID}, "Order-Link", "x"),
		"with a token": a.getDocument(documentID(eventDocument), vars{"id": e.ID}, "Consistency-Token", "x.1"),
		"an error":     a.getDocument(documentID(eventDocument), vars{"id": "x"}),
		"no document":  a.do(eventDocument, vars{"id": e.ID}),
	} {
		require.Equal(t, "no-store", got.header.Get("Cache-Control"), name)
		require.Empty(t, got.header.Get("ETag"), name)
	}
}
