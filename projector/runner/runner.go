// Package runner keeps projections up to date from the broker.
//
// Each projection is a member of its own consumer group and works in sessions: any fault ends one, and the next begins from the
// checkpoints in PostgreSQL. Offsets are never relied on for being right. Checkpoints are compared and set, so that a member that lost a
// partition can't write; a partition whose last read record has changed is read again from its start, and so is one that the relay has
// filled again.
package runner

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/internal/cloudevents"
	"ticketing/internal/supervise"
	"ticketing/internal/wait"
	"ticketing/projector/projection"
	"ticketing/projector/rebuild"
	"ticketing/projector/tables"
)

const (
	batchSize = 5000 // records folded and committed at a time
	pollFor   = time.Second
	// fetchBytes bounds what of the topics is in memory, several times over once it is decoded: sections of thousands of rows are large.
	fetchBytes = 8 << 20
	// sessionTimeout is how long the partitions of a killed projector wait for another one. One that only looks dead, such as a frozen
	// process, is fenced by its checkpoints.
	sessionTimeout = 10 * time.Second
	// rebalanceTimeout is how long the members of a group wait in a rebalance for one that is alive but does not come, such as one whose batch
	// hangs. It is shorter than a session, after which the embedded broker would drop those who wait, without a word, and no longer than a
	// response is waited for beyond it (internal/kafka): else members that wait for each other give up and begin again in turn.
	rebalanceTimeout = 5 * time.Second
	leaveTimeout     = 2 * time.Second
	// connectionsOfRebuild is how many connections there are for each rebuild. It holds one, and needs another one now and then, as do the
	// sessions of all projections: if rebuilds held all, each would wait for the others.
	connectionsOfRebuild = 4
	shortestRetry        = 50 * time.Millisecond
	longestRetry         = 3 * time.Second
)

// Config is what Run needs.
type Config struct {
	Projections []projection.Projection // Required.
	Tables      tables.Config           // Run sets its Registerer and Announce. Required.
	Redis       redis.UniversalClient   // Where changes are announced. Default: nowhere.
	Kafka       []kgo.Opt               // How to reach the broker. Required.
	Group       string                  // Each projection has the consumer group "<group>-<projection>". Required.
	Topics      map[string]string       // Names of topics by category of streams. Required.
	Keys        cloudevents.Keys        // Records that none of them has signed are put aside. Default: all are taken for the relay's.
	Registerer  prometheus.Registerer   // Default: metrics are not registered.
}

// Run keeps the projections up to date until ctx ends, through all faults of databases and broker. It returns an error only if a topic
// is not configured.
func Run(ctx context.Context, cfg Config) error {
	cfg.Tables.Registerer = cfg.Registerer
	cfg.Tables = cfg.Tables.WithDefaults()
	metrics := newMetrics(cfg.Registerer)
	announcer := newAnnouncer(cfg.Redis, metrics, cfg.Tables.Logger)
	cfg.Tables.Announce = announcer.queueChanges
	runners := make([]*runner, len(cfg.Projections))
	rebuilds := make(chan struct{}, max(1, cfg.Tables.Read.Config().MaxConns/connectionsOfRebuild))
	for i, p := range cfg.Projections {
		topics, err := topicsOf(p, cfg.Topics)
		if err != nil {
			return err
		}
		runners[i] = &runner{
			Config: cfg, projection: p, topics: topics, metrics: metrics, log: cfg.Tables.Logger.With("projection", p.Name()), member: rand.Text(),
			rebuilds: rebuilds,
		}
	}
	var group sync.WaitGroup
	for _, r := range runners {
		group.Go(func() { r.run(ctx) })
	}
	group.Go(func() { announcer.run(ctx) })
	group.Wait()
	return nil
}

// topicsOf returns the topics that the projection reads.
func topicsOf(p projection.Projection, names map[string]string) ([]string, error) {
	topics := make([]string, 0, len(names))
	for _, category := range p.Categories() {
		if names[category] == "" {
			return nil, fmt.Errorf("no topic is configured for %s", category)
		}
		topics = append(topics, names[category])
	}
	return topics, nil
}

// runner keeps one projection up to date.
type runner struct {
	Config

	projection projection.Projection
	topics     []string
	metrics    *metrics
	log        *slog.Logger
	member     string        // names it in the consumer group, through all its sessions
	rebuilds   chan struct{} // holds an element for each rebuild of the process. nil: any number may run
	replayed   bool          // dead letters were tried again since the start
}

func (r *runner) run(ctx context.Context) {
	loop := supervise.New(supervise.Config{Name: "projection", Shortest: shortestRetry, Longest: longestRetry, Logger: r.log})
	loop.Run(ctx, func(ctx context.Context) error {
		return r.runSession(ctx, func() {
			if loop.Works() {
				r.log.Info("projection works again")
			}
		})
	})
	r.leaveGroup(context.WithoutCancel(ctx))
}

// groupName returns the name of the projection's consumer group.
func (r *runner) groupName() string { return r.Group + "-" + r.projection.Name() }

// repairTables rebuilds tables that need it, or waits while another process does, and reports whether they were replaced.
func (r *runner) repairTables(ctx context.Context, w *tables.Writer) (replaced bool, err error) {
	for {
		replaced, err = r.tryRepair(ctx, w)
		if !errors.Is(err, rebuild.ErrRebuilding) {
			return replaced, err
		}
		if err := wait.For(ctx, time.Second); err != nil {
			return false, err
		}
	}
}

func (r *runner) tryRepair(ctx context.Context, w *tables.Writer) (bool, error) {
	if r.rebuilds != nil {
		select {
		case r.rebuilds <- struct{}{}:
			defer func() { <-r.rebuilds }()
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	return rebuild.Repair(ctx, w)
}

// leaveGroup gives the partitions to other members at once. The ends of sessions do not: the next one has them again without a rebalance, also
// after the broker has restarted, and others would wait for a member that is gone.
func (r *runner) leaveGroup(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	client, err := kgo.NewClient(r.Kafka...)
	if err == nil {
		defer client.Close()
		_, err = kadm.NewClient(client).LeaveGroup(ctx, kadm.LeaveGroup(r.groupName()).InstanceIDs(r.member).Reason("the projector ends"))
	}
	if err != nil {
		r.log.Debug("the consumer group can't be left; others take over in a moment", "error", err)
	}
}

// openTables returns a writer for the live tables. Tables that were filled from another incarnation of the log are filled again from this
// one first: they may hold what never happened.
func (r *runner) openTables(ctx context.Context) (*tables.Writer, error) {
	w, head, err := tables.Open(ctx, r.Tables, r.projection)
	if err != nil {
		return nil, err
	}
	if w.Incarnation != head.Incarnation {
		r.log.Warn("the log has a new incarnation: the tables are filled again", "old", w.Incarnation, "new", head.Incarnation)
		if _, err := r.repairTables(ctx, w); err != nil {
			return nil, err
		}
		if w, _, err = tables.Open(ctx, r.Tables, r.projection); err != nil {
			return nil, err
		}
	}
	if !r.replayed { // what an older build, or older tables, could not apply may be possible now
		if _, _, err := w.Replay(ctx); err != nil {
			return nil, err
		}
		r.replayed = true
	}
	return w, nil
}
