package auth

import (
	_ "embed"

	"github.com/redis/go-redis/v9"
)

// The keys in Redis. The scripts access keys that they compute from others, so that it must be one Redis (with replicas), not a
// cluster. All of it can be lost: users sign in again.
const (
	linkPrefix     = "auth:link:"     // + hash of a token: expiry and address
	browserPrefix  = "auth:browser:"  // + hash of a token: hash of the nonce of the browser that asked for the link
	sessionPrefix  = "auth:session:"  // + session id: a hash of user, hash, agent, created, seen, expires, idle, limit, roles, renew, next, epoch
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
	//go:embed scripts/publish_account.lua
	publishAccountSource string

	createSession  = redis.NewScript(createSessionSource)
	useSession     = redis.NewScript(useSessionSource)
	renewSession   = redis.NewScript(renewSessionSource)
	endSession     = redis.NewScript(endSessionSource)
	endAllSessions = redis.NewScript(endAllSessionsSource)
	publishAccount = redis.NewScript(publishAccountSource)
)
