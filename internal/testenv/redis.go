package testenv

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/services"
)

// Redis starts a Redis for a test and returns its URL.
func Redis(t testing.TB) string {
	t.Helper()
	return RedisServer(t).URL()
}

// RedisProc is a Redis that a test can kill and start again. Call its methods on the test's goroutine.
type RedisProc struct {
	t      testing.TB
	folder string
	port   int
	server *services.Redis
	url    string
}

// RedisServer starts a Redis for a test, which is stopped when the test is over.
func RedisServer(t testing.TB) *RedisProc {
	t.Helper()
	needServer(t)
	r := &RedisProc{t: t, folder: tempDir(t)}
	r.Start()
	t.Cleanup(func() {
		if r.server != nil {
			r.Kill()
		}
	})
	return r
}

// URL returns the URL, which stays the same over Kill and Start.
func (r *RedisProc) URL() string { return r.url }

// Kill ends the server as kill -9 does.
func (r *RedisProc) Kill() {
	r.t.Helper()
	require.NoError(r.t, r.server.Kill())
	r.server = nil
}

// Freeze suspends the server, which then takes connections and says nothing. Unfreeze resumes it.
func (r *RedisProc) Freeze() {
	r.t.Helper()
	require.NoError(r.t, r.server.Signal(syscall.SIGSTOP))
}

// Unfreeze resumes a frozen server.
func (r *RedisProc) Unfreeze() {
	r.t.Helper()
	require.NoError(r.t, r.server.Signal(syscall.SIGCONT))
}

// Start starts the server again on its port, with the data on its disk (a crash may lose the last second). Call Wipe before it for a
// server that lost everything.
func (r *RedisProc) Start() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	server, err := services.StartRedis(ctx, services.RedisConfig{DataDir: filepath.Join(r.folder, "redis"), Port: r.port})
	require.NoError(r.t, err)
	r.server, r.url, r.port = server, server.URL(), server.Port()
}

// Wipe deletes the data of a killed server.
func (r *RedisProc) Wipe() {
	r.t.Helper()
	require.Nil(r.t, r.server, "kill Redis before wiping it")
	require.NoError(r.t, os.RemoveAll(filepath.Join(r.folder, "redis")))
}

// tempDir returns a folder that servers which run as other users can reach.
func tempDir(t testing.TB) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "ticketing-test-") //nolint:usetesting // t.TempDir is closed to other users
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, os.RemoveAll(folder))
	})
	require.NoError(t, os.Chmod(folder, 0o755)) //nolint:gosec // the server's user passes through it
	return folder
}
