package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/command/eventstore"
	"ticketing/command/relay/progress"
	"ticketing/internal/auth"
	"ticketing/internal/buildinfo"
	"ticketing/internal/config"
	"ticketing/internal/id"
	"ticketing/internal/postgres"
)

// recentEvents is how many of the last domain events must be of users that the auth database knows.
const recentEvents = 10_000

// restored is the databases that are looked at after a restore.
type restored struct {
	events, auth *pgxpool.Pool
	out          io.Writer
	wrong        bool
}

// checkRestore is the subcommand restore-check: it prints whether events and auth fit each other and the log needs a new incarnation, which
// it begins if the flag asks for it. It returns the exit status of the process.
func checkRestore(ctx context.Context, args []string, out io.Writer) int {
	flags := flag.NewFlagSet("ticketing restore-check", flag.ContinueOnError)
	begin := flags.Bool("new-incarnation", false, "give the log a new incarnation first: after every restore or promotion that may have lost commits")
	if buildinfo.HandleFlagSet(out, flags, args) {
		return statusOK
	}
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return statusNotVerified
	}
	wrong, err := runRestoreCheck(ctx, *begin, out)
	switch {
	case err != nil:
		fmt.Fprintf(os.Stderr, "ticketing restore-check: %v\n", err)
		return statusNotVerified
	case wrong:
		return statusWrong
	}
	return statusOK
}

func runRestoreCheck(ctx context.Context, begin bool, out io.Writer) (wrong bool, err error) {
	cfg, err := config.Load(config.Environ(), config.NeedEvents, config.NeedAuth)
	if err != nil {
		return false, err
	}
	r := restored{out: out}
	for url, pool := range map[string]**pgxpool.Pool{cfg.EventsURL: &r.events, cfg.AuthURL: &r.auth} {
		*pool, err = postgres.NewPool(ctx, url, postgres.Config{ApplicationName: "ticketing restore-check", ConnectTimeout: cfg.ConnectTimeout})
		if err != nil {
			return false, err
		}
		defer (*pool).Close()
	}
	if begin {
		if _, err := eventstore.BeginIncarnation(ctx, r.events); err != nil {
			return false, err
		}
	}
	err = errors.Join(r.checkCursor(ctx), r.checkUsers(ctx))
	if err == nil && !r.wrong {
		fmt.Fprintln(out, "next: migrate up, start all parts, and ticketing verify until nothing is behind")
	}
	return r.wrong, err
}

// say prints a line about a database.
func (r *restored) say(ok bool, about, format string, args ...any) {
	mark := "ok"
	if !ok {
		mark, r.wrong = "wrong", true
	}
	fmt.Fprintf(r.out, "%-6s %-6s %s\n", mark, about, fmt.Sprintf(format, args...))
}

// checkCursor checks that the log has not fewer domain events than were published of its incarnation.
func (r *restored) checkCursor(ctx context.Context) error {
	head, err := eventstore.ReadHead(ctx, r.events)
	if err != nil {
		return err
	}
	cursor, err := progress.ReadCursor(ctx, r.events)
	if err != nil {
		return err
	}
	last, err := eventstore.ReadAll(ctx, r.events, head.Position-1, 1)
	if err != nil {
		return err
	}
	for _, recorded := range last {
		r.say(true, "events", "the log ends at position %d, of %s", head.Position, recorded.RecordedAt.Format(time.RFC3339))
	}
	if cursor.Incarnation != head.Incarnation || cursor.Position == 0 {
		r.say(true, "events", "this incarnation of the log is new: caches, cursors and read tables start over by themselves")
		return nil
	}
	r.say(false, "events", "this incarnation of the log was published up to position %d already: run this again with -new-incarnation", cursor.Position)
	return nil
}

// checkUsers checks that the auth database knows the users who did something last.
func (r *restored) checkUsers(ctx context.Context) error {
	actors, err := eventstore.RecentActors(ctx, r.events, recentEvents)
	if err != nil {
		return err
	}
	var users []string
	for _, actor := range actors {
		if strings.HasPrefix(actor, id.User+"_") {
			users = append(users, actor)
		}
	}
	unknown, err := auth.UnknownUsers(ctx, r.auth, users)
	if err != nil {
		return err
	}
	r.say(len(unknown) == 0, "auth", "%d of %d users of the last %d domain events are unknown", len(unknown), len(users), recentEvents)
	if len(unknown) > 0 {
		const shown = 5
		r.say(false, "auth", "it is older than the log, and these would be strangers to their own tickets: %s; restore it to the same moment or later",
			strings.Join(unknown[:min(shown, len(unknown))], ", "))
	}
	return nil
}
