// Demo plays the opening of a sale through the public API and nothing else: an organizer puts an event on sale, and more
// customers come than there are tickets. They reserve, pay, are declined, authenticate, cancel, or walk away; some watch their
// reservation's status live. A panel shows what happens, and at the end everything is read back and has to add up: else the demo
// fails.
//
// It is also an example of a client of the API. Read it in this order:
//
//	main.go        the story
//	client.go      GraphQL over HTTP: errors, and what is tried again
//	operations.go  the documents, and what their answers look like in Go
//	subscribe.go   subscriptions over WebSocket
//	doors.go       signing in
//	plan.go        what customers are going to do
//	story.go       customers doing it
//	sums.go        what must be so afterwards; readback.go reads it
//	board.go       what happened so far; display.go shows it
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// options are what can be chosen on the command line.
type options struct {
	url       string
	admin     string
	customers int
	rush      time.Duration
	seed      uint64
	plain     bool
	doors     time.Duration
	settle    time.Duration
}

func readOptions() options {
	host := cmp.Or(os.Getenv("HOST"), "127.0.0.1")
	if host == "0.0.0.0" || host == "::" { // where to listen is not where to call
		host = "127.0.0.1"
	}
	url := "http://" + net.JoinHostPort(host, cmp.Or(os.Getenv("PORT"), "8080")) + "/graphql"
	admin, _, _ := strings.Cut(cmp.Or(os.Getenv("ADMIN_EMAILS"), "admin@example.com"), ",")
	var o options
	flag.StringVar(&o.url, "url", url, "the API; the default follows HOST and PORT")
	flag.StringVar(&o.admin, "admin", strings.TrimSpace(admin), "who sells; the default is the first of ADMIN_EMAILS")
	flag.IntVar(&o.customers, "customers", 200, "how many customers come; the event has fewer tickets than they want")
	flag.DurationVar(&o.rush, "rush", 8*time.Second, "within which time they come; 0: all at once, and they don't stop to think")
	flag.Uint64Var(&o.seed, "seed", 1, "chooses another crowd")
	flag.BoolVar(&o.plain, "plain", false, "print a line a second instead of a panel")
	flag.DurationVar(&o.doors, "sign-in-wait", 2*time.Minute,
		"how long the limit on signing in is waited for; then the sale goes on without the rest")
	flag.DurationVar(&o.settle, "settle", 10*time.Second, "how long the read side may take to catch up at the end")
	flag.Parse()
	return o
}

// errWrong is that the sums do not add up. Its details have been printed.
var errWrong = errors.New("the sums do not add up")

func main() {
	os.Exit(exitCode())
}

// exitCode lets deferred functions run before the process ends.
func exitCode() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	o := readOptions()
	board := NewBoard(time.Now)
	display := NewDisplay(os.Stdout, IsTerminal(os.Stdout) && !o.plain, board)
	err := run(ctx, o, board, display)
	display.Stop()
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "demo: stopped. What was reserved and not paid expires by itself.")
		const interrupted = 130
		return interrupted
	case err != nil:
		fmt.Fprintln(os.Stderr, "demo:", err)
		return 1
	}
	return 0
}

