package auth

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Redis caches accounts, so that authenticating does not ask the database. An entry is one of
//
//	"ADMIN,CUSTOMER"  the roles, possibly none
//	"!"               no such user, or an erased one
//	"-<nonce>"        a fence: the account is being changed; ask the database and cache nothing
//
// A change sets its fence before it commits and replaces it by the new account afterwards. So an old account is never used once the
// change has returned: a request that read the database earlier finds the entry taken, since a read only fills an empty entry. If the
// process dies in between, the fence expires, later than the transaction that it guards.
const (
	accountTTL   = 5 * time.Minute
	fenceTTL     = 30 * time.Second
	changeLimit  = 10 * time.Second // of the transaction between fence and commit: well below fenceTTL
	noAccount    = "!"
	fencePrefix  = "-"
	roleSplitter = ","
)

// account is a user as authentication needs it.
type account struct {
	exists bool
	roles  []Role // sorted
}

// accountOf returns a user's account from the cached entry (nil: none), else from the database.
func (s *Service) accountOf(ctx context.Context, userID string, cached any) (account, error) {
	entry, known := cached.(string)
	if known && !strings.HasPrefix(entry, fencePrefix) {
		return parseAccount(entry), nil
	}
	accounts, err := s.loadAccounts(ctx, s.pool, []string{userID})
	if err != nil {
		return account{}, err
	}
	a := accounts[userID]
	if !known {
		if err := s.redis.SetNX(ctx, accountPrefix+userID, a.cacheEntry(), accountTTL).Err(); err != nil {
			s.log.WarnContext(ctx, "roles not cached in Redis", "error", err)
		}
	}
	return a, nil
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// loadAccounts reads accounts from the database. Accounts that do not exist are missing from the result.
func (s *Service) loadAccounts(ctx context.Context, from querier, userIDs []string) (map[string]account, error) {
	const query = `
		SELECT u.id, coalesce(array_agg(r.role ORDER BY r.role) FILTER (WHERE r.role IS NOT NULL), '{}')
		FROM users u LEFT JOIN user_roles r ON r.user_id = u.id
		WHERE u.id = ANY($1) AND u.erased_at IS NULL
		GROUP BY u.id`
	rows, err := from.Query(ctx, query, userIDs)
	if err != nil {
		return nil, unavailable("read roles", err)
	}
	accounts := make(map[string]account, len(userIDs))
	var userID string
	var roles []Role
	_, err = pgx.ForEachRow(rows, []any{&userID, &roles}, func() error {
		accounts[userID] = account{exists: true, roles: roles}
		roles = nil
		return nil
	})
	if err != nil {
		return nil, unavailable("read roles", err)
	}
	return accounts, nil
}

func (a account) cacheEntry() string {
	if !a.exists {
		return noAccount
	}
	names := make([]string, len(a.roles))
	for i, r := range a.roles {
		names[i] = string(r)
	}
	return strings.Join(names, roleSplitter)
}

func parseAccount(entry string) account {
	switch entry {
	case noAccount:
		return account{}
	case "":
		return account{exists: true}
	}
	names := strings.Split(entry, roleSplitter)
	roles := make([]Role, len(names))
	for i, name := range names {
		roles[i] = Role(name)
	}
	return account{exists: true, roles: roles}
}

// allows reports whether the account still has exactly p's roles.
func (a account) allows(p Principal) bool { return a.exists && slices.Equal(a.roles, p.Roles) }
