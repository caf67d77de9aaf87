// Contributors lists who contributed to a repository, over HTTP.
//
// It stands for the many small services that are built as one static binary and are meant to run in an image with
// nothing else in it. With -once it prints what it finds there instead of serving.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	// A client that does not finish its header in this time is not waiting for an answer.
	headerTimeout = 5 * time.Second
	// Orchestrators kill a container 10 s after SIGTERM; what still runs is cut off before that.
	drainTimeout = 8 * time.Second
	// Less than engines give a check by default.
	healthTimeout = 5 * time.Second
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("contributors: ")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// run does what the arguments ask for, and returns when it is done or the context ends.
func run(ctx context.Context, arguments []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("contributors", flag.ExitOnError)
	address := flags.String("addr", ":8080", "`address` to listen on; port 0 takes a free one")
	source := flags.String("source", "", "`file or URL` of the list; without it, the one built in")
	zone := flags.String("zone", "Europe/Berlin", "time zone that -once looks up by `name`")
	health := flags.Bool("health", false, "ask the server at -addr whether it is well, and exit with its answer")
	once := flags.Bool("once", false, "print as JSON what is found here, and exit")
	showVersion := flags.Bool("version", false, "print the version, and exit")
	// An error cannot come back: ExitOnError has already told and ended.
	_ = flags.Parse(arguments)
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	list := listSource{location: *source, client: http.DefaultClient}
	switch {
	case *health:
		return checkHealth(ctx, *address)
	case *showVersion:
		_, err := fmt.Fprintln(stdout, version())
		return err
	case *once:
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(look(ctx, list, *zone))
	default:
		return serve(ctx, *address, newHandler(list))
	}
}

// checkHealth asks the server on this machine's port whether it is well: what an image without a shell or curl has to
// do for itself.
func checkHealth(ctx context.Context, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	// A server that listens everywhere is asked here.
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/healthz", nil)
	if err != nil {
		return err
	}
	// Not through a proxy of the environment: it would answer for itself.
	client := http.Client{Transport: &http.Transport{}}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("not well: %s", response.Status)
	}
	return nil
}

// serve answers requests until the context ends, then lets those that have begun finish.
func serve(ctx context.Context, address string, handler http.Handler) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	log.Printf("listening on %s", listener.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: headerTimeout}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	log.Print("stopping")
	drain, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	return server.Shutdown(drain)
}
