package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sort"
	"strings"
	"time"
)

const (
	// Far above the largest page that a forge's API gives.
	maxListBytes = 4 << 20
	fetchTimeout = 10 * time.Second
)

//go:embed contributors.json
var builtInList []byte

// A contributor is one entry of the list, named as in the JSON of the common forges' APIs.
type contributor struct {
	Login         string `json:"login"`
	Contributions int    `json:"contributions"`
}

// A listSource is where the list comes from: an http or https URL, a file, or, when empty, the program itself.
type listSource struct {
	location string
	client   *http.Client
}

// contributors reads the list anew; those with the most contributions come first.
func (s listSource) contributors(ctx context.Context) ([]contributor, error) {
	reader, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	content, err := io.ReadAll(io.LimitReader(reader, maxListBytes+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxListBytes {
		return nil, fmt.Errorf("the list is larger than %d bytes", maxListBytes)
	}
	list := []contributor{}
	if err := json.Unmarshal(content, &list); err != nil {
		return nil, fmt.Errorf("not a list of contributors: %w", err)
	}
	if list == nil {
		return nil, fmt.Errorf("not a list of contributors: null")
	}
	sort.Slice(list, func(i, j int) bool {
		if list[i].Contributions != list[j].Contributions {
			return list[i].Contributions > list[j].Contributions
		}
		return list[i].Login < list[j].Login
	})
	return list, nil
}

func (s listSource) open(ctx context.Context) (io.ReadCloser, error) {
	switch {
	case s.location == "":
		return io.NopCloser(strings.NewReader(string(builtInList))), nil
	case strings.HasPrefix(s.location, "https://"), strings.HasPrefix(s.location, "http://"):
		return s.fetch(ctx)
	default:
		return os.Open(s.location)
	}
}

func (s listSource) fetch(ctx context.Context) (io.ReadCloser, error) {
	// The time-out covers the body as well, so it is cancelled only when the body is closed.
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.location, nil)
	if err != nil {
		cancel()
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "contributors/"+version())
	response, err := s.client.Do(request)
	if err != nil {
		cancel()
		return nil, err
	}
	body := cancellingBody{response.Body, cancel}
	if response.StatusCode != http.StatusOK {
		body.Close()
		return nil, fmt.Errorf("the source answered %s", response.Status)
	}
	return body, nil
}

type cancellingBody struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b cancellingBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}
