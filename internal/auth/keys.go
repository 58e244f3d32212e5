package auth

import (
	_ "embed"

	"github.com/redis/go-redis/v9"
)

// Where things are in Redis. The scripts reach keys that they compute from others, so it is one Redis (with replicas), not a
// cluster. All of it can be lost: people sign in again.
const (
	linkPrefix     = "auth:link:"     // + hash of a token: expiry and address
	sessionPrefix  = "auth:session:"  // + session id: a hash of user, hash, agent, created, seen, expires, idle, limit, roles, renew, next
	sessionsPrefix = "auth:sessions:" // + user id: the ids of their sessions by age
	accountPrefix  = "auth:account:"  // + user id: see account.go
	changesChannel = "auth:changes"   // the id of a session that ended, or of a user whose roles changed
)

var (
	//go:embed scripts/create_session.lua
	createSessionSource string
	//go:embed scripts/use_session.lua
	useSessionSource string
	//go:embed scripts/renew_session.lua
	renewSessionSource string
	//go:embed scripts/end_session.lua
	endSessionSource string
	//go:embed scripts/end_all_sessions.lua
	endAllSessionsSource string
	//go:embed scripts/settle_account.lua
	settleAccountSource string

	createSession  = redis.NewScript(createSessionSource)
	useSession     = redis.NewScript(useSessionSource)
	renewSession   = redis.NewScript(renewSessionSource)
	endSession     = redis.NewScript(endSessionSource)
	endAllSessions = redis.NewScript(endAllSessionsSource)
	settleAccount  = redis.NewScript(settleAccountSource)
)
