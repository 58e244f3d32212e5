package auth

import "context"

// Settle lets tests end a change of roles later than it ended.
func (s *Service) Settle(ctx context.Context, userID, fence string, roles []Role) {
	s.settle(ctx, userID, fence, account{exists: true, roles: roles})
}
