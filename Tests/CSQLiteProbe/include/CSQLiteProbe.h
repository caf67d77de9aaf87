#ifndef BERTH_SQLITE_PROBE_H
#define BERTH_SQLITE_PROBE_H

#include <stdbool.h>
#include <stdint.h>

// A layer of SQLite's file system that tells a test of each call, and lets it fail any.
//
// It is installed as the default once for the process. Databases in a folder that is watched go through it; all others
// are opened by the layer below directly, as if it were not there.

typedef enum {
    SQLITE_PROBE_OPEN,
    SQLITE_PROBE_READ,
    SQLITE_PROBE_WRITE,
    SQLITE_PROBE_TRUNCATE,
    SQLITE_PROBE_SYNC,
    // The folder of a journal or log that is synced for the first time; told after the sync of the file itself, and
    // without asking: the layer below does both in one.
    SQLITE_PROBE_SYNC_FOLDER,
    SQLITE_PROBE_SIZE,
    SQLITE_PROBE_LOCK,
    SQLITE_PROBE_UNLOCK,
    SQLITE_PROBE_DELETE,
    SQLITE_PROBE_ACCESS,
    SQLITE_PROBE_SHARE_MAP,
    SQLITE_PROBE_SHARE_LOCK,
} sqlite_probe_operation;

typedef struct {
    sqlite_probe_operation operation;
    // Absolute, as SQLite names the file.
    const char *path;
    // What `after` returned when the file was opened; 0 where the call is about no open file.
    int64_t file;
    int64_t offset;
    // How many bytes are read or written, or the size that a file is cut to.
    int64_t count;
    // What is written; NULL otherwise.
    const void *bytes;
    // Whether an open makes the file where there is none.
    bool creates;
} sqlite_probe_call;

typedef struct {
    void *context;
    // Asked before each call: 0 lets it happen, a result code of SQLite's makes it fail with that. Of a write that is
    // to fail with SQLITE_FULL the first half is written.
    int (*before)(void *context, const sqlite_probe_call *call);
    // Told of each call that went well. For an open it returns what the file is called from then on.
    int64_t (*after)(void *context, const sqlite_probe_call *call);
} sqlite_probe_observer;

typedef struct sqlite_probe_watch sqlite_probe_watch;

// Puts the layer in place; again is harmless. Returns a result code of SQLite's.
int sqlite_probe_install(void);

// Watches the databases in a folder, given as an absolute path without symbolic links, that are opened from now on.
sqlite_probe_watch *sqlite_probe_begin(const char *folder, sqlite_probe_observer observer);

// Ends it: the observer is not called any more, whatever is still open.
void sqlite_probe_end(sqlite_probe_watch *watch);

#endif
