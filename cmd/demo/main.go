// Demo plays the opening of a sale through the public API: an organizer puts an event on sale, and more customers come than there are
// tickets. They reserve, pay, are declined, authenticate, cancel or walk away; some watch their reservation live. A panel shows what
// happens. At the end everything is read back and must add up, or the demo fails.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	ticketing "ticketing/clients/go"
	"ticketing/clients/go/api"
	"ticketing/internal/buildinfo"
)

// options come from the command line.
type options struct {
	url, admin string
	customers  int
	rush       time.Duration
	plain      bool
}

// readOptions reads the command line. It reports false if that only asks for the version or the usage, which it prints then.
func readOptions(out io.Writer, args []string) (o options, play bool) {
	url := "http://" + net.JoinHostPort(cmp.Or(os.Getenv("HOST"), "127.0.0.1"), cmp.Or(os.Getenv("PORT"), "8080")) + "/graphql"
	admin, _, _ := strings.Cut(cmp.Or(os.Getenv("ADMIN_EMAILS"), "admin@example.com"), ",")
	flags := flag.NewFlagSet("demo", flag.ExitOnError)
	flags.StringVar(&o.url, "url", url, "the API; the default follows HOST and PORT")
	flags.StringVar(&o.admin, "admin", strings.TrimSpace(admin), "mail address of the organizer; the default is the first of ADMIN_EMAILS")
	flags.IntVar(&o.customers, "customers", 200, "number of customers, from 1 to 10000; the event has fewer tickets than they want")
	flags.DurationVar(&o.rush, "rush", 8*time.Second, "time within which they come; 0: all at once, and they pay at once")
	flags.BoolVar(&o.plain, "plain", false, "print a line a second instead of a panel")
	if buildinfo.HandleFlagSet(out, flags, args) {
		return o, false
	}
	_ = flags.Parse(args) // exits with status 2 if it fails
	o.customers = min(max(o.customers, 1), 10_000)
	return o, true
}

func main() {
	o, play := readOptions(os.Stdout, os.Args[1:])
	if !play {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C kills the process
	b := newBoard(os.Stdout, isTerminal(os.Stdout) && !o.plain)
	drawing, stopDrawing := context.WithCancel(context.Background())
	var display sync.WaitGroup
	display.Go(func() { b.show(drawing) })
	report, err := playDemo(ctx, o, b)
	stopDrawing()
	display.Wait()
	fmt.Fprint(os.Stdout, report)
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// playDemo plays the whole story and returns a report.
func playDemo(ctx context.Context, o options, b *board) (report string, err error) {
	config := ticketing.Config{URL: o.url, Observe: b.addLatency, Patience: -1}
	if _, err := api.ListEvents(ctx, ticketing.New(config), nil, new(1), nil); err != nil {
		return "", fmt.Errorf("%s: %w\nStart the server in another terminal and try again: make run", o.url, err)
	}
	config.Patience = 2 * time.Minute // outlasts the restart of a server and a full rate limit
	s := &sale{visitor: ticketing.New(config), board: b}
	if err := s.signInAll(ctx, o.admin, makePlans(o.customers, o.rush)); err != nil {
		return "", err
	}
	defer func() { _ = s.organizer.SignOut(context.WithoutCancel(ctx)) }() // a user has few sessions, and a new one ends the oldest
	if err := s.open(ctx, o.admin); err != nil {
		return "", err
	}
	watching, stopWatching := context.WithCancel(ctx)
	defer s.watchers.Wait()
	defer stopWatching()
	s.playRush(watching)
	claims, err := s.awaitSums(ctx)
	b.setPhase("over")
	return s.writeReport(claims), err
}
