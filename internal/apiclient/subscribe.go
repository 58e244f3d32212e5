package apiclient

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"ticketing/internal/wait"
)

// Subscribe calls each with the data of every event until ctx ends or the server completes; then it returns nil. It opens a broken stream
// again. Where a subscription begins with the present state, nothing is missed.
func (c *Client) Subscribe(ctx context.Context, op Operation, each func(data json.RawMessage)) error {
	for failures := 0; ; failures++ {
		err := c.readStream(ctx, op, func(data json.RawMessage) {
			failures = 0
			each(data)
		})
		const most = 20 // in a row; half a minute
		pause := pauseAfter(err, failures)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the end of ctx is no failure
		case pause == 0 || failures == most:
			return err
		}
		_ = wait.For(ctx, pause)
	}
}

// readStream reads one stream of server-sent events, in the distinct connections mode of graphql-sse.
func (c *Client) readStream(ctx context.Context, op Operation, each func(json.RawMessage)) error {
	resp, err := c.post(ctx, op, "text/event-stream")
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		data, hasData := strings.CutPrefix(line, "data: ")
		switch {
		case line == "event: complete":
			return nil
		case resp.StatusCode != http.StatusOK: // a refusal is a response like that to a query
			return decodeResponse(op.Name, []byte(line), nil)
		case hasData:
			var state json.RawMessage
			if err := decodeResponse(op.Name, []byte(data), &state); err != nil {
				return err
			}
			each(state)
		}
	}
	return ErrNoResponse
}
