package engine_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/command/engine"
	"ticketing/command/eventstore"
	"ticketing/internal/testenv"
)

func TestMain(m *testing.M) {
	flag.Parse()
	testenv.SkipExamples()
	os.Exit(m.Run())
}

// One command is decided, and its retry with the same idempotency key returns the first outcome.
func Example() {
	type ticketSold struct{ Price int }
	type sale struct{ Sold, Revenue int }
	sales := engine.Define("sale",
		func(s sale, price int, _ time.Time) ([]ticketSold, error) {
			if s.Sold == 100 {
				return nil, errors.New("sold out")
			}
			return []ticketSold{{Price: price}}, nil
		},
		func(s sale, e ticketSold) sale { return sale{Sold: s.Sold + 1, Revenue: s.Revenue + e.Price} })
	registry := eventstore.NewRegistry()
	eventstore.Register[ticketSold](registry, "TicketSold", 1)

	t, end := testenv.Example() // a migrated events database
	defer end()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	pool, err := pgxpool.New(ctx, testenv.EventsDatabase(t))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	e := engine.New(engine.Config{Pool: pool, Registry: registry, Aggregates: []engine.AnyAggregate{sales}})
	stopped := make(chan error, 1)
	go func() { stopped <- e.Run(ctx) }()

	request := engine.Request{
		Metadata: eventstore.Metadata{CorrelationID: "request-1", Actor: "usr_1"},
		Streams:  []string{sales.Stream("summer")},
		Key:      &engine.Key{Actor: "usr_1", Key: "sell:1", Hash: []byte("20")},
		Decide: func(tx *engine.Tx) (engine.Decided, error) {
			s, err := sales.Decide(tx, "summer", 20) // staged: committed only if this function returns no error
			return engine.Decided{Ref: "summer", Value: s}, err
		},
	}
	for range 2 {
		result, err := e.Execute(ctx, request)
		fmt.Println(result.Ref, result.Value, result.Replayed, err)
	}
	stop()
	fmt.Println(<-stopped)
	// Output:
	// summer {1 20} false <nil>
	// summer <nil> true <nil>
	// <nil>
}
