package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"ticketing/graph"
	"ticketing/internal/auth"
	"ticketing/internal/id"
	"ticketing/internal/money"
	"ticketing/internal/ratelimit"
	"ticketing/internal/telemetry"
	"ticketing/internal/testenv"
	"ticketing/query"
)

// api is a server over backends that live in this process; Redis is real where a test needs it.
type api struct {
	t        *testing.T
	url      string
	server   *graph.Server
	stop     context.CancelFunc // ends Run
	reads    *fakeReads
	people   *fakePeople
	history  *fakeLog
	commands *fakeCommands
	limiter  *fakeLimiter
	redis    *redis.Client
	log      *lockedBuffer
	metrics  *prometheus.Registry
}

type option func(*graph.Config)

func inProduction(c *graph.Config) { c.Development = false }

// newAPI answers an API without announcements: nobody listens on its Redis.
func newAPI(t *testing.T, options ...option) *api {
	t.Helper()
	return start(t, redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"}), options)
}

// newLiveAPI answers an API with announcements.
func newLiveAPI(t *testing.T, options ...option) *api {
	t.Helper()
	parsed, err := redis.ParseURL(testenv.Redis(t))
	require.NoError(t, err)
	return start(t, redis.NewClient(parsed), options)
}

func start(t *testing.T, rdb *redis.Client, options []option) *api {
	t.Helper()
	a := &api{
		t: t, redis: rdb, reads: newFakeReads(rdb), people: newFakePeople(), commands: &fakeCommands{}, limiter: &fakeLimiter{},
		history: &fakeLog{}, log: &lockedBuffer{}, metrics: prometheus.NewRegistry(),
	}
	cfg := graph.Config{Development: true, BaseURL: "https://tickets.example.com"}
	for _, o := range options {
		o(&cfg)
	}
	logger, err := telemetry.NewLogger(a.log, "debug", true)
	require.NoError(t, err)
	cfg.Commands, cfg.Reads, cfg.People, cfg.Log, cfg.Limiter, cfg.Connections = a.commands, a.reads, a.people, a.history, a.limiter, a.limiter
	cfg.Projections, cfg.Redis, cfg.Logger, cfg.Registerer = fakeProjections{}, rdb, logger, a.metrics
	a.server, err = graph.New(cfg)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.server.Run(ctx) }()
	web := httptest.NewUnstartedServer(a.server)
	web.Config.ReadTimeout, web.Config.IdleTimeout = time.Second, time.Minute // operations and streams take longer than reading them
	web.Start()
	a.url, a.stop = web.URL, stop
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
		web.Close()
		_ = rdb.Close()
	})
	return a
}

// answer is a GraphQL response.
type answer struct {
	Data   map[string]any `json:"data"`
	Errors []struct {
		Message    string         `json:"message"`
		Path       []any          `json:"path"`
		Extensions map[string]any `json:"extensions"`
	} `json:"errors"`
	status int
	header http.Header
	body   string
}

// code answers the code of the first error.
func (a answer) code() string {
	if len(a.Errors) == 0 {
		return ""
	}
	code, _ := a.Errors[0].Extensions["code"].(string)
	return code
}

// userError answers the code and the field of a payload's first user error.
func (a answer) userError(t *testing.T, mutation string) (code string, field []any) {
	t.Helper()
	payload, ok := a.Data[mutation].(map[string]any)
	require.True(t, ok, "no payload: %s", a.body)
	errs := payload["userErrors"].([]any)
	require.NotEmpty(t, errs, a.body)
	first := errs[0].(map[string]any)
	field, _ = first["field"].([]any)
	return first["code"].(string), field
}

type vars map[string]any

// do posts an operation. header is pairs of names and values.
func (a *api) do(query string, variables vars, header ...string) answer {
	a.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	require.NoError(a.t, err)
	return a.post(string(body), header...)
}

