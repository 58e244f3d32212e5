package services

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"ticketing/internal/process"
	"ticketing/internal/wait"
)

// pollInterval is how often a server that starts or stops is checked.
const pollInterval = 10 * time.Millisecond

// awaitReady waits until a server's probe succeeds. If the server ends, or ctx does, it returns an error with the end of the server's log:
// errPortTaken if that is the cause.
func awaitReady(ctx context.Context, child *process.Process, logFile string, probe func(context.Context) error) error {
	for {
		attempt, cancel := context.WithTimeout(ctx, time.Second)
		err := probe(attempt)
		cancel()
		select {
		case <-child.Done(): // even if the probe succeeded: then another server has the port
			text := lastLines(logFile)
			if strings.Contains(text, "Address already in use") || err == nil {
				return fmt.Errorf("%w\n%s", errPortTaken, text)
			}
			return fmt.Errorf("the server ended: %w; see %s\n%s", child.Err(), logFile, text)
		default:
		}
		if err == nil {
			return nil
		}
		if waitErr := wait.For(ctx, pollInterval); waitErr != nil {
			err = fmt.Errorf("the server was not ready in time: %w: %w; see %s\n%s", waitErr, err, logFile, lastLines(logFile))
			return errors.Join(err, child.Kill())
		}
	}
}

// maxLog is the size at which a log file is started over, so that it never fills the disk.
const maxLog = 16 << 20

func openLog(path string) (*os.File, error) {
	flags := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		flags |= os.O_TRUNC
	}
	file, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open a server's log: %w", err)
	}
	return file, nil
}

// lastLines returns the last lines of a log file.
func lastLines(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-8):], []byte("\n")))
}
