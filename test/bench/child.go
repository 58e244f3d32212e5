package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"ticketing/internal/process"
)

// childJob is the environment variable that makes this program a child: it holds a job.
const childJob = "TICKETING_BENCH_JOB"

// job is a child's work: like an api process, a child has an engine of its own; its clients run in the same process.
type job struct {
	URL     string
	Events  []string
	Clients int     // of a closed loop
	Rate    float64 // of an open loop, if not 0
	Time    time.Duration
	Profile string
}

// runChild reports that it is ready, waits for a line that starts it, and prints what it measured.
func runChild(ctx context.Context) (err error) {
	var j job
	if err := json.Unmarshal([]byte(os.Getenv(childJob)), &j); err != nil {
		return fmt.Errorf("read the job: %w", err)
	}
	m, err := openMarket(ctx, j.URL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	do := m.reserveWork(j.Events...)
	if _, err := closedLoop(ctx, 1, time.Millisecond, m.reserveWork(j.Events...)); err != nil { // connects and loads
		return err
	}
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return fmt.Errorf("wait for the beginning: %w", err)
	}
	stop, err := startProfile(j.Profile)
	if err != nil {
		return err
	}
	defer stop()
	var result measured
	if j.Rate > 0 {
		result, err = openLoop(ctx, j.Rate, j.Time, do)
	} else {
		result, err = closedLoop(ctx, j.Clients, j.Time, do)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

// child is a running child in its parent.
type child struct {
	*process.Process

	orders *os.File
	says   *bufio.Reader
	close  func()
}

// runTogether runs jobs at the same time, each in its own process.
func runTogether(jobs ...job) (sum measured, err error) {
	children := make([]*child, 0, len(jobs))
	defer func() {
		for _, c := range children {
			err = errors.Join(err, c.Kill())
			c.close()
		}
	}()
	for _, j := range jobs {
		c, err := startChild(j)
		if err != nil {
			return sum, err
		}
		children = append(children, c)
	}
	for _, c := range children {
		if _, err := c.says.ReadString('\n'); err != nil {
			return sum, fmt.Errorf("wait for a child to be ready: %w", err)
		}
	}
	for _, c := range children {
		if _, err := c.orders.WriteString("go\n"); err != nil {
			return sum, fmt.Errorf("tell a child to begin: %w", err)
		}
	}
	for _, c := range children {
		var m measured
		if err := json.NewDecoder(c.says).Decode(&m); err != nil {
			return sum, fmt.Errorf("read a child's result: %w", err)
		}
		sum = sum.plusParallel(m)
	}
	return sum, nil
}

func startChild(j job) (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	text, err := json.Marshal(j)
	if err != nil {
		return nil, fmt.Errorf("write the job: %w", err)
	}
	ordersIn, orders, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	says, saysOut, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	defer ordersIn.Close() //nolint:errcheck // the child has its own
	defer saysOut.Close()  //nolint:errcheck // as above
	p, err := process.Start(process.Spec{
		Path: program, Env: append(os.Environ(), childJob+"="+string(text)), Stdin: ordersIn, Stdout: saysOut, Stderr: os.Stderr,
	})
	if err != nil {
		return nil, err
	}
	return &child{Process: p, orders: orders, says: bufio.NewReader(says), close: func() {
		_, _ = orders.Close(), says.Close()
	}}, nil
}
