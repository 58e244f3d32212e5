package ticketing

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"ticketing/clients/go/api"
)

// WatchReservation calls each with a reservation's state now and whenever it changed, as Subscribe does.
func (c *Client) WatchReservation(ctx context.Context, id string, each func(api.Reservation) error) error {
	op := Operation{"WatchReservation", api.WatchReservation_Operation, map[string]any{"id": id}}
	return subscribe(ctx, c, op, func(data api.WatchReservationResponse) error { return each(data.ReservationStatus) })
}

// WatchAvailability calls each with an event and the counts of its sections now and whenever they changed, as Subscribe does.
func (c *Client) WatchAvailability(ctx context.Context, eventID string, each func(api.Event) error) error {
	op := Operation{"WatchAvailability", api.WatchAvailability_Operation, map[string]any{"eventId": eventID}}
	return subscribe(ctx, c, op, func(data api.WatchAvailabilityResponse) error { return each(data.Availability) })
}

// WatchSeats calls each with the seats of an event that changed, as Subscribe does. First it has the version alone: then read api.GetSeatMap. After a
// break it goes on with what changed meanwhile.
func (c *Client) WatchSeats(ctx context.Context, eventID string, each func(api.WatchSeatsSeatChanges) error) error {
	variables := map[string]any{"eventId": eventID}
	op := Operation{"WatchSeats", api.WatchSeats_Operation, variables}
	return subscribe(ctx, c, op, func(data api.WatchSeatsResponse) error {
		variables["sinceVersion"] = data.SeatChanges.Version
		return each(data.SeatChanges)
	})
}

func subscribe[T any](ctx context.Context, c *Client, op Operation, each func(T) error) error {
	return c.Subscribe(ctx, op, func(data json.RawMessage) error {
		var decoded T
		if err := json.Unmarshal(data, &decoded); err != nil {
			return fmt.Errorf("decode %s: %w", op.Name, err)
		}
		return each(decoded)
	})
}

// Subscribe calls each with the data of every event until ctx ends or the server completes; then it returns nil. An error of each ends it,
// too. It opens a broken stream again. Where a subscription begins with the present state, nothing is missed.
func (c *Client) Subscribe(ctx context.Context, op Operation, each func(data json.RawMessage) error) error {
	for failures := 0; ; failures++ {
		call, err := newCall(op) // again: what was read may have changed its variables
		if err != nil {
			return err
		}
		err = c.readStream(ctx, call, func(data json.RawMessage) error {
			failures = 0
			return each(data)
		})
		const most = 20 // in a row; half a minute
		pause := pauseAfter(err, failures)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the end of ctx is no failure
		case pause == 0 || failures == most:
			return err
		}
		_ = sleep(ctx, pause)
	}
}

// readStream reads one stream of server-sent events, in the distinct connections mode of graphql-sse.
func (c *Client) readStream(ctx context.Context, call call, each func(json.RawMessage) error) error {
	resp, err := c.post(ctx, call, "text/event-stream")
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	var end error
	for lines.Scan() {
		line := lines.Text()
		data, hasData := strings.CutPrefix(line, "data: ")
		switch {
		case strings.HasPrefix(line, "retry: "): // the process ends, the subscription does not
			end = ErrNoResponse
		case line == "event: complete":
			return end
		case resp.StatusCode != http.StatusOK: // a refusal is a response like that to a query
			return decodeResponse(call.name, []byte(line), nil)
		case hasData:
			var state json.RawMessage
			err = decodeResponse(call.name, []byte(data), &state)
			if err == nil {
				err = each(state)
			}
			if err != nil {
				return err
			}
		}
	}
	return ErrNoResponse
}
