package main

import (
	"context"
	"crypto/x509"
	"os"
	"os/user"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"
)

// A surroundings value is what a program finds where it runs. Whatever is missing says so in its Error.
type surroundings struct {
	Version          string    `json:"version"`
	Go               string    `json:"go"`
	OS               string    `json:"os"`
	Architecture     string    `json:"architecture"`
	Hostname         string    `json:"hostname"`
	WorkingDirectory string    `json:"workingDirectory"`
	RootCertificates int       `json:"rootCertificates"`
	User             account   `json:"user"`
	Tmp              folder    `json:"tmp"`
	TimeZone         timeZone  `json:"timeZone"`
	Contributors     listState `json:"contributors"`
}

// An account is who the process is; the name and home are from /etc/passwd, and empty when it has no such user.
type account struct {
	UID   int    `json:"uid"`
	GID   int    `json:"gid"`
	Name  string `json:"name"`
	Home  string `json:"home"`
	Error string `json:"error,omitempty"`
}

type folder struct {
	Path     string `json:"path"`
	Writable bool   `json:"writable"`
	Error    string `json:"error,omitempty"`
}

// A timeZone is the local one's abbreviation, and whether another is found by its name.
type timeZone struct {
	Local string `json:"local"`
	Name  string `json:"name"`
	Found bool   `json:"found"`
	Error string `json:"error,omitempty"`
}

type listState struct {
	Count int    `json:"count"`
	Error string `json:"error,omitempty"`
}

func look(ctx context.Context, list listSource, zone string) surroundings {
	// Neither failing leaves more to say than the empty string does.
	hostname, _ := os.Hostname()
	directory, _ := os.Getwd()
	return surroundings{
		Version:          version(),
		Go:               runtime.Version(),
		OS:               runtime.GOOS,
		Architecture:     runtime.GOARCH,
		Hostname:         hostname,
		WorkingDirectory: directory,
		RootCertificates: countRootCertificates(),
		User:             lookUpAccount(),
		Tmp:              tryFolder("/tmp"),
		TimeZone:         lookUpZone(zone),
		Contributors:     tryList(ctx, list),
	}
}

// version is the module's version where the build recorded one, else the revision it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	revision, suffix := "devel", ""
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			revision = setting.Value
		case setting.Key == "vcs.modified" && setting.Value == "true":
			suffix = "+dirty"
		}
	}
	return revision + suffix
}

// countRootCertificates counts what crypto/tls would trust.
func countRootCertificates() int {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return 0
	}
	// Subjects is deprecated because it leaves out what other systems keep in their own stores. On Linux the pool holds
	// what was read from files, and this is the one way to learn how many they are.
	return len(pool.Subjects()) //nolint:staticcheck
}

func lookUpAccount() account {
	found := account{UID: os.Getuid(), GID: os.Getgid()}
	// Not user.Current: that one makes do with $USER and $HOME where /etc/passwd knows nothing.
	entry, err := user.LookupId(strconv.Itoa(found.UID))
	if err != nil {
		found.Error = err.Error()
		return found
	}
	found.Name, found.Home = entry.Username, entry.HomeDir
	return found
}

// tryFolder creates a file in the folder and removes it: permission bits alone do not tell of read-only file systems.
func tryFolder(path string) folder {
	file, err := os.CreateTemp(path, "contributors-")
	if err != nil {
		return folder{Path: path, Error: err.Error()}
	}
	defer os.Remove(file.Name())
	_, err = file.WriteString("written\n")
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return folder{Path: path, Error: err.Error()}
	}
	return folder{Path: path, Writable: true}
}

func lookUpZone(name string) timeZone {
	local, _ := time.Now().Zone()
	if _, err := time.LoadLocation(name); err != nil {
		return timeZone{Local: local, Name: name, Error: err.Error()}
	}
	return timeZone{Local: local, Name: name, Found: true}
}

func tryList(ctx context.Context, list listSource) listState {
	contributors, err := list.contributors(ctx)
	if err != nil {
		return listState{Error: err.Error()}
	}
	return listState{Count: len(contributors)}
}
