package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/command/engine"
	"ticketing/command/eventstore"
)

// Example decides one command. It needs a migrated events database, so that it is only compiled.
func Example() { //nolint:testableexamples // see above
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

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	registry := eventstore.NewRegistry()
	eventstore.Register[ticketSold](registry, "TicketSold", 1)
	e := engine.New(engine.Config{Pool: pool, Registry: registry, Aggregates: []engine.AnyAggregate{sales}})
	go func() { _ = e.Run(ctx) }()

	result, err := e.Execute(ctx, engine.Request{
		Metadata: eventstore.Metadata{CorrelationID: "request-1", Actor: "usr_1"},
		Streams:  []string{sales.Stream("summer")},
		Key:      &engine.Key{Actor: "usr_1", Key: "sell:1", Hash: []byte("20")},
		Decide: func(tx *engine.Tx) (engine.Decided, error) {
			s, err := sales.Decide(tx, "summer", 20) // staged: committed only if this function returns no error
			return engine.Decided{Ref: "summer", Value: s}, err
		},
	})
	fmt.Println(result.Value, err)
}
