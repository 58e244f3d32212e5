package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/command/saga"
	"ticketing/internal/buildinfo"
	"ticketing/internal/config"
	"ticketing/internal/postgres"
)

const jobsUsage = `usage: ticketing jobs list [KIND]...
           list the saga's jobs that have failed: refund, reconcile, mail and others
       ticketing jobs retry ID... | --all [KIND]...
           have them tried again at once; exit status 1: some were not`

// runJobs is the subcommand jobs: it lists failed jobs of the saga and has them tried again. It returns the exit status of the process.
func runJobs(ctx context.Context, args []string, out io.Writer) int {
	if buildinfo.HandleFlags(out, "ticketing jobs", jobsUsage, args) {
		return statusOK
	}
	if len(args) == 0 || args[0] != "list" && args[0] != "retry" || args[0] == "retry" && len(args) == 1 {
		fmt.Fprintln(os.Stderr, jobsUsage)
		return statusNotVerified
	}
	ok, err := withJobs(ctx, args[0], args[1:], out)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "ticketing jobs:", err)
		return statusNotVerified
	case !ok:
		return statusWrong
	}
	return statusOK
}

func withJobs(ctx context.Context, command string, args []string, out io.Writer) (ok bool, err error) {
	cfg, err := config.Load(config.Environ(), config.NeedEvents)
	if err != nil {
		return false, err
	}
	pool, err := postgres.NewPool(ctx, cfg.EventsURL, postgres.Config{ApplicationName: "ticketing jobs", ConnectTimeout: cfg.ConnectTimeout})
	if err != nil {
		return false, err
	}
	defer pool.Close()
	if command == "list" {
		return true, listJobs(ctx, pool, args, out)
	}
	ids, err := jobIDs(ctx, pool, args)
	if err != nil {
		return false, err
	}
	return retryJobs(ctx, pool, ids, out)
}

func listJobs(ctx context.Context, pool *pgxpool.Pool, kinds []string, out io.Writer) error {
	jobs, err := saga.ReadFailedJobs(ctx, pool, kinds...)
	for _, job := range jobs {
		next := "given up"
		if job.State != "discarded" {
			next = "next try " + job.NextTry.Format(time.RFC3339)
		}
		fmt.Fprintf(out, "%d %s %s: %d failures, %s: %s\n", job.ID, job.Kind, job.Args, job.Failures, next, job.LastError)
	}
	if err == nil && len(jobs) == 0 {
		fmt.Fprintln(os.Stderr, "no job has failed")
	}
	return err
}

// jobIDs returns the jobs that the arguments of retry name.
func jobIDs(ctx context.Context, pool *pgxpool.Pool, args []string) (ids []int64, err error) {
	flags := flag.NewFlagSet("ticketing jobs retry", flag.ContinueOnError)
	all := flags.Bool("all", false, "all that have failed, of the kinds that are named")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if *all {
		jobs, err := saga.ReadFailedJobs(ctx, pool, flags.Args()...)
		for _, job := range jobs {
			ids = append(ids, job.ID)
		}
		return ids, err
	}
	for _, text := range flags.Args() {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no job's id", text)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func retryJobs(ctx context.Context, pool *pgxpool.Pool, ids []int64, out io.Writer) (ok bool, err error) {
	ok = true
	for _, id := range ids {
		switch err := saga.RetryJob(ctx, pool, id); {
		case errors.Is(err, saga.ErrNoSuchJob), errors.Is(err, saga.ErrJobReplaced):
			ok = false
			fmt.Fprintf(out, "%d: %v\n", id, err)
		case err != nil:
			return false, err
		default:
			fmt.Fprintf(out, "%d: is tried again\n", id)
		}
	}
	return ok, nil
}
