package projectors

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"ticketing/projector"
)

// listAll prints the dead letters of projections.
type listAll struct{ names []string }

func (l listAll) run(ctx context.Context, cfg projector.Config, out io.Writer) (bool, error) {
	return true, printDeadLetters(ctx, cfg, l.names, out)
}

func printDeadLetters(ctx context.Context, cfg projector.Config, names []string, out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	found := 0
	for _, name := range names {
		letters, err := projector.DeadLetters(ctx, cfg, name)
		if err != nil {
			return err
		}
		for _, letter := range letters {
			if found == 0 {
				_, _ = fmt.Fprintln(table, "PROJECTION\tSTREAM\tVERSION\tWAITING UP TO\tTYPE\tSINCE\tERROR")
			}
			found++
			_, _ = fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%s\t%s\t%s\n", name, letter.StreamID, letter.Version, letter.WaitingVersion, letter.Type,
				letter.FailedAt.Time.UTC().Format(time.DateTime), strings.Join(strings.Fields(letter.Error), " "))
		}
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	if found == 0 {
		_, _ = fmt.Fprintln(out, "There are no dead letters.")
	}
	return nil
}

// replayAll tries dead letters again: those of the named streams, or all.
type replayAll struct{ names, streams []string }

func (r replayAll) run(ctx context.Context, cfg projector.Config, out io.Writer) (bool, error) {
	var stuck []string
	found := 0
	for _, name := range r.names {
		replayed, left, err := projector.Replay(ctx, cfg, name, r.streams...)
		if err != nil {
			return false, err
		}
		if found += replayed + left; replayed+left > 0 {
			_, _ = fmt.Fprintf(out, "%s: %d replayed, %d still can't be applied\n", name, replayed, left)
		}
		if left > 0 {
			stuck = append(stuck, name)
		}
	}
	if found == 0 {
		_, _ = fmt.Fprintln(out, "There is nothing to replay.")
	}
	if len(stuck) == 0 {
		return true, nil
	}
	return false, printDeadLetters(ctx, cfg, stuck, out)
}
