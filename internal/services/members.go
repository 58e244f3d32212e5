package services

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// members has members leave their consumer groups that send no heartbeats. The broker does it for those it has sent a response; one whose connection
// ended while its join was held back would keep its partitions for good.
type members struct {
	broker *Broker
	mu     sync.Mutex
	groups map[string]*groupMembers
}

// groupMembers is what requests have shown of a group.
type groupMembers struct {
	timeout time.Duration        // the longest session
	seen    map[string]time.Time // when each member was heard last
}

// checkMembers is how often members are looked at, and how much longer than their session they have.
const checkMembers = time.Second

func newMembers(b *Broker) *members {
	m := &members{broker: b, groups: map[string]*groupMembers{}}
	for _, key := range []kmsg.Key{kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat} {
		b.cluster.ControlKey(key.Int16(), func(request kmsg.Request) (kmsg.Response, error, bool) {
			m.note(request)
			return nil, nil, false //nolint:nilnil // the broker handles it
		})
	}
	return m
}

// note notes that a member is there. The broker calls it before it handles the request.
func (m *members) note(request kmsg.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch r := request.(type) {
	case *kmsg.JoinGroupRequest:
		g := m.groups[r.Group]
		if g == nil {
			g = &groupMembers{seen: map[string]time.Time{}}
			m.groups[r.Group] = g
		}
		g.timeout = max(g.timeout, time.Duration(r.SessionTimeoutMillis)*time.Millisecond)
		g.seen[r.MemberID] = time.Now()
	case *kmsg.SyncGroupRequest:
		m.noteMember(r.Group, r.MemberID)
	case *kmsg.HeartbeatRequest:
		m.noteMember(r.Group, r.MemberID)
	}
}

func (m *members) noteMember(group, member string) {
	if g := m.groups[group]; g != nil {
		g.seen[member] = time.Now()
	}
}

func (m *members) run(stop <-chan struct{}) {
	ticker := time.NewTicker(checkMembers)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			m.removeSilent()
		case <-stop:
			return
		}
	}
}

func (m *members) removeSilent() {
	m.mu.Lock()
	names := slices.Collect(maps.Keys(m.groups))
	m.mu.Unlock()
	for _, name := range names {
		if silent := m.findSilent(name); len(silent) > 0 {
			m.removeMembers(name, silent)
		}
	}
}

// findSilent returns the members of a group that were not heard for too long. In a rebalance members wait for each other, unheard.
func (m *members) findSilent(group string) (ids []string) {
	info := m.broker.cluster.GroupInfo(group) // not under the lock: the broker waits for it in note
	m.mu.Lock()
	defer m.mu.Unlock()
	if info == nil {
		delete(m.groups, group)
		return nil
	}
	g, now, seen := m.groups[group], time.Now(), map[string]time.Time{}
	for _, member := range info.Members {
		last, known := g.seen[member.MemberID]
		if !known || info.State != "Stable" {
			last = now
		}
		if now.Sub(last) > g.timeout+checkMembers {
			ids = append(ids, member.MemberID)
		}
		seen[member.MemberID] = last
	}
	g.seen = seen
	return ids
}

// removeMembers has members leave. What fails is tried again at the next check.
func (m *members) removeMembers(group string, ids []string) {
	ctx, cancel := context.WithTimeout(context.Background(), checkMembers)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(m.broker.Addrs()...))
	if err != nil {
		return
	}
	defer client.Close()
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Group = group
	for _, id := range ids {
		member := kmsg.NewLeaveGroupRequestMember()
		member.MemberID = id
		leave.Members = append(leave.Members, member)
	}
	_, _ = leave.RequestWith(ctx, client)
	m.broker.logger.Debug(fmt.Sprintf("broker: %d silent members leave group %s", len(ids), group))
}
