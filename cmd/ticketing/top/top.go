// Package top shows in a terminal what the processes of a deployment do, from their metrics alone.
package top

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"ticketing/internal/buildinfo"
)

// shortest is the least time between two reads: each costs every process some milliseconds.
const shortest = 500 * time.Millisecond

const usage = `usage: ticketing top [-once] [-every 2s] [HOST:PORT]...
           show what the processes do whose METRICS_PORT is at these addresses; by default those of METRICS_ADDRESSES, separated by commas, else
           127.0.0.1:9090. A name of several hosts means all of them.
  -once    print it once, and end: for scripts, and without a terminal
  -every   how often it is read; the rates are those of this time`

// Main is the subcommand top. It returns the exit status of the process: 1 if no address has responded, 2 if it could not run.
func Main(ctx context.Context, args []string, environ map[string]string, out io.Writer) int {
	if buildinfo.HandleFlags(out, "ticketing top", usage, args) {
		return 0
	}
	flags := flag.NewFlagSet("ticketing top", flag.ContinueOnError)
	flags.Usage = func() { fmt.Fprintln(os.Stderr, usage) }
	once, every := flags.Bool("once", false, ""), flags.Duration("every", 2*time.Second, "")
	if flags.Parse(args) != nil {
		return 2
	}
	addresses := addressesOf(flags.Args(), environ)
	if *once {
		sample := Scrape(ctx, addresses)
		fmt.Fprint(out, Render(Sample{}, sample))
		if len(sample.Processes) == 0 {
			return 1
		}
		return 0
	}
	program := tea.NewProgram(New(ctx, addresses, max(*every, shortest)), tea.WithContext(ctx), tea.WithOutput(out))
	if _, err := program.Run(); err != nil && !errors.Is(err, tea.ErrInterrupted) && ctx.Err() == nil {
		if _, missing := errors.AsType[*fs.PathError](err); missing { // /dev/tty can't be opened
			err = errNoTerminal
		}
		fmt.Fprintln(os.Stderr, "ticketing top:", err)
		return 2
	}
	return 0
}

var errNoTerminal = errors.New("no terminal: use -once")

func addressesOf(args []string, environ map[string]string) []string {
	list := args
	if len(list) == 0 && environ["METRICS_ADDRESSES"] != "" {
		list = strings.Split(environ["METRICS_ADDRESSES"], ",")
	}
	if len(list) == 0 {
		list = []string{"127.0.0.1:9090"}
	}
	addresses := make([]string, len(list))
	for i, address := range list {
		addresses[i] = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(address), "http://"), "/metrics")
	}
	return addresses
}

// Model is what the terminal shows. It implements tea.Model.
type Model struct {
	ctx         context.Context //nolint:containedctx // tea.Model's methods get none
	addresses   []string
	every       time.Duration
	before, now Sample
}

// New returns a model that reads the metrics at the addresses every so often.
func New(ctx context.Context, addresses []string, every time.Duration) Model {
	return Model{ctx: ctx, addresses: addresses, every: every}
}

// Init implements tea.Model.
func (m Model) Init() tea.Cmd { return m.scrape }

func (m Model) scrape() tea.Msg { return Scrape(m.ctx, m.addresses) }

// Update implements tea.Model.
func (m Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case Sample:
		m.before, m.now = m.now, msg
		return m, tea.Tick(m.every, func(time.Time) tea.Msg { return m.scrape() })
	case tea.KeyPressMsg:
		if key := msg.String(); key == "q" || key == "esc" || key == "ctrl+c" {
			return m, tea.Quit
		}
	}
	return m, nil
}

// View implements tea.Model.
func (m Model) View() tea.View {
	text := "reading metrics …\n"
	if !m.now.At.IsZero() {
		text = Render(m.before, m.now) + "\nq ends\n"
	}
	view := tea.NewView(text)
	view.AltScreen = true
	return view
}
