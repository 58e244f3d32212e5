package redis

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"ticketing/internal/network"
	"ticketing/internal/supervise"
)

// ErrAway says that Redis does not respond, as was found out before: the command was not sent.
var ErrAway = errors.New("redis does not respond")

// probeEvery is how often Redis is asked whether it is there. It may take as long as a command.
const probeEvery = 500 * time.Millisecond

// onlyProbes makes a client that has one connection and does not try again by itself.
func onlyProbes(o *redis.Options) {
	o.PoolSize, o.MaxRetries = 1, -1
}

// breaker bounds commands and refuses them while Redis does not respond. A command that fails closes the way for the others, and the next
// probe that succeeds opens it: in a moment, if only the command was slow.
type breaker struct {
	dialer *network.Dialer // of the client's connections
	probe  *redis.Client   // has a connection of its own
	fault  *supervise.Fault
	closed atomic.Bool   // nothing is sent
	doubt  chan struct{} // holds a token when a command has failed

	metrics *metrics
}

func newBreaker(dialer *network.Dialer, probe *redis.Client, log *slog.Logger) *breaker {
	return &breaker{dialer: dialer, probe: probe, fault: supervise.NewFault("reaching Redis", log), doubt: make(chan struct{}, 1)}
}

// DialHook is part of redis.Hook.
func (b *breaker) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook is part of redis.Hook.
func (b *breaker) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := b.guard(ctx, func(ctx context.Context) error { return next(ctx, cmd) })
		if errors.Is(err, ErrAway) {
			cmd.SetErr(err)
		}
		return err
	}
}

// ProcessPipelineHook is part of redis.Hook.
func (b *breaker) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := b.guard(ctx, func(ctx context.Context) error { return next(ctx, cmds) })
		if errors.Is(err, ErrAway) {
			for _, cmd := range cmds {
				cmd.SetErr(err)
			}
		}
		return err
	}
}

func (b *breaker) guard(ctx context.Context, do func(context.Context) error) error {
	if b.closed.Load() {
		b.metrics.calls.WithLabelValues(resultRefused).Inc()
		return ErrAway
	}
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	began := time.Now()
	err := do(bounded)
	b.metrics.observeCall(time.Since(began), err)
	if ctx.Err() == nil && isLost(err) {
		b.closed.Store(true)
		select {
		case b.doubt <- struct{}{}:
		default:
		}
	}
	return err
}

// isLost reports whether err is about the connection, not a reply of Redis.
func isLost(err error) bool {
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, io.EOF) || errors.Is(err, context.DeadlineExceeded)
}

// watchRedis asks Redis again and again whether it is there, until ctx ends.
func (b *breaker) watchRedis(ctx context.Context) {
	defer b.probe.Close()
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-b.doubt:
		}
		b.probeRedis(ctx)
	}
}

// probeRedis opens or closes the way for commands. When the probe's connection has failed, the client's are given up too: what took that
// one has taken them, and each would cost a command its time.
func (b *breaker) probeRedis(ctx context.Context) {
	err := b.ping(ctx)
	if err != nil && ctx.Err() == nil {
		b.fault.Note(ctx, err)
		err = b.ping(ctx) // on a new connection
		b.closed.Store(err != nil)
		b.dialer.CloseAll()
	}
	if ctx.Err() != nil {
		return
	}
	b.closed.Store(err != nil)
	b.fault.Note(ctx, err)
}

func (b *breaker) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return b.probe.Ping(ctx).Err()
}
