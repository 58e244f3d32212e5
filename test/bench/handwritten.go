package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/internal/money"
	"ticketing/internal/postgres"
	"ticketing/query"
)

// childHandler is the environment variable that makes this program the hand-written server: the address to listen on. It serves queries from a
// database, or a page from a file.
const (
	childHandler     = "TICKETING_BENCH_HANDLER"
	childHandlerURL  = "TICKETING_BENCH_HANDLER_DATABASE"
	childHandlerPage = "TICKETING_BENCH_HANDLER_PAGE"
)

// handwritten is a server for just these two queries without GraphQL: net/http, the same statements over the same rows,
// structs, encoding/json. It has no sessions.
type handwritten struct{ reads *query.Reader }

func runChildHandler(ctx context.Context) error {
	if file := os.Getenv(childHandlerPage); file != "" {
		page, err := os.ReadFile(file) //nolint:gosec // the path is this program's
		if err != nil {
			return fmt.Errorf("read the page: %w", err)
		}
		return serveHandler(ctx, newPageHandler(page))
	}
	pool, err := postgres.NewPool(ctx, os.Getenv(childHandlerURL), postgres.Config{MaxConnections: readConnections})
	if err != nil {
		return err
	}
	defer pool.Close()
	return serveHandler(ctx, newHandwritten(pool))
}

func serveHandler(ctx context.Context, handler http.Handler) error {
	server := http.Server{Addr: os.Getenv(childHandler), Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

func newHandwritten(pool *pgxpool.Pool) http.Handler {
	h := handwritten{query.NewReader(pool)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health/ready", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /events/{id}", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w)(h.readEvent(r.Context(), r.PathValue("id")))
	})
	mux.HandleFunc("GET /customers/{id}/reservations", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w)(h.readReservations(r.Context(), r.PathValue("id")))
	})
	return mux
}

func writeJSON(w http.ResponseWriter) func(value any, err error) {
	return func(value any, err error) {
		body, encoding := json.Marshal(value)
		if err := errors.Join(err, encoding); err != nil {
			slog.Error("a request", "error", err)
			http.Error(w, "it went wrong", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	}
}

type (
	amountAnswer struct {
		Amount       string `json:"amount"`
		CurrencyCode string `json:"currencyCode"`
	}
	sectionAnswer struct {
		Name      string       `json:"name"`
		Price     amountAnswer `json:"price"`
		Capacity  int          `json:"capacity"`
		Available int          `json:"available"`
		Reserved  int          `json:"reserved"`
		Sold      int          `json:"sold"`
	}
	eventAnswer struct {
		ID               string          `json:"id"`
		Version          int64           `json:"version"`
		InventoryVersion int64           `json:"inventoryVersion"`
		Name             string          `json:"name"`
		Venue            string          `json:"venue"`
		StartsAt         time.Time       `json:"startsAt"`
		Status           string          `json:"status"`
		Sections         []sectionAnswer `json:"sections"`
	}
	seatAnswer struct {
		Section string       `json:"section"`
		Label   *string      `json:"label"`
		Price   amountAnswer `json:"price"`
	}
	eventNameAnswer struct {
		ID       string    `json:"id"`
		Name     string    `json:"name"`
		StartsAt time.Time `json:"startsAt"`
	}
	paymentAnswer struct {
		ID       string       `json:"id"`
		Status   string       `json:"status"`
		Amount   amountAnswer `json:"amount"`
		Refunded amountAnswer `json:"refunded"`
	}
	reservationAnswer struct {
		ID        string           `json:"id"`
		Version   int64            `json:"version"`
		Status    string           `json:"status"`
		CreatedAt time.Time        `json:"createdAt"`
		Total     amountAnswer     `json:"total"`
		Seats     []seatAnswer     `json:"seats"`
		Event     *eventNameAnswer `json:"event"`
		Payments  []paymentAnswer  `json:"payments"`
	}
)

func amountOf(m money.Money) amountAnswer { return amountAnswer{m.Decimal(), m.Currency} }

func (h handwritten) readEvent(ctx context.Context, id string) (any, error) {
	events, err := h.reads.Events(ctx, []string{id})
	if err != nil {
		return nil, err
	}
	inventories, err := h.reads.Inventories(ctx, []string{id})
	if err != nil {
		return nil, err
	}
	e, inventory := events[id], inventories[id]
	a := eventAnswer{
		ID: e.ID, Version: e.Version, InventoryVersion: inventory.Version, Name: e.Name, Venue: e.Venue, StartsAt: e.StartsAt, Status: e.Status,
	}
	for _, s := range inventory.Sections {
		a.Sections = append(a.Sections, sectionAnswer{s.Name, amountOf(s.Price), s.Capacity, s.Available, s.Reserved, s.Sold})
	}
	return a, nil
}

func (h handwritten) readReservations(ctx context.Context, customerID string) (any, error) {
	first := pageOf
	pages, err := h.reads.ReservationPagesOf(ctx, query.OfCustomers, []string{customerID}, query.Filter{}, query.PageArgs{First: &first})
	if err != nil {
		return nil, err
	}
	page := pages[customerID]
	ids, eventIDs := make([]string, len(page.Items)), make([]string, 0, len(page.Items))
	for i, item := range page.Items {
		ids[i] = item.ID
		eventIDs = append(eventIDs, item.EventID)
	}
	events, err := h.reads.Events(ctx, eventIDs)
	if err != nil {
		return nil, err
	}
	payments, err := h.reads.PaymentsByReservation(ctx, ids)
	if err != nil {
		return nil, err
	}
	found := make([]reservationAnswer, len(page.Items))
	for i, r := range page.Items {
		a := reservationAnswer{ID: r.ID, Version: r.Version, Status: r.Status, CreatedAt: r.CreatedAt, Total: amountOf(r.Total)}
		for _, s := range r.Seats {
			seat := seatAnswer{Section: s.Section, Price: amountOf(s.Price)}
			if s.Label != "" {
				seat.Label = &s.Label
			}
			a.Seats = append(a.Seats, seat)
		}
		if e, ok := events[r.EventID]; ok {
			a.Event = &eventNameAnswer{e.ID, e.Name, e.StartsAt}
		}
		for _, p := range payments[r.ID] {
			a.Payments = append(a.Payments, paymentAnswer{p.ID, p.Status, amountOf(p.Amount), amountOf(p.Refunded)})
		}
		found[i] = a
	}
	return found, nil
}
