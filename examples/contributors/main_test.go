package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What takes longer than this hangs.
const patience = 30 * time.Second

// TestMain lets a test run the whole program in a process of its own: the test binary is the program when told so.
func TestMain(m *testing.M) {
	if os.Getenv("CONTRIBUTORS_TEST_RUNS_PROGRAM") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func program(t *testing.T, environment []string, arguments ...string) *exec.Cmd {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	command := exec.CommandContext(ctx, executable, arguments...)
	command.Env = append(environment, "CONTRIBUTORS_TEST_RUNS_PROGRAM=1")
	return command
}

func ask(t *testing.T, handler http.Handler, method, path, accept string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequest(method, path, nil)
	if accept != "" {
		request.Header.Set("Accept", accept)
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder
}

func TestServesTheListAsTextAndAsJSON(t *testing.T) {
	handler := newHandler(listSource{})
	const text = "  1969  margaret\n  1906  grace\n   412  ada\n    57  edsger\n    57  katherine\n"
	if reply := ask(t, handler, "GET", "/", "*/*"); reply.Code != 200 || reply.Body.String() != text {
		t.Errorf("%d %q", reply.Code, reply.Body)
	}
	reply := ask(t, handler, "GET", "/", "application/json")
	if kind := reply.Header().Get("Content-Type"); kind != "application/json" {
		t.Errorf("Content-Type %q", kind)
	}
	var list []contributor
	if err := json.Unmarshal(reply.Body.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 5 || list[0] != (contributor{"margaret", 1969}) {
		t.Errorf("%v", list)
	}
}

func TestAnswersEveryMethodAndPath(t *testing.T) {
	handler := newHandler(listSource{})
	for _, row := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/healthz", 200},
		{"HEAD", "/", 200},
		{"HEAD", "/healthz", 200},
		{"POST", "/", 405},
		{"DELETE", "/healthz", 405},
		{"GET", "/healthz/", 404},
		{"GET", "/other", 404},
	} {
		if reply := ask(t, handler, row.method, row.path, ""); reply.Code != row.status {
			t.Errorf("%s %s: %d, not %d", row.method, row.path, reply.Code, row.status)
		}
	}
}

func TestReadsFilesAndRefusesWhatIsNoList(t *testing.T) {
	for _, row := range []struct {
		content string
		count   int
		problem string
	}{
		{`[]`, 0, ""},
		{`[{"login": "a", "contributions": 1, "site_admin": false}]`, 1, ""},
		{``, 0, "not a list"},
		{`null`, 0, "not a list"},
		{`{"login": "a"}`, 0, "not a list"},
		{`[{"login": 7}]`, 0, "not a list"},
		{`[`, 0, "not a list"},
		{strings.Repeat(" ", maxListBytes+1), 0, "larger than"},
	} {
		path := filepath.Join(t.TempDir(), "list.json")
		if err := os.WriteFile(path, []byte(row.content), 0o600); err != nil {
			t.Fatal(err)
		}
		list, err := listSource{location: path}.contributors(context.Background())
		if len(list) != row.count || (err == nil) != (row.problem == "") {
			t.Errorf("%.40q: %v, %v", row.content, list, err)
		} else if err != nil && !strings.Contains(err.Error(), row.problem) {
			t.Errorf("%.40q: %v", row.content, err)
		}
	}
	missing := listSource{location: filepath.Join(t.TempDir(), "none.json")}
	if reply := ask(t, newHandler(missing), "GET", "/", ""); reply.Code != 502 {
		t.Errorf("a missing file: %d", reply.Code)
	}
}

func TestFetchesOverTLSOnlyFromWhomItTrusts(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/list" {
			http.NotFound(w, r)
			return
		}
		io.WriteString(w, `[{"login": "a", "contributions": 1}]`)
	}))
	// The refused handshake below is meant, and needs no line in the tests' output.
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	ctx := context.Background()
	if list, err := (listSource{server.URL + "/list", server.Client()}).contributors(ctx); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
	_, err := listSource{server.URL + "/other", server.Client()}.contributors(ctx)
	if err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("a missing page: %v", err)
	}
	_, err = listSource{server.URL + "/list", http.DefaultClient}.contributors(ctx)
	if err == nil || !strings.Contains(err.Error(), "x509") {
		t.Errorf("an unknown authority: %v", err)
	}
}

