package services

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"ticketing/internal/process"
)

// RedisOptions says how to run Redis.
type RedisOptions struct {
	DataDir  string       // its append-only file, its log file and its port are kept here
	Password string       // "": everybody on this machine is let in
	Port     int          // 0: the one of the last time, or any
	Logger   *slog.Logger // nil: slog.Default()
}

// Redis is a private Redis. It ends by itself when this process is gone. A crash loses at most the last second.
type Redis struct {
	options RedisOptions
	port    int
	child   *process.Process
}

// StartRedis answers when the server takes connections. Nobody else may use the folder meanwhile.
func StartRedis(ctx context.Context, o RedisOptions) (*Redis, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errors.New("services: redis-server is not installed (make setup), nor is REDIS_URL set")
	}
	identity, err := process.Unprivileged("redis", "nobody")
	if err != nil {
		return nil, err
	}
	home, err := reachable(o.DataDir, identity, o.Logger)
	if err != nil {
		return nil, err
	}
	if err := identity.OwnedDir(home); err != nil {
		return nil, err
	}
	if err := endOrphans(ctx, home, syscall.SIGTERM, syscall.SIGKILL); err != nil {
		return nil, err
	}
	r := &Redis{options: o}
	start := func(port int) error {
		r.port = port
		return r.start(ctx, program, home, identity)
	}
	if o.Port != 0 {
		err = start(o.Port)
	} else {
		err = onPort(filepath.Join(home, "port"), start)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// URL leads to the database 0.
func (r *Redis) URL() string {
	u := url.URL{Scheme: "redis", Host: loopbackAddr(r.port), Path: "/0"}
	if r.options.Password != "" {
		u.User = url.UserPassword("", r.options.Password)
	}
	return u.String()
}

func (r *Redis) start(ctx context.Context, program, home string, identity *process.Identity) error {
	config, err := r.config(home)
	if err != nil {
		return err
	}
	defer config.Close() //nolint:errcheck // read by the child, written by nobody any more
	logFile := filepath.Join(home, "redis.log")
	output, err := openLog(logFile)
	if err != nil {
		return err
	}
	defer output.Close() //nolint:errcheck // the child has its own
	child, err := process.Start(process.Spec{
		Path: program, Args: []string{"-"}, Dir: home, Stdin: config, Stdout: output, Stderr: output,
		Identity: identity, DeathSignal: syscall.SIGTERM,
	})
	if err != nil {
		return err
	}
	r.child = child
	client, err := r.client()
	if err != nil {
		return errors.Join(err, child.Kill())
	}
	defer client.Close()
	return awaitReady(ctx, child, logFile, func(ctx context.Context) error { return client.Ping(ctx).Err() })
}

func (r *Redis) client() (*redis.Client, error) {
	o, err := redis.ParseURL(r.URL())
	if err != nil {
		return nil, fmt.Errorf("services: %w", err)
	}
	o.MaxRetries = -1
	o.DisableIdentity = true // a fresh server's statistics should not begin with errors
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return redis.NewClient(o), nil
}

// config answers the server's configuration as a pipe for its stdin: the password shows neither in a file nor in the process list.
func (r *Redis) config(home string) (*os.File, error) {
	lines := []string{
		"bind 127.0.0.1",
		fmt.Sprintf("port %d", r.port),
		fmt.Sprintf("dir %q", home),
		"daemonize no",
		"appendonly yes",
		"appendfsync everysec",
		`save ""`,
	}
	if r.options.Password != "" {
		lines = append(lines, fmt.Sprintf("requirepass %q", r.options.Password))
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("services: %w", err)
	}
	_, err = writer.WriteString(strings.Join(lines, "\n") + "\n") // far below a pipe's buffer
	if err := errors.Join(err, writer.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("services: %w", err), reader.Close())
	}
	return reader, nil
}

// Stop writes what is not written yet and stops the server, or kills it when ctx ends.
func (r *Redis) Stop(ctx context.Context) error { return r.child.Stop(ctx, syscall.SIGTERM) }

// Kill ends the server as a crash would.
func (r *Redis) Kill() error { return r.child.Kill() }

// Port is where it listens on 127.0.0.1.
func (r *Redis) Port() int { return r.port }
