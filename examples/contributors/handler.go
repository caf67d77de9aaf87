package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"strings"
)

// newHandler serves the list at / and the program's health at /healthz.
func newHandler(list listSource) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) {
		if onlyReads(w, r) {
			plain(w, http.StatusOK)
			fmt.Fprintln(w, "ok")
		}
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/":
			http.NotFound(w, r)
		case onlyReads(w, r):
			writeList(w, r, list)
		}
	})
	return mux
}

func writeList(w http.ResponseWriter, r *http.Request, list listSource) {
	contributors, err := list.contributors(r.Context())
	if err != nil {
		log.Printf("%s: %v", r.RemoteAddr, err)
		plain(w, http.StatusBadGateway)
		fmt.Fprintf(w, "cannot read the contributors: %v\n", err)
		return
	}
	w.Header().Set("Vary", "Accept")
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		// An error here means that the client has gone: nobody is left to tell.
		_ = encoder.Encode(contributors)
		return
	}
	plain(w, http.StatusOK)
	for _, contributor := range contributors {
		fmt.Fprintf(w, "%6d  %s\n", contributor.Contributions, contributor.Login)
	}
}

// onlyReads refuses every method but GET and HEAD.
func onlyReads(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	plain(w, http.StatusMethodNotAllowed)
	fmt.Fprintln(w, "only GET and HEAD")
	return false
}

func plain(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
}
