package testenv

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"ticketing/internal/services"
)

// Redis starts a Redis for a test and answers its URL.
func Redis(t testing.TB) string {
	t.Helper()
	return RedisServer(t).URL()
}

// RedisProc is a Redis of a test that can be killed and started again. Its methods belong to the test's goroutine.
type RedisProc struct {
	t      testing.TB
	folder string
	port   int
	server *services.Redis
	url    string
}

// RedisServer starts a Redis for a test; it is stopped when the test is over.
func RedisServer(t testing.TB) *RedisProc {
	t.Helper()
	r := &RedisProc{t: t, folder: tempDir(t)}
	r.Start()
	t.Cleanup(func() {
		if r.server != nil {
			r.Kill()
		}
	})
	return r
}

// URL stays the same over Kill and Start.
func (r *RedisProc) URL() string { return r.url }

// Kill ends the server as kill -9 does.
func (r *RedisProc) Kill() {
	r.t.Helper()
	if err := r.server.Kill(); err != nil {
		r.t.Fatal(err)
	}
	r.server = nil
}

// Start starts it again on its port, with what had reached the disk (a crash may lose the last second). Wipe first for one that lost
// everything.
func (r *RedisProc) Start() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	server, err := services.StartRedis(ctx, services.RedisOptions{DataDir: filepath.Join(r.folder, "redis"), Port: r.port})
	if err != nil {
		r.t.Fatal(err)
	}
	r.server, r.url, r.port = server, server.URL(), server.Port()
}

// Wipe throws away the data of a killed server.
func (r *RedisProc) Wipe() {
	r.t.Helper()
	if r.server != nil {
		r.t.Fatal("testenv: kill it first")
	}
	if err := os.RemoveAll(filepath.Join(r.folder, "redis")); err != nil {
		r.t.Fatal(err)
	}
}

// tempDir answers a folder that servers of other users can reach.
func tempDir(t testing.TB) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "ticketing-test-") //nolint:usetesting // t.TempDir is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(folder, 0o755); err != nil { //nolint:gosec // passed through
		t.Fatal(err)
	}
	return folder
}
