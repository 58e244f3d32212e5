// Package process runs servers as children that can't outlive this process: each is told by the kernel when its parent is gone, even
// by kill -9. What a child does and where it keeps its data is left to the caller.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// Spec says what to run. It gets a process group of its own, so that a Ctrl-C in the terminal reaches only the parent, which then
// stops its children in order.
type Spec struct {
	Path        string
	Args        []string // without the program's name
	Env         []string // nil: this process's
	Dir         string
	Stdin       *os.File       // nil: /dev/null
	Stdout      *os.File       // nil: /dev/null
	Stderr      *os.File       // nil: /dev/null
	Identity    *Identity      // nil: this process's
	DeathSignal syscall.Signal // what the child gets when this process is gone (Linux only); 0: SIGKILL
}

// Process is a running child, or one that ended.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // read only after done is closed
}

// Start starts a child. The death signal belongs to the thread that started the child, not to the process, so a goroutine keeps that
// thread for as long as the child lives.
func Start(spec Spec) (*Process, error) {
	cmd := exec.Command(spec.Path, spec.Args...) //nolint:noctx,gosec // stopped by Stop, in order; what to run is the caller's to know
	cmd.Env, cmd.Dir = spec.Env, spec.Dir
	cmd.SysProcAttr = attributes(spec)
	// A nil *os.File in an interface would not be nil.
	if spec.Stdin != nil {
		cmd.Stdin = spec.Stdin
	}
	if spec.Stdout != nil {
		cmd.Stdout = spec.Stdout
	}
	if spec.Stderr != nil {
		cmd.Stderr = spec.Stderr
	}
	p := &Process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	return p, nil
}

func (p *Process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := p.cmd.Start(); err != nil {
		started <- err
		return
	}
	started <- nil
	p.err = p.cmd.Wait()
	close(p.done)
}

// PID is the child's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how the child ended; nil while it runs and after it ended by itself with status 0.
func (p *Process) Err() error {
	select {
	case <-p.done:
		return p.err
	default:
		return nil
	}
}

// Signal sends a signal; to a child that has ended it does nothing.
func (p *Process) Signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("process: %w", err)
	}
	return nil
}

// Kill ends the child at once and waits until it is gone.
func (p *Process) Kill() error {
	err := p.Signal(syscall.SIGKILL)
	if err == nil {
		<-p.done
	}
	return err
}

// Stop asks the child to end and waits for it. When ctx ends first, it is killed, and ctx's error is answered. How the child ended is
// not an error here, since servers differ in what they answer to a signal.
func (p *Process) Stop(ctx context.Context, ask syscall.Signal) error {
	if err := p.Signal(ask); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("process: %d did not stop: %w", p.PID(), context.Cause(ctx)), p.Kill())
	}
}