func (a *api) post(body string, header ...string) answer {
	a.t.Helper()
	r, err := http.NewRequest(http.MethodPost, a.url, bytes.NewBufferString(body))
	require.NoError(a.t, err)
	r.Header.Set("Content-Type", "application/json")
	return a.send(r, header...)
}

func (a *api) send(r *http.Request, header ...string) answer {
	a.t.Helper()
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	require.NoError(a.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(a.t, err)
	got := answer{status: response.StatusCode, header: response.Header, body: string(body)}
	_ = json.Unmarshal(body, &got)
	return got
}

// as signs somebody in and answers the header that says so.
func (a *api) as(userID string, roles ...auth.Role) []string {
	return []string{"Authorization", "Bearer " + a.people.signIn(userID, roles...)}
}

func newUser() string { return id.New(id.User) }

// ---- what the API stands on

type fakeReads struct {
	graph.Reads // nil: the rest is tested over real tables

	redis *redis.Client

	mu           sync.Mutex
	events       map[string]query.Event
	inventories  map[string]query.Inventory
	reservations map[string]query.Reservation
	payments     map[string]query.Payment
	calls        map[string]int
	err          error
}

func newFakeReads(rdb *redis.Client) *fakeReads {
	return &fakeReads{
		redis: rdb, events: map[string]query.Event{}, inventories: map[string]query.Inventory{},
		reservations: map[string]query.Reservation{}, payments: map[string]query.Payment{}, calls: map[string]int{},
	}
}

func pick[T any](f *fakeReads, name string, from map[string]T, ids []string) (map[string]T, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[name]++
	found := map[string]T{}
	for _, one := range ids {
		if v, ok := from[one]; ok {
			found[one] = v
		}
	}
	return found, f.err
}

func (f *fakeReads) called(name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[name]
}

func (f *fakeReads) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fakeReads) Events(_ context.Context, ids []string) (map[string]query.Event, error) {
	return pick(f, "Events", f.events, ids)
}

func (f *fakeReads) Inventories(_ context.Context, ids []string) (map[string]query.Inventory, error) {
	return pick(f, "Inventories", f.inventories, ids)
}

func (f *fakeReads) Reservations(_ context.Context, ids []string) (map[string]query.Reservation, error) {
	return pick(f, "Reservations", f.reservations, ids)
}

func (f *fakeReads) Payments(_ context.Context, ids []string) (map[string]query.Payment, error) {
	return pick(f, "Payments", f.payments, ids)
}

func (f *fakeReads) PaymentsByReservation(_ context.Context, ids []string) (map[string][]query.Payment, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls["PaymentsByReservation"]++
	found := map[string][]query.Payment{}
	for _, p := range f.payments {
		for _, one := range ids {
			if p.ReservationID == one {
				found[one] = append(found[one], p)
			}
		}
	}
	return found, f.err
}

func (f *fakeReads) PaymentsByRefund(_ context.Context, ids []string) (map[string]query.Payment, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := map[string]query.Payment{}
	for _, p := range f.payments {
		for _, refund := range p.Refunds {
			if slices.Contains(ids, refund.ID) {
				found[refund.ID] = p
			}
		}
	}
	return found, f.err
}

func (f *fakeReads) EventPage(_ context.Context, filter query.EventFilter, args query.PageArgs) (query.Page[query.Event], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if args.First != nil && args.Last != nil {
		return query.Page[query.Event]{}, &query.CursorError{Message: "first and last can't be used together"}
	}
	var page query.Page[query.Event]
	for _, e := range f.events {
		if e.Status != "DRAFT" || filter.All || filter.Viewer == e.OrganizerID {
			page.Items, page.Cursors = append(page.Items, e), append(page.Cursors, "c-"+e.ID)
		}
	}
	return page, f.err
}

func (f *fakeReads) SeatPage(context.Context, string, string, query.PageArgs) (query.Page[query.Seat], error) {
	return query.Page[query.Seat]{Items: []query.Seat{{Label: "A-1", Status: "AVAILABLE"}}, Cursors: []string{"c"}}, nil
}

