// Reads a stream with a library for server-sent events in Go: prints each event as a line of JSON until it has enough.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"
	"strconv"

	"github.com/tmaxmax/go-sse"
)

func main() {
	wanted, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, os.Args[1], http.NoBody)
	if err != nil {
		log.Fatal(err)
	}
	connection := sse.NewConnection(request)
	lines := json.NewEncoder(os.Stdout)
	connection.SubscribeToAll(func(event sse.Event) {
		if err := lines.Encode(map[string]string{"id": event.LastEventID, "type": event.Type, "data": event.Data}); err != nil {
			log.Fatal(err)
		}
		if wanted--; wanted == 0 {
			stop()
		}
	})
	if err := connection.Connect(); err != nil && !errors.Is(err, context.Canceled) {
		log.Fatal(err)
	}
}
