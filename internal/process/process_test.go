package process_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/process"
)

func shell(t *testing.T, script string) *process.Process {
	t.Helper()
	p, err := process.Start(process.Spec{Path: "/bin/sh", Args: []string{"-c", script}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Kill()) })
	return p
}

func TestStopAsksFirst(t *testing.T) {
	t.Parallel()
	p := shell(t, `exec sleep 1000`)
	require.NoError(t, p.Err())
	require.NoError(t, p.Stop(t.Context(), syscall.SIGTERM))
	require.ErrorContains(t, p.Err(), "terminated")
	require.NoError(t, p.Signal(syscall.SIGTERM), "it has ended: nothing to do")
}

func TestStopKillsWhatDoesNotListen(t *testing.T) {
	t.Parallel()
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	defer reader.Close()
	p, err := process.Start(process.Spec{
		Path: "/bin/sh", Args: []string{"-c", `trap '' TERM; echo deaf; while :; do sleep 1; done`}, Stdout: writer,
	})
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	_, err = reader.Read(make([]byte, 8)) // it is deaf now
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, p.Stop(ctx, syscall.SIGTERM), context.DeadlineExceeded)
	require.ErrorContains(t, p.Err(), "killed")
}

// The death signal goes with the thread that started the child: threads must come and go without the child noticing.
func TestAChildOutlivesOtherThreads(t *testing.T) {
	t.Parallel()
	p := shell(t, `exec sleep 1000`)
	for range 50 {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			runtime.LockOSThread() // never unlocked: the thread ends with its goroutine
		}()
		<-ended
	}
	select {
	case <-p.Done():
		t.Fatalf("ended: %v", p.Err())
	case <-time.After(100 * time.Millisecond): // a signal would have been there at once
	}
}

func TestWhatCannotBeStarted(t *testing.T) {
	t.Parallel()
	_, err := process.Start(process.Spec{Path: "/no/such/program"})
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestAnIdentityIsKeptOutByAClosedFolder(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can run a child as another user")
	}
	other, err := process.Unprivileged("no-such-user", "nobody")
	require.NoError(t, err)
	folder, err := os.MkdirTemp("", "ticketing-test-") // t.TempDir is closed to other users
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
	require.ErrorIs(t, other.Reaches(filepath.Join(folder, "data")), process.ErrUnreachable)
	require.NoError(t, os.Chmod(folder, 0o711))
	require.NoError(t, other.Reaches(filepath.Join(folder, "data")))

	require.NoError(t, other.OwnedDir(filepath.Join(folder, "data")))
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	p, err := process.Start(process.Spec{
		Path: "/bin/sh", Args: []string{"-c", "umask 077 && touch mine && id -un && id -Gn"},
		Dir: filepath.Join(folder, "data"), Identity: other, Stdout: writer,
	})
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	text, err := io.ReadAll(reader)
	require.NoError(t, err)
	<-p.Done()
	require.NoError(t, p.Err())
	require.Equal(t, "nobody", strings.Fields(string(text))[0])
	require.NotContains(t, string(text), "root", "none of root's groups stay")

	_, err = process.Unprivileged("no-such-user")
	require.ErrorContains(t, err, "no-such-user")
}
