package services

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// postgresPrograms answers the folder of the newest installed PostgreSQL.
func postgresPrograms() (string, error) {
	newest, version := "", 0
	folders, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", fmt.Errorf("services: %w", err)
	}
	for _, folder := range folders {
		v, err := strconv.Atoi(filepath.Base(filepath.Dir(folder)))
		if err != nil || v <= version {
			continue
		}
		if _, err := os.Stat(filepath.Join(folder, "initdb")); err == nil {
			newest, version = folder, v
		}
	}
	if newest != "" {
		return newest, nil
	}
	initdb, err := exec.LookPath("initdb")
	if err != nil {
		return "", errors.New("services: PostgreSQL is not installed (make setup), nor is DATABASE_URL set")
	}
	if target, err := filepath.EvalSymlinks(initdb); err == nil {
		initdb = target
	}
	return filepath.Dir(initdb), nil
}

// endOrphans ends a server that still runs in the cluster, or is about to end since its parent was killed. Only then the file that
// PostgreSQL guards itself with is removed: it may name a process that is somebody else's by now.
func (p *Postgres) endOrphans(ctx context.Context) error {
	if err := endOrphans(ctx, p.cluster, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL); err != nil {
		return err
	}
	err := os.Remove(filepath.Join(p.cluster, "postmaster.pid"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("services: %w", err)
	}
	return nil
}
