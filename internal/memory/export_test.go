package memory

// StopFollowing ends what Spend began.
func StopFollowing() { following.Store(nil) }