func (f *fakeReads) ReservationPage(_ context.Context, filter query.Filter, _ query.PageArgs) (query.Page[query.Reservation], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var page query.Page[query.Reservation]
	for _, r := range f.reservations {
		if matches(filter, r.EventID, r.CustomerID, r.Status) {
			page.Items, page.Cursors = append(page.Items, r), append(page.Cursors, "c-"+r.ID)
		}
	}
	return page, f.err
}

func (f *fakeReads) ReservationPagesOf(ctx context.Context, by query.Owner, ids []string, filter query.Filter, args query.PageArgs) (map[string]query.Page[query.Reservation], error) {
	return pagesOf(by, ids, filter, func(one query.Filter) (query.Page[query.Reservation], error) {
		return f.ReservationPage(ctx, one, args)
	})
}

func (f *fakeReads) PaymentPage(_ context.Context, filter query.PaymentFilter, _ query.PageArgs) (query.Page[query.Payment], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var page query.Page[query.Payment]
	for _, p := range f.payments {
		if matches(filter.Filter, p.EventID, p.CustomerID, p.Status) {
			page.Items, page.Cursors = append(page.Items, p), append(page.Cursors, "c-"+p.ID)
		}
	}
	return page, f.err
}

func (f *fakeReads) PaymentPagesOf(ctx context.Context, by query.Owner, ids []string, filter query.PaymentFilter, args query.PageArgs) (map[string]query.Page[query.Payment], error) {
	return pagesOf(by, ids, filter.Filter, func(one query.Filter) (query.Page[query.Payment], error) {
		return f.PaymentPage(ctx, query.PaymentFilter{Filter: one}, args)
	})
}

func pagesOf[T any](by query.Owner, ids []string, filter query.Filter, read func(query.Filter) (query.Page[T], error)) (map[string]query.Page[T], error) {
	pages := map[string]query.Page[T]{}
	for _, owner := range ids {
		one := filter
		if one.CustomerID = &owner; by == query.OfEvents {
			one.CustomerID, one.EventID = filter.CustomerID, &owner
		}
		page, err := read(one)
		if err != nil {
			return nil, err
		}
		pages[owner] = page
	}
	return pages, nil
}

func matches(f query.Filter, eventID, customerID, status string) bool {
	is := func(wanted *string, value string) bool { return wanted == nil || *wanted == value }
	return is(f.EventID, eventID) && is(f.CustomerID, customerID) && is(f.Status, status)
}

// addEvent puts an event on the read side.
func (f *fakeReads) addEvent(organizer, status string) query.Event {
	e := query.Event{
		ID: id.New(id.Event), Version: 1, OrganizerID: organizer, Name: "A night", Venue: "A hall", Status: status,
		StartsAt: time.Date(2026, 12, 31, 20, 0, 0, 0, time.UTC), MaxTicketsPerReservation: 8,
	}
	f.set(func() { f.events[e.ID] = e })
	return e
}

// addReservation puts a reservation on the read side.
func (f *fakeReads) addReservation(e query.Event, customer string) query.Reservation {
	r := query.Reservation{
		ID: id.New(id.Reservation), Version: 1, EventID: e.ID, CustomerID: customer, Status: "SEATS_RESERVED",
		Seats: []query.ReservedSeat{{Section: "Floor", Price: money.Money{Minor: 15000, Currency: "EUR"}}},
		Total: money.Money{Minor: 15000, Currency: "EUR"},
	}
	f.set(func() { f.reservations[r.ID] = r })
	return r
}

