package parts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"ticketing/internal/buildinfo"
	"ticketing/internal/config"
)

// Program is a binary that runs one part of the product.
type Program struct {
	Name  string                                 // "api". Required.
	Does  string                                 // What it does, a sentence for --help. Required.
	Needs []config.Need                          // What it can't run without. Default: everything, in production.
	Run   func(ctx context.Context, e Env) error // Runs until ctx ends. Required.
}

// Main reads the configuration and runs the program, with the operators' server (metrics, health) beside it, until SIGINT or SIGTERM.
// It returns the exit status.
func (p Program) Main(args []string) int {
	if buildinfo.HandleFlags(os.Stdout, p.Name, p.usage(), args) {
		return 0
	}
	if len(args) > 0 {
		fmt.Fprintf(os.Stderr, "%s: unknown argument %q\n%s\n", p.Name, args[0], p.usage())
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cfg, err := config.Load(config.Environ(), p.Needs...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if err := Run(ctx, p.Name, cfg, p.Run); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(os.Stderr, "%s: %v\n", p.Name, err)
		return 1
	}
	return 0
}

func (p Program) usage() string {
	return fmt.Sprintf("usage: %s [--version | --help]\n\n%s\n%s", p.Name, p.Does, p.Environment())
}

// Environment says, for --help, what the program can't run without.
func (p Program) Environment() string {
	names := make([]string, len(p.Needs))
	for i, need := range p.Needs {
		names[i] = string(need)
	}
	return "The environment configures it: see .env.example. Required:\n" + strings.Join(names, ", ")
}

// APIProgram is the binary api.
func APIProgram() Program {
	return Program{
		Name: "api", Does: "Serves the GraphQL API. Any number may run.",
		Needs: []config.Need{
			config.NeedEvents, config.NeedRead, config.NeedAuth, config.NeedRedis, config.NeedBroker, config.NeedMail, config.NeedLinks, config.NeedTicketKeys,
		},
		Run: func(ctx context.Context, e Env) error {
			listener, err := Listen(ctx, e.Config.Addr())
			if err != nil {
				return err
			}
			return API(ctx, e, listener)
		},
	}
}

// RelayProgram is the binary relay.
func RelayProgram() Program {
	return Program{
		Name: "relay", Does: "Publishes the log to the broker. One works, any others stand by.",
		Needs: []config.Need{config.NeedEvents, config.NeedBroker, config.NeedRecordKeys}, Run: Relay,
	}
}

// ProjectorProgram is the binary projector, which keeps the named projections, or all when none is named.
func ProjectorProgram(projections ...string) Program {
	return Program{
		Name: "projector", Does: "Keeps read tables up to date. Any number may run.",
		Needs: []config.Need{config.NeedEvents, config.NeedRead, config.NeedRedis, config.NeedBroker, config.NeedRecordKeys},
		Run:   func(ctx context.Context, e Env) error { return Projector(ctx, e, projections...) },
	}
}

// SagaProgram is the binary saga.
func SagaProgram() Program {
	return Program{
		Name:  "saga",
		Does:  "Does what falls due: holds expire, sales open and close, payments are reconciled, refunds are made. Any number may run.",
		Needs: []config.Need{config.NeedEvents, config.NeedAuth, config.NeedMail, config.NeedLinks, config.NeedTicketKeys}, Run: Saga,
	}
}
