package redis

// Waiting is how many scripts wait for the pipeline that is on its way.
func (c *Combining) Waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.waiting)
}
