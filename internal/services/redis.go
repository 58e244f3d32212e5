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

// RedisConfig describes a Redis server.
type RedisConfig struct {
	DataDir  string       // Holds its append-only file, its log file and its port. Required.
	Password string       // Default: none; every user of this machine can connect.
	Port     int          // Default: the last one, else any.
	Logger   *slog.Logger // Default: slog.Default().
}

// Redis is a private Redis. It shuts down by itself when this process ends. A crash loses at most the last second.
type Redis struct {
	options RedisConfig
	port    int
	child   *process.Process
}

// StartRedis returns when the server takes connections. The caller keeps other processes out of the folder.
func StartRedis(ctx context.Context, o RedisConfig) (*Redis, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errors.New("redis-server is not installed (make setup), and REDIS_URL is not set")
	}
	identity, err := process.Unprivileged("redis", "nobody")
	if err != nil {
		return nil, err
	}
	home, err := reachableDir(o.DataDir, identity, o.Logger)
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
		return r.startServer(ctx, program, home, identity)
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

// URL returns the URL of database 0.
func (r *Redis) URL() string {
	u := url.URL{Scheme: "redis", Host: loopbackAddr(r.port), Path: "/0"}
	if r.options.Password != "" {
		u.User = url.UserPassword("", r.options.Password)
	}
	return u.String()
}

func (r *Redis) startServer(ctx context.Context, program, home string, identity *process.Identity) error {
	config, err := r.configPipe(home)
	if err != nil {
		return err
	}
	defer config.Close() //nolint:errcheck // the child has its own
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
	client, err := r.newClient()
	if err != nil {
		return errors.Join(err, child.Kill())
	}
	defer client.Close()
	return awaitReady(ctx, child, logFile, func(ctx context.Context) error { return client.Ping(ctx).Err() })
}

func (r *Redis) newClient() (*redis.Client, error) {
	o, err := redis.ParseURL(r.URL())
	if err != nil {
		return nil, fmt.Errorf("start Redis: %w", err)
	}
	o.MaxRetries = -1
	o.DisableIdentity = true // which a server that is too old counts as errors
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return redis.NewClient(o), nil
}

// configPipe returns a pipe with the server's configuration for its stdin, so that the password is neither in a file nor in the process
// list.
func (r *Redis) configPipe(home string) (*os.File, error) {
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
		return nil, fmt.Errorf("start Redis: %w", err)
	}
	_, err = writer.WriteString(strings.Join(lines, "\n") + "\n") // much less than a pipe's buffer
	if err := errors.Join(err, writer.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("start Redis: %w", err), reader.Close())
	}
	return reader, nil
}

// Stop saves the data and stops the server. It kills the server when ctx ends.
func (r *Redis) Stop(ctx context.Context) error { return r.child.Stop(ctx, syscall.SIGTERM) }

// Kill ends the server as a crash would.
func (r *Redis) Kill() error { return r.child.Kill() }

// Signal sends a signal to the server.
func (r *Redis) Signal(signal syscall.Signal) error { return r.child.Signal(signal) }

// Port returns the server's port on 127.0.0.1.
func (r *Redis) Port() int { return r.port }
