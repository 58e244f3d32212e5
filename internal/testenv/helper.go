package testenv

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"ticketing/internal/process"
	"ticketing/internal/services"
)

// helperVariable is set in the environment of a second copy of the test binary, which then is a server instead of running tests. Servers
// that outlive a test or need a process of their own run in such a copy.
const helperVariable = "TICKETING_TEST_HELPER"

// job is what a helper does.
type job struct {
	Postgres string                 // run PostgreSQL in this folder, and remove the folder at the end
	Broker   *services.BrokerConfig // run a broker
	Kafka    *kafkaNode             // run a node of Apache Kafka
}

//nolint:gochecknoinits // the only code that runs before a binary's tests without help from its packages
func init() {
	text, ok := os.LookupEnv(helperVariable)
	if !ok {
		return
	}
	if err := runHelper(text); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// runHelper does the job until its stdin ends: the test process has gone or stops it.
func runHelper(text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return fmt.Errorf("parse %s: %w", helperVariable, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if j.Kafka != nil {
		return serveKafka(ctx, j.Kafka)
	}
	if j.Broker != nil {
		return services.ServeBroker(ctx, *j.Broker, os.Stdout)
	}
	return servePostgres(ctx, j.Postgres)
}

func servePostgres(ctx context.Context, folder string) (err error) {
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	p, err := services.StartPostgres(ctx, services.PostgresConfig{DataDir: filepath.Join(folder, "postgres"), Fast: true})
	if err != nil {
		return err
	}
	if _, err := fmt.Println(p.URL()); err != nil {
		return errors.Join(err, p.Kill())
	}
	<-ctx.Done()
	return p.Kill() // the data are not needed any more
}

// helper is a running helper.
type helper struct {
	child *process.Process
	stdin *os.File
	ready string // the line that it printed when its server was ready
}

// startTimeout bounds how long a server may take to start on a machine that is busy with other tests. A node of Apache Kafka takes 5 s of a core,
// and took more than two minutes on two cores with a load of 50.
const startTimeout = 5 * time.Minute

// startHelper returns when the helper's server takes connections. The helper logs to a file in folder.
func startHelper(folder string, j job) (_ *helper, err error) {
	text, err := json.Marshal(j)
	if err != nil {
		return nil, fmt.Errorf("start a test helper: %w", err)
	}
	logFile, err := os.Create(filepath.Join(folder, "helper.log"))
	if err != nil {
		return nil, fmt.Errorf("start a test helper: %w", err)
	}
	defer logFile.Close() //nolint:errcheck // the child has its own
	stdin, ours, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start a test helper: %w", err)
	}
	defer stdin.Close() //nolint:errcheck // the child has its own
	output, stdout, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start a test helper: %w", err), ours.Close())
	}
	defer output.Close() //nolint:errcheck // only read from
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start a test helper: %w", err)
	}
	h := &helper{stdin: ours}
	h.child, err = process.Start(process.Spec{
		Path: program, Dir: folder, Env: append(os.Environ(), helperVariable+"="+string(text)),
		Stdin: stdin, Stdout: stdout, Stderr: logFile,
		DeathSignal: syscall.SIGURG, // ignored: the end of stdin stops the helper and leaves it time to clean up
	})
	if err = errors.Join(err, stdout.Close()); err != nil {
		return nil, errors.Join(err, ours.Close())
	}
	return h, h.awaitReady(output, logFile.Name())
}

func (h *helper) awaitReady(output *os.File, logFile string) error {
	_ = output.SetReadDeadline(time.Now().Add(startTimeout)) // where a pipe has no deadlines, it waits
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		log, _ := os.ReadFile(logFile) // the error is useful without it
		return errors.Join(fmt.Errorf("start a test helper: %w\n%s", err, log), h.kill())
	}
	h.ready = strings.TrimSpace(line)
	return nil
}

// stop ends the helper and waits until it is gone.
func (h *helper) stop() error {
	err := h.stdin.Close()
	select {
	case <-h.child.Done():
		return err
	case <-time.After(startTimeout):
		return errors.Join(err, errors.New("the test helper did not stop"), h.child.Kill())
	}
}

// kill ends the helper as kill -9 does.
func (h *helper) kill() error { return errors.Join(h.child.Kill(), h.stdin.Close()) }
