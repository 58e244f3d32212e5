package test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"ticketing/internal/services"
	"ticketing/internal/testenv"
)

// diskSize is more than a run writes. It is memory, as far as it is used.
const diskSize = 4 << 30

// mountDisk mounts a disk at the folder that can be made full, and reports whether it may.
func mountDisk(t *testing.T, folder string) bool {
	t.Helper()
	mount := asRoot(t.Context(), "mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%d,uid=%d,gid=%d", diskSize, os.Geteuid(), os.Getegid()), "tmpfs", folder)
	output, err := mount.CombinedOutput()
	if err != nil {
		t.Logf("no disk will be full: that needs a tmpfs, and so root: %v: %s", err, output)
		return false
	}
	t.Cleanup(func() { _ = asRoot(context.Background(), "umount", "--lazy", folder).Run() })
	return true
}

// asRoot returns a command that runs as root, by sudo without a password if the test does not.
func asRoot(ctx context.Context, command ...string) *exec.Cmd {
	if os.Geteuid() != 0 {
		command = append([]string{"sudo", "-n"}, command...)
	}
	return exec.CommandContext(ctx, command[0], command[1:]...)
}

// fillDisk leaves PostgreSQL next to no room for a while. It ends when it can't write its log; it starts again when there is room.
func (w *faultWorld) fillDisk(from *rand.Rand) bool {
	const left = 256 << 10
	lasts := drawMillis(from, 100, 3_000)
	if !w.hasDisk {
		return false
	}
	var disk syscall.Statfs_t
	require.NoError(w.t, syscall.Statfs(w.folder, &disk))
	used := int64(disk.Blocks-disk.Bfree) * disk.Bsize
	if w.resizeDisk(used+left) != nil {
		return false // more was written meanwhile
	}
	time.Sleep(lasts)
	require.NoError(w.t, w.resizeDisk(diskSize))
	return w.restartPostgres(false)
}

func (w *faultWorld) resizeDisk(size int64) error {
	return asRoot(w.t.Context(), "mount", "-o", fmt.Sprintf("remount,size=%d", size), w.folder).Run()
}

// failOver kills PostgreSQL once a standby has all that was acknowledged, promotes that, and has all connections lead there.
func (w *faultWorld) failOver(from *rand.Rand) bool {
	sellsOn := drawMillis(from, 0, 1_000)
	ctx, cancel := context.WithTimeout(context.Background(), testenv.Patience)
	defer cancel()
	w.failovers++
	folder := filepath.Join(w.folder, fmt.Sprintf("standby%d", w.failovers))
	standby, err := services.StartPostgres(ctx, services.PostgresConfig{DataDir: folder, Standby: w.server.URL()})
	require.NoError(w.t, err)
	w.execute(ctx, w.server.URL(), `ALTER SYSTEM SET synchronous_standby_names = '*'`, `SELECT pg_reload_conf()`)
	testenv.Eventually(w.t, testenv.Patience, func() (bool, string) {
		return queryCount(w.t, w.server.URL(), `SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'`) == 1, "no commit waits for the standby"
	})
	w.execute(ctx, w.server.URL(), `SELECT pg_logical_emit_message(true, 'faults', 'what was committed before is there when this is')`)
	time.Sleep(sellsOn)
	require.NoError(w.t, w.server.Kill())
	w.execute(ctx, standby.URL(), `SELECT pg_promote(true, 60)`)

	before, after := hostOfServer(w.t, w.server), hostOfServer(w.t, standby)
	for _, m := range w.members {
		m.postgres.Redirect(after)
	}
	for variable, value := range w.env {
		w.env[variable] = strings.Replace(value, before, after, 1)
	}
	require.NoError(w.t, os.RemoveAll(w.dataDir))
	w.server, w.dataDir = standby, folder
	return true
}

func (w *faultWorld) execute(ctx context.Context, address string, statements ...string) {
	conn, err := pgx.Connect(ctx, address)
	require.NoError(w.t, err)
	defer conn.Close(ctx)
	for _, statement := range statements {
		_, err := conn.Exec(ctx, statement)
		require.NoError(w.t, err)
	}
}

func hostOfServer(t *testing.T, server *services.Postgres) string {
	t.Helper()
	address, err := url.Parse(server.URL())
	require.NoError(t, err)
	return address.Host
}
