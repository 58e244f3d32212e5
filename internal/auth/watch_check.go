package auth

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// checkBatch bounds one pipeline.
const checkBatch = 500

// checkWatches fires the watches whose principal is out of date. If Redis or the database can't be asked, no watch fires.
func (s *Service) checkWatches(ctx context.Context, list []*watch) {
	for batch := range slices.Chunk(list, checkBatch) {
		stale, err := s.findStale(ctx, batch)
		if err != nil {
			if ctx.Err() == nil {
				s.log.WarnContext(ctx, "watched sessions not checked", "error", err)
			}
			return
		}
		for _, w := range stale {
			s.watches.fireWatch(w)
		}
	}
}

// findStale returns the watches whose session has ended or whose user has other roles now, with one round trip and at most one query.
func (s *Service) findStale(ctx context.Context, batch []*watch) ([]*watch, error) {
	ends, entries := make([]*redis.StringCmd, len(batch)), make([]*redis.StringCmd, len(batch))
	_, err := s.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, w := range batch {
			ends[i] = p.HGet(ctx, sessionPrefix+w.principal.SessionID, "idle")
			entries[i] = p.Get(ctx, accountPrefix+w.principal.UserID)
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, unavailable("check watched sessions", err)
	}
	var stale, unknown []*watch
	for i, w := range batch {
		alive, err := s.isAlive(ends[i])
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
			return nil, unavailable("check a watched account", err)
		case !parseAccount(entry).allows(w.principal):
			stale = append(stale, w)
		}
	}
	changed, err := s.findChanged(ctx, unknown)
	return append(stale, changed...), err
}

// isAlive reports whether a session has not ended, given Redis's reply with the time of its end.
func (s *Service) isAlive(ends *redis.StringCmd) (bool, error) {
	text, err := ends.Result()
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	if err != nil {
		return false, unavailable("check a watched session", err)
	}
	millis, err := strconv.ParseInt(text, 10, 64)
	return err == nil && millis > s.now().UnixMilli(), nil
}

// findChanged returns the watches whose user has other roles in the database.
func (s *Service) findChanged(ctx context.Context, list []*watch) ([]*watch, error) {
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
	return slices.DeleteFunc(list, func(w *watch) bool { return accounts[w.principal.UserID].allows(w.principal) }), nil
}