func TestOnceTellsOfRootCertificates(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `[{"login": "a", "contributions": 1}]`)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	none := t.TempDir()
	bundle := filepath.Join(t.TempDir(), "bundle.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(bundle, block, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		file         string
		roots, count int
	}{
		{bundle, 1, 1},
		{filepath.Join(none, "bundle.pem"), 0, 0},
	} {
		environment := []string{"SSL_CERT_FILE=" + row.file, "SSL_CERT_DIR=" + none}
		output, err := program(t, environment, "-once", "-source", server.URL, "-zone", "No/Where").Output()
		if err != nil {
			t.Fatal(err)
		}
		var found surroundings
		if err := json.Unmarshal(output, &found); err != nil {
			t.Fatalf("%v in %s", err, output)
		}
		if found.RootCertificates != row.roots || found.Contributors.Count != row.count {
			t.Errorf("with %s: %s", row.file, output)
		}
		if (row.count == 0) != strings.Contains(found.Contributors.Error, "x509") {
			t.Errorf("with %s: %s", row.file, output)
		}
		if found.User.UID != os.Getuid() || found.TimeZone.Found || found.TimeZone.Error == "" {
			t.Errorf("%s", output)
		}
	}
}

func TestTriesFoldersByWriting(t *testing.T) {
	path := t.TempDir()
	if found := tryFolder(path); !found.Writable || found.Error != "" {
		t.Errorf("%+v", found)
	}
	if entries, err := os.ReadDir(path); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if found := tryFolder(filepath.Join(path, "none")); found.Writable || found.Error == "" {
		t.Errorf("%+v", found)
	}
}

func TestFinishesWhatHasBegunAfterSIGTERM(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-release
		io.WriteString(w, `[]`)
	}))
	defer slow.Close()
	command := program(t, os.Environ(), "-addr", "127.0.0.1:0", "-source", slow.URL)
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(stderr)
	address := after(t, lines, "listening on ")
	status := make(chan int, 1)
	go func() {
		reply, err := http.Get("http://" + address + "/")
		if err != nil {
			status <- 0
			return
		}
		reply.Body.Close()
		status <- reply.StatusCode
	}()
	<-arrived
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	after(t, lines, "stopping")
	close(release)
	if code := <-status; code != 200 {
		t.Errorf("the request under way got %d", code)
	}
	if err := command.Wait(); err != nil {
		t.Errorf("the program ended with %v", err)
	}
}

func TestChecksItsOwnHealth(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.WriteHeader(status)
	}))
	address := strings.TrimPrefix(server.URL, "http://")
	_, port, _ := strings.Cut(address, ":")
	// A proxy that nobody is behind: the check does not ask there.
	environment := append(os.Environ(), "HTTP_PROXY=http://127.0.0.1:1")
	for _, addr := range []string{address, ":" + port, "0.0.0.0:" + port} {
		if output, err := program(t, environment, "-health", "-addr", addr).CombinedOutput(); err != nil || len(output) > 0 {
			t.Errorf("%s: %v, %q", addr, err, output)
		}
	}
	status = http.StatusServiceUnavailable
	if output, err := program(t, environment, "-health", "-addr", address).CombinedOutput(); err == nil || !strings.Contains(string(output), "503") {
		t.Errorf("not well: %v, %q", err, output)
	}
	server.Close()
	if err := program(t, environment, "-health", "-addr", address).Run(); err == nil {
		t.Error("a server that is gone is well")
	}
}

func TestRefusesUnknownArguments(t *testing.T) {
	for _, arguments := range [][]string{{"-unknown"}, {"list.json"}, {"-addr", "nowhere"}} {
		var stderr bytes.Buffer
		command := program(t, os.Environ(), arguments...)
		command.Stderr = &stderr
		if err := command.Run(); err == nil || stderr.Len() == 0 {
			t.Errorf("%q: %v, %q", arguments, err, stderr.String())
		}
	}
}

// after reads lines until one contains the marker, and returns what follows it.
func after(t *testing.T, lines *bufio.Reader, marker string) string {
	t.Helper()
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("no line with %q: %v", marker, err)
		}
		if _, rest, found := strings.Cut(strings.TrimSpace(line), marker); found {
			return rest
		}
	}
}
