package services

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/jackc/pgx/v5"

	"ticketing/internal/process"
)

// PostgresConfig describes a PostgreSQL server.
type PostgresConfig struct {
	DataDir  string       // Holds its cluster, its log file and its port. Required.
	Standby  string       // URL of a server. A cluster that is missing is made as its standby. Default: it is made empty.
	Password string       // Of the superuser postgres. Default: none; every user of this machine can connect.
	Fast     bool         // For tests: no fsync, so that a power cut may damage the cluster. Default: false.
	Logger   *slog.Logger // Default: slog.Default().
}

// Postgres is a private PostgreSQL. It shuts down by itself when this process ends, with all commits on disk.
type Postgres struct {
	options  PostgresConfig
	programs string // the folder of initdb and postgres
	identity *process.Identity
	cluster  string
	port     int
	child    *process.Process
}

// StartPostgres returns when the server takes connections. The caller keeps other processes out of the folder.
func StartPostgres(ctx context.Context, o PostgresConfig) (*Postgres, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	p := &Postgres{options: o}
	if err := p.prepareCluster(ctx); err != nil {
		return nil, err
	}
	err := onPort(filepath.Join(filepath.Dir(p.cluster), "port"), func(port int) error {
		p.port = port
		return p.startServer(ctx)
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// URL returns the URL of the database "postgres".
func (p *Postgres) URL() string {
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Host: loopbackAddr(p.port), Path: "/postgres", RawQuery: "sslmode=disable"}
	if p.options.Password != "" {
		u.User = url.UserPassword("postgres", p.options.Password)
	}
	return u.String()
}

// prepareCluster finds the programs, creates the cluster, and ends processes that a killed parent left running in it.
func (p *Postgres) prepareCluster(ctx context.Context) (err error) {
	if p.programs, err = postgresPrograms(); err != nil {
		return err
	}
	if p.identity, err = process.Unprivileged("postgres", "nobody"); err != nil {
		return err
	}
	home, err := reachableDir(p.options.DataDir, p.identity, p.options.Logger)
	if err != nil {
		return err
	}
	if err := p.identity.OwnedDir(home); err != nil {
		return err
	}
	p.cluster = filepath.Join(home, "cluster")
	if _, err := os.Stat(p.cluster); err == nil {
		return p.endOrphans(ctx)
	}
	if p.options.Standby != "" {
		return p.runToEnd(ctx, "pg_basebackup", []string{
			"--pgdata", p.cluster, "--dbname", p.options.Standby, "--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast",
		})
	}
	return p.initCluster(ctx)
}

// initCluster creates the cluster under another name first, so that a process killed half-way leaves no cluster that looks complete.
func (p *Postgres) initCluster(ctx context.Context) error {
	fresh := p.cluster + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("create the cluster: %w", err)
	}
	args := []string{"--pgdata", fresh, "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-instructions"}
	if p.options.Fast {
		args = append(args, "--no-sync")
	}
	if p.options.Password == "" {
		args = append(args, "--auth=trust")
	} else {
		file := p.cluster + ".password"
		if err := p.identity.WriteFile(file, []byte(p.options.Password+"\n")); err != nil {
			return err
		}
		defer os.Remove(file) //nolint:errcheck // users who can read this folder may know it
		args = append(args, "--auth=scram-sha-256", "--pwfile="+file)
	}
	if err := p.runToEnd(ctx, "initdb", args); err != nil {
		return err
	}
	if err := os.Rename(fresh, p.cluster); err != nil {
		return fmt.Errorf("create the cluster: %w", err)
	}
	return nil
}

func (p *Postgres) runToEnd(ctx context.Context, program string, args []string) error {
	child, logFile, err := p.runProgram(program, args, syscall.SIGKILL)
	if err != nil {
		return err
	}
	select {
	case <-child.Done():
	case <-ctx.Done():
		return errors.Join(context.Cause(ctx), child.Kill())
	}
	if child.Err() != nil {
		return fmt.Errorf("run %s: %w; see %s\n%s", program, child.Err(), logFile, lastLines(logFile))
	}
	return nil
}

// startServer starts the server on p.port, as a child that shuts down when this process ends.
func (p *Postgres) startServer(ctx context.Context) error {
	args := []string{"-D", p.cluster}
	for name, value := range p.settings() {
		args = append(args, "-c", name+"="+value)
	}
	child, logFile, err := p.runProgram("postgres", args, syscall.SIGINT)
	if err != nil {
		return err
	}
	p.child = child
	return awaitReady(ctx, child, logFile, func(ctx context.Context) error {
		conn, err := pgx.Connect(ctx, p.URL())
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	})
}

func (p *Postgres) settings() map[string]string {
	settings := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"port":                    strconv.Itoa(p.port),
		"unix_socket_directories": "",
		"max_connections":         "300",
		"shared_buffers":          "128MB",
		"jit":                     "off",
		"log_checkpoints":         "off",
	}
	if p.options.Fast {
		for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
			settings[name] = "off"
		}
		settings["wal_level"] = "minimal"
		settings["max_wal_senders"] = "0"
	}
	return settings
}

// runProgram starts one of PostgreSQL's programs, with its output in a log file of the same name.
func (p *Postgres) runProgram(program string, args []string, death syscall.Signal) (*process.Process, string, error) {
	home := filepath.Dir(p.cluster)
	logFile := filepath.Join(home, program+".log")
	output, err := openLog(logFile)
	if err != nil {
		return nil, "", err
	}
	defer output.Close() //nolint:errcheck // the child has its own
	child, err := process.Start(process.Spec{
		Path: filepath.Join(p.programs, program), Args: args, Dir: home,
		Env:    []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C", "TZ=UTC"},
		Stdout: output, Stderr: output, Identity: p.identity, DeathSignal: death,
	})
	return child, logFile, err
}

// Stop ends all sessions and stops the server. It kills the server when ctx ends.
func (p *Postgres) Stop(ctx context.Context) error { return p.child.Stop(ctx, syscall.SIGINT) }

// Kill ends the server as a crash would. It also kills the processes of its sessions, which may not notice that the server is gone.
func (p *Postgres) Kill() error {
	err := p.child.Kill()
	for _, pid := range workingIn(p.cluster) {
		_ = syscall.Kill(pid, syscall.SIGKILL) // may have ended by now
	}
	return err
}