// addPayment puts a payment on the read side.
func (f *fakeReads) addPayment(r query.Reservation) query.Payment {
	p := query.Payment{
		ID: id.New(id.Payment), Version: 1, ReservationID: r.ID, CustomerID: r.CustomerID, EventID: r.EventID, Amount: r.Total,
		Refunded: money.Money{Currency: "EUR"}, Status: "COMPLETED", Gateway: "sandbox",
		Refunds: []query.Refund{{ID: id.New(id.Refund), Amount: money.Money{Minor: 700, Currency: "EUR"}, Status: "PENDING"}},
	}
	f.set(func() { f.payments[p.ID] = p })
	return p
}

type fakePeople struct {
	mu       sync.Mutex
	users    map[string]auth.User
	sessions map[string]auth.Principal
	ended    map[string]chan struct{} // by session id
	renewed  map[string]bool          // tokens that have a successor
	err      error
}

func newFakePeople() *fakePeople {
	return &fakePeople{users: map[string]auth.User{}, sessions: map[string]auth.Principal{}, ended: map[string]chan struct{}{}}
}

func (f *fakePeople) signIn(userID string, roles ...auth.Role) (token string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	token = id.New("tok")
	roles = append([]auth.Role{auth.RoleCustomer}, roles...)
	f.users[userID] = auth.User{ID: userID, Email: userID + "@example.com", Roles: roles}
	session := id.New(id.Session)
	f.sessions[token] = auth.Principal{UserID: userID, SessionID: session, Roles: roles}
	f.ended[session] = make(chan struct{})
	return token
}

func (f *fakePeople) Authenticate(_ context.Context, token string) (auth.Principal, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, ok := f.sessions[token]
	if f.err != nil {
		return auth.Principal{}, f.err
	}
	if !ok {
		return auth.Principal{}, auth.ErrUnauthenticated
	}
	return p, nil
}

func (f *fakePeople) WatchSession(_ context.Context, p auth.Principal) <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ended[p.SessionID]
}

func (f *fakePeople) SignOut(_ context.Context, token string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p, ok := f.sessions[token]; ok {
		delete(f.sessions, token)
		close(f.ended[p.SessionID])
	}
	return nil
}

func (f *fakePeople) Users(_ context.Context, ids []string) (map[string]auth.User, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := map[string]auth.User{}
	for _, one := range ids {
		if u, ok := f.users[one]; ok {
			found[one] = u
		}
	}
	return found, nil
}

func (f *fakePeople) RequestMagicLink(context.Context, string) (string, error) { return "link", nil }

func (f *fakePeople) VerifyMagicLink(_ context.Context, token, agent string) (auth.Session, auth.User, error) {
	if token != "link" {
		return auth.Session{}, auth.User{}, auth.ErrLinkInvalid
	}
	userID := newUser()
	session := auth.Session{Token: f.signIn(userID), UserID: userID, UserAgent: agent, ExpiresAt: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}
	f.mu.Lock()
	defer f.mu.Unlock()
	return session, f.users[userID], nil
}

type fakeLimiter struct {
	mu     sync.Mutex
	counts map[string]int
	open   map[string]int
	refuse string // the name of a limit that refuses
}

func (f *fakeLimiter) Open(_ context.Context, name, _ string, _ int) (func(), ratelimit.Decision) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if name == f.refuse {
		return func() {}, ratelimit.Decision{RetryAfter: 30 * time.Second}
	}
	if f.open == nil {
		f.open = map[string]int{}
	}
	f.open[name]++
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.open[name]--
	}, ratelimit.Decision{Allowed: true}
}

// opened answers how many connections are counted.
func (f *fakeLimiter) opened() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.open)
}

func (f *fakeLimiter) refuses(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refuse = name
}

func (f *fakeLimiter) Allow(_ context.Context, name, key string, _ ratelimit.Limit, cost int) (ratelimit.Decision, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.counts == nil {
		f.counts = map[string]int{}
	}
	f.counts[name] += cost
	return ratelimit.Decision{Allowed: name != f.refuse, RetryAfter: 1500 * time.Millisecond}, nil
}

func (f *fakeLimiter) count(name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[name]
}

// lockedBuffer is a log that is written and read at the same time.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