func run(ctx context.Context, o options, board *Board, display *Display) error {
	if o.customers < 1 || o.customers > 10_000 {
		return errors.New("-customers must be between 1 and 10000")
	}
	client := NewClient(o.url)
	client.observe = board.Answered
	client.waiting = func(why error, d time.Duration) {
		board.Note(fmt.Sprintf("trying again: %v", why), max(d, time.Second))
	}
	display.Say("an on-sale at %s", o.url)
	if err := Knock(ctx, client); err != nil {
		return err
	}
	board.Phase("signing in")
	display.Start()
	patient := client.Patient(o.doors)
	organizer, err := SignInOrganizer(ctx, patient, o.admin)
	if err != nil {
		return err
	}
	defer leave(organizer)
	accounts, err := SignInCustomers(ctx, patient, board, o.customers, o.doors)
	if err != nil {
		return err
	}
	if in := len(accounts); in < o.customers {
		display.Say("the sign-in limit let %d of %d customers in; the sale goes on with them", in, o.customers)
		display.Say("(AUTH_RATE_LIMIT_REQUESTS=5000 make run lets all in)")
	}

	house := HouseFor(len(accounts))
	event, err := openHouse(ctx, organizer, house)
	if err != nil {
		return err
	}
	sale := &Sale{EventID: event.ID, board: board}
	wanted := 0
	for i, plan := range Plans(len(accounts), house, o.rush, o.seed) {
		wanted += Tickets(plan.Wish)
		sale.Customers = append(sale.Customers, &Customer{Name: accounts[i].Name, Plan: plan, client: accounts[i].Client})
	}
	display.Say("%s is on sale: %d tickets, and %d customers who want %d", event.ID, house.Tickets(), len(accounts), wanted)

	watching, stopWatching := context.WithCancel(ctx)
	defer sale.Leave()
	defer stopWatching()
	board.Sections(event.Sections) // as the mutation answered them, until the subscription tells more
	sale.WatchCounts(watching, client)
	board.Phase("on sale")
	sale.Run(watching)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return settle(ctx, o, sale, organizer, display)
}

// openHouse creates the event and puts it on sale.
func openHouse(ctx context.Context, organizer *Client, house House) (*Event, error) {
	const most = 8
	inAMonth := time.Now().AddDate(0, 1, 0).UTC().Format(time.RFC3339)
	event, err := organizer.CreateEvent(ctx, map[string]any{
		"name": "The Night Shift, live", "venue": "Old Gasworks", "description": "Played by go run ./cmd/demo.", "startsAt": inAMonth,
		"maxTicketsPerReservation": most, "maxTicketsPerCustomer": most, "idempotencyKey": newKey(),
	})
	if err != nil {
		return nil, fmt.Errorf("createEvent: %w", err)
	}
	rows := make([]Row, house.Rows)
	for i := range rows {
		rows[i] = Row{Row: RowName(i), Seats: house.SeatsPerRow}
	}
	for _, section := range []map[string]any{
		{"eventId": event.ID, "section": floor, "price": Money{"45.00", "EUR"}, "capacity": house.Floor},
		{"eventId": event.ID, "section": balcony, "price": Money{"79.50", "EUR"}, "rows": rows},
	} {
		if _, err := organizer.AddInventory(ctx, section); err != nil {
			return nil, fmt.Errorf("addInventory: %w", err)
		}
	}
	if _, err := organizer.PublishEvent(ctx, event.ID); err != nil {
		return nil, fmt.Errorf("publishEvent: %w", err)
	}
	if event, err = organizer.OpenSales(ctx, event.ID); err != nil {
		return nil, fmt.Errorf("openSales: %w", err)
	}
	return event, nil
}

// settle waits for what happens by itself after the rush, then checks the sums.
func settle(ctx context.Context, o options, sale *Sale, organizer *Client, display *Display) error {
	const patience = 75 * time.Second
	heldUntil := AwaitExpiry(ctx, sale, patience)
	sale.board.Phase("reading everything back")
	world, checks, err := AwaitSums(ctx, sale, organizer, o.settle)
	if err != nil {
		return err
	}
	sale.board.Phase("over")
	display.Stop()
	fmt.Print(Report(world, checks))
	if !heldUntil.IsZero() {
		fmt.Printf("\nThe tickets of those who walked away are still held until %s; then they go back on sale by themselves.\n"+
			"To see that, start the server with RESERVATION_HOLD=20s make run.\n", heldUntil.Local().Format(time.TimeOnly))
	}
	if !Holds(checks) {
		return errWrong
	}
	return nil
}

// leave signs the organizer out: a user may have only a few sessions, and the oldest one that would have to go may be a person's.
func leave(organizer *Client) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = organizer.SignOut(ctx)
}
