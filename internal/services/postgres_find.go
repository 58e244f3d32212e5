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

// postgresPrograms returns the program folder of the newest installed PostgreSQL.
func postgresPrograms() (string, error) {
	newest, version := "", 0
	folders, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", fmt.Errorf("find PostgreSQL: %w", err)
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
		return "", errors.New("PostgreSQL is not installed (make setup), and DATABASE_URL is not set")
	}
	if target, err := filepath.EvalSymlinks(initdb); err == nil {
		initdb = target
	}
	return filepath.Dir(initdb), nil
}

// endOrphans ends a server that a killed parent left in the cluster. Only then it removes PostgreSQL's lock file, which may by now name a
// process of another program.
func (p *Postgres) endOrphans(ctx context.Context) error {
	if err := endOrphans(ctx, p.cluster, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL); err != nil {
		return err
	}
	err := os.Remove(filepath.Join(p.cluster, "postmaster.pid"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the lock of an ended PostgreSQL: %w", err)
	}
	return nil
}
