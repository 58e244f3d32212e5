package eventstore_test

import (
	"encoding/json"
	"fmt"

	"ticketing/command/eventstore"
)

type ticketSold struct {
	Seat string `json:"seat"`
}

func Example() {
	registry := eventstore.NewRegistry()
	eventstore.Register[ticketSold](registry, "TicketSold", 2)
	// Version 1 had the row and the number of the seat.
	registry.Upcast("TicketSold", 1, func(data json.RawMessage) (json.RawMessage, error) {
		var old struct {
			Row    string `json:"row"`
			Number int    `json:"number"`
		}
		if err := json.Unmarshal(data, &old); err != nil {
			return nil, err
		}
		return json.Marshal(ticketSold{Seat: fmt.Sprintf("%s-%d", old.Row, old.Number)})
	})

	name, version, data, err := registry.Encode(ticketSold{Seat: "B-7"})
	fmt.Println(name, version, string(data), err)
	domainEvent, err := registry.Decode("TicketSold", 1, json.RawMessage(`{"row": "A", "number": 4}`))
	fmt.Println(domainEvent, err)
	// Output:
	// TicketSold 2 {"seat":"B-7"} <nil>
	// {A-4} <nil>
}

func ExampleSplitStreamID() {
	category, id := eventstore.SplitStreamID(eventstore.StreamID("payment", "pay_1"))
	fmt.Println(category, id)
	// Output: payment pay_1
}
