// Reads a stream with a library for server-sent events in Go: prints each event as a line of JSON.
package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"os"

	"github.com/tmaxmax/go-sse"
)

func main() {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, os.Args[1], http.NoBody)
	if err != nil {
		log.Fatal(err)
	}
	connection := sse.NewConnection(request)
	lines := json.NewEncoder(os.Stdout)
	connection.SubscribeToAll(func(event sse.Event) {
		if err := lines.Encode(map[string]string{"id": event.LastEventID, "type": event.Type, "data": event.Data}); err != nil {
			log.Fatal(err)
		}
	})
	log.Fatal(connection.Connect())
}
