// Package process runs servers as children that do not outlive this process: the kernel signals them when their parent ends, even by
// kill -9.
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

// Spec describes a child. It gets a process group of its own, so that a Ctrl-C in the terminal reaches only the parent, which then stops
// its children.
type Spec struct {
	Path        string         // Of the program. Required.
	Args        []string       // Without the program's name. Default: none.
	Env         []string       // Default: this process's.
	Dir         string         // Default: this process's.
	Stdin       *os.File       // Default: /dev/null.
	Stdout      *os.File       // Default: /dev/null.
	Stderr      *os.File       // Default: /dev/null.
	Identity    *Identity      // Default: this process's.
	DeathSignal syscall.Signal // Sent to the child when this process ends (Linux only). Default: SIGKILL.
}

// Process is a child, running or ended.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // read only after done is closed
}

// Start starts a child. The death signal belongs to the thread that started the child, not to the process, so a goroutine keeps that
// thread for as long as the child lives.
func Start(spec Spec) (*Process, error) {
	cmd := exec.Command(spec.Path, spec.Args...) //nolint:noctx,gosec // Stop ends it; the caller knows what to run
	cmd.Env, cmd.Dir = spec.Env, spec.Dir
	cmd.SysProcAttr = newAttributes(spec)
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
	go p.runChild(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start a process: %w", err)
	}
	return p, nil
}

func (p *Process) runChild(started chan<- error) {
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

// PID returns the child's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done returns a channel that is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err returns how the child ended: nil while it runs, and if it ended with status 0.
func (p *Process) Err() error {
	select {
	case <-p.done:
		return p.err
	default:
		return nil
	}
}

// Signal sends a signal. It does nothing if the child has ended.
func (p *Process) Signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal a process: %w", err)
	}
	return nil
}

// Kill kills the child and waits until it has ended.
func (p *Process) Kill() error {
	err := p.Signal(syscall.SIGKILL)
	if err == nil {
		<-p.done
	}
	return err
}

// Stop asks the child to end and waits for it. If ctx ends first, it kills the child and returns ctx's error. It ignores the child's exit
// status, since servers differ in how they end on a signal.
func (p *Process) Stop(ctx context.Context, ask syscall.Signal) error {
	if err := p.Signal(ask); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("process %d did not stop: %w", p.cmd.Process.Pid, context.Cause(ctx)), p.Kill())
	}
}
