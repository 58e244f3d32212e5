package auth

import "context"

// PublishAccount lets tests finish a change of roles late.
func (s *Service) PublishAccount(ctx context.Context, userID, fence string, roles []Role) {
	s.publishAccount(ctx, userID, fence, account{exists: true, roles: roles})
}
