package auth

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// lookupBatch bounds one pipeline.
const lookupBatch = 500

// lookUp fires the watches whose principal is no longer true. Where Redis or the database can't be asked, nothing is known and
// nothing fires.
func (s *Service) lookUp(ctx context.Context, list []*watch) {
	for batch := range slices.Chunk(list, lookupBatch) {
		stale, err := s.stale(ctx, batch)
		if err != nil {
			if ctx.Err() == nil {
				s.log.WarnContext(ctx, "watched sessions not looked up", "error", err)
			}
			return
		}
		for _, w := range stale {
			s.watches.fire(w)
		}
	}
}

// stale answers those whose session ended or whose roles are others now, in one round trip and at most one query.
func (s *Service) stale(ctx context.Context, batch []*watch) ([]*watch, error) {
	ends, entries := make([]*redis.StringCmd, len(batch)), make([]*redis.StringCmd, len(batch))
	_, err := s.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, w := range batch {
			ends[i] = p.HGet(ctx, sessionPrefix+w.principal.SessionID, "idle")
			entries[i] = p.Get(ctx, accountPrefix+w.principal.UserID)
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, unavailable("look watched sessions up", err)
	}
	var stale, unknown []*watch
	for i, w := range batch {
		alive, err := s.alive(ends[i])
		if err != nil {
			return nil, err
		}
		entry, err := entries[i].Result()
		switch {
		case !alive:
			stale = append(stale, w)
		case errors.Is(err, redis.Nil), err == nil && strings.HasPrefix(entry, fencePrefix):
			unknown = append(unknown, w)
		case err != nil:
			return nil, unavailable("look a watched account up", err)
		case !parseAccount(entry).same(w.principal):
			stale = append(stale, w)
		}
	}
	changed, err := s.changed(ctx, unknown)
	return append(stale, changed...), err
}

// alive says whether a session that ends when Redis answered, unless it is used before, is still there.
func (s *Service) alive(ends *redis.StringCmd) (bool, error) {
	text, err := ends.Result()
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	if err != nil {
		return false, unavailable("look a watched session up", err)
	}
	millis, err := strconv.ParseInt(text, 10, 64)
	return err == nil && millis > s.now().UnixMilli(), nil
}

// changed answers those whose roles in the database are others now.
func (s *Service) changed(ctx context.Context, list []*watch) ([]*watch, error) {
	if len(list) == 0 {
		return nil, nil
	}
	ids := make([]string, len(list))
	for i, w := range list {
		ids[i] = w.principal.UserID
	}
	accounts, err := s.loadAccounts(ctx, s.pool, ids)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list, func(w *watch) bool { return accounts[w.principal.UserID].same(w.principal) }), nil
}
