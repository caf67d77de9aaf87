#include "CSQLiteProbe.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

struct sqlite_probe_watch {
    char *folder;
    size_t length;
    sqlite_probe_observer observer;
    sqlite_probe_watch *next;
    // Its own until it ends, and one for each open file and each call; guarded by `watches_mutex`.
    int references;
    // Held to read while the observer is called, and to write where it ends.
    pthread_rwlock_t lock;
    bool has_ended;
};

// What SQLite allocates for an open file; the file of the layer below lies behind it.
typedef struct {
    sqlite3_file base;
    sqlite_probe_watch *watch;
    const char *path;
    int64_t number;
    bool syncs_folder;
} probe_file;

static pthread_mutex_t watches_mutex = PTHREAD_MUTEX_INITIALIZER;
static sqlite_probe_watch *watches;
static sqlite3_vfs *below;
static sqlite3_vfs probe_vfs;

// The layer below needs as much of an alignment as the structure before it has.
#define BELOW(file) ((sqlite3_file *)((probe_file *)(file) + 1))

static sqlite_probe_watch *find_watch(const char *path) {
    if (path == NULL) return NULL;
    pthread_mutex_lock(&watches_mutex);
    sqlite_probe_watch *watch = watches;
    while (watch && (strncmp(path, watch->folder, watch->length) != 0 || path[watch->length] != '/')) {
        watch = watch->next;
    }
    if (watch) watch->references++;
    pthread_mutex_unlock(&watches_mutex);
    return watch;
}

// A connection may outlive the watch, as one does whose opening has failed half way.
static void release_watch(sqlite_probe_watch *watch) {
    pthread_mutex_lock(&watches_mutex);
    bool is_last = --watch->references == 0;
    pthread_mutex_unlock(&watches_mutex);
    if (!is_last) return;
    pthread_rwlock_destroy(&watch->lock);
    free(watch->folder);
    free(watch);
}

static int ask(sqlite_probe_watch *watch, const sqlite_probe_call *call) {
    pthread_rwlock_rdlock(&watch->lock);
    int code = watch->has_ended ? SQLITE_OK : watch->observer.before(watch->observer.context, call);
    pthread_rwlock_unlock(&watch->lock);
    return code;
}

static int64_t tell(sqlite_probe_watch *watch, const sqlite_probe_call *call) {
    pthread_rwlock_rdlock(&watch->lock);
    int64_t number = watch->has_ended ? 0 : watch->observer.after(watch->observer.context, call);
    pthread_rwlock_unlock(&watch->lock);
    return number;
}

static sqlite_probe_call call_on(probe_file *file, sqlite_probe_operation operation) {
    return (sqlite_probe_call){.operation = operation, .path = file->path, .file = file->number};
}

// Asks, makes the call below, and tells.
#define FORWARD(file, call, expression)                                                                                \
    do {                                                                                                               \
        int code = ask((file)->watch, &(call));                                                                        \
        if (code == SQLITE_OK) {                                                                                       \
            code = (expression);                                                                                       \
            if (code == SQLITE_OK) tell((file)->watch, &(call));                                                       \
        }                                                                                                              \
        return code;                                                                                                   \
    } while (0)

static int probe_close(sqlite3_file *file) {
    sqlite3_file *real = BELOW(file);
    int code = real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;
    release_watch(((probe_file *)file)->watch);
    return code;
}

static int probe_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
    probe_file *probe = (probe_file *)file;
    sqlite_probe_call call = call_on(probe, SQLITE_PROBE_READ);
    call.offset = offset;
    call.count = count;
    FORWARD(probe, call, BELOW(file)->pMethods->xRead(BELOW(file), bytes, count, offset));
}

static int probe_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
    probe_file *probe = (probe_file *)file;
    sqlite_probe_call call = call_on(probe, SQLITE_PROBE_WRITE);
    call.offset = offset;
    call.count = count;
    call.bytes = bytes;
    int code = ask(probe->watch, &call);
    if (code == SQLITE_FULL) {
        // As much as fitted.
        call.count = count / 2;
        if (BELOW(file)->pMethods->xWrite(BELOW(file), bytes, count / 2, offset) == SQLITE_OK) {
            tell(probe->watch, &call);
        }
    }
    if (code != SQLITE_OK) return code;
    code = BELOW(file)->pMethods->xWrite(BELOW(file), bytes, count, offset);
    if (code == SQLITE_OK) tell(probe->watch, &call);
    return code;
}

static int probe_truncate(sqlite3_file *file, sqlite3_int64 size) {
    probe_file *probe = (probe_file *)file;
    sqlite_probe_call call = call_on(probe, SQLITE_PROBE_TRUNCATE);
    call.count = size;
    FORWARD(probe, call, BELOW(file)->pMethods->xTruncate(BELOW(file), size));
}

static int probe_sync(sqlite3_file *file, int flags) {
    probe_file *probe = (probe_file *)file;
    sqlite_probe_call call = call_on(probe, SQLITE_PROBE_SYNC);
    int code = ask(probe->watch, &call);
    if (code == SQLITE_OK) code = BELOW(file)->pMethods->xSync(BELOW(file), flags);
    if (code != SQLITE_OK) return code;
    tell(probe->watch, &call);
    if (probe->syncs_folder) {
        probe->syncs_folder = false;
        call.operation = SQLITE_PROBE_SYNC_FOLDER;
        tell(probe->watch, &call);
    }
    return SQLITE_OK;
}

static int probe_size(sqlite3_file *file, sqlite3_int64 *size) {
    probe_file *probe = (probe_file *)file;
    sqlite_probe_call call = call_on(probe, SQLITE_PROBE_SIZE);
    FORWARD(probe, call, BELOW(file)->pMethods->xFileSize(BELOW(file), size));
}

static int probe_lock(sqlite3_file *file, int level) {
    probe_file *probe = (probe_file *)file;
    sqlite_probe_call call = call_on(probe, SQLITE_PROBE_LOCK);
    FORWARD(probe, call, BELOW(file)->pMethods->xLock(BELOW(file), level));
}

static int probe_unlock(sqlite3_file *file, int level) {
    probe_file *probe = (probe_file *)file;
    sqlite_probe_call call = call_on(probe, SQLITE_PROBE_UNLOCK);
    FORWARD(probe, call, BELOW(file)->pMethods->xUnlock(BELOW(file), level));
}

static int probe_check_reserved_lock(sqlite3_file *file, int *result) {
    return BELOW(file)->pMethods->xCheckReservedLock(BELOW(file), result);
}

static int probe_control(sqlite3_file *file, int operation, void *argument) {
    return BELOW(file)->pMethods->xFileControl(BELOW(file), operation, argument);
}

static int probe_sector_size(sqlite3_file *file) { return BELOW(file)->pMethods->xSectorSize(BELOW(file)); }

static int probe_characteristics(sqlite3_file *file) {
    return BELOW(file)->pMethods->xDeviceCharacteristics(BELOW(file));
}

static int probe_share_map(sqlite3_file *file, int page, int size, int extends, void volatile **memory) {
    probe_file *probe = (probe_file *)file;
    sqlite_probe_call call = call_on(probe, SQLITE_PROBE_SHARE_MAP);
    call.creates = extends != 0;
    FORWARD(probe, call, BELOW(file)->pMethods->xShmMap(BELOW(file), page, size, extends, memory));
}

static int probe_share_lock(sqlite3_file *file, int offset, int count, int flags) {
    probe_file *probe = (probe_file *)file;
    sqlite_probe_call call = call_on(probe, SQLITE_PROBE_SHARE_LOCK);
    // To let go of a lock never fails below.
    if (flags & SQLITE_SHM_UNLOCK) return BELOW(file)->pMethods->xShmLock(BELOW(file), offset, count, flags);
    FORWARD(probe, call, BELOW(file)->pMethods->xShmLock(BELOW(file), offset, count, flags));
}

static void probe_share_barrier(sqlite3_file *file) { BELOW(file)->pMethods->xShmBarrier(BELOW(file)); }

static int probe_share_unmap(sqlite3_file *file, int removes) {
    return BELOW(file)->pMethods->xShmUnmap(BELOW(file), removes);
}

static int probe_fetch(sqlite3_file *file, sqlite3_int64 offset, int count, void **memory) {
    // No mapped memory: what is read from it no call would tell of.
    (void)file, (void)offset, (void)count;
    *memory = NULL;
    return SQLITE_OK;
}

static int probe_unfetch(sqlite3_file *file, sqlite3_int64 offset, void *memory) {
    (void)file, (void)offset, (void)memory;
    return SQLITE_OK;
}

static const sqlite3_io_methods probe_methods = {
    .iVersion = 3,
    .xClose = probe_close,
    .xRead = probe_read,
    .xWrite = probe_write,
    .xTruncate = probe_truncate,
    .xSync = probe_sync,
    .xFileSize = probe_size,
    .xLock = probe_lock,
    .xUnlock = probe_unlock,
    .xCheckReservedLock = probe_check_reserved_lock,
    .xFileControl = probe_control,
    .xSectorSize = probe_sector_size,
    .xDeviceCharacteristics = probe_characteristics,
    .xShmMap = probe_share_map,
    .xShmLock = probe_share_lock,
    .xShmBarrier = probe_share_barrier,
    .xShmUnmap = probe_share_unmap,
    .xFetch = probe_fetch,
    .xUnfetch = probe_unfetch,
};

static int probe_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out_flags) {
    (void)vfs;
    sqlite_probe_watch *watch = find_watch(path);
    if (watch == NULL) return below->xOpen(below, path, file, flags, out_flags);
    probe_file *probe = (probe_file *)file;
    // SQLite closes a file whose opening failed only where it has methods.
    memset(probe, 0, sizeof *probe);
    sqlite_probe_call call = {.operation = SQLITE_PROBE_OPEN, .path = path};
    call.creates = (flags & SQLITE_OPEN_CREATE) != 0;
    int code = ask(watch, &call);
    if (code == SQLITE_OK) code = below->xOpen(below, path, BELOW(file), flags, out_flags);
    if (code != SQLITE_OK) {
        release_watch(watch);
        return code;
    }
    probe->watch = watch;
    probe->path = path;
    // What SQLite's layer for Unix does, once for each such file that it opens to write.
    int journals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
    probe->syncs_folder = call.creates && (flags & journals) != 0;
    probe->number = tell(watch, &call);
    probe->base.pMethods = &probe_methods;
    return SQLITE_OK;
}

static int probe_delete(sqlite3_vfs *vfs, const char *path, int syncs_folder) {
    (void)vfs;
    sqlite_probe_watch *watch = find_watch(path);
    if (watch == NULL) return below->xDelete(below, path, syncs_folder);
    sqlite_probe_call call = {.operation = SQLITE_PROBE_DELETE, .path = path};
    int code = ask(watch, &call);
    if (code == SQLITE_OK) code = below->xDelete(below, path, syncs_folder);
    if (code == SQLITE_OK) tell(watch, &call);
    if (code == SQLITE_OK && syncs_folder) {
        call.operation = SQLITE_PROBE_SYNC_FOLDER;
        tell(watch, &call);
    }
    release_watch(watch);
    return code;
}

static int probe_access(sqlite3_vfs *vfs, const char *path, int flags, int *result) {
    (void)vfs;
    sqlite_probe_watch *watch = find_watch(path);
    if (watch == NULL) return below->xAccess(below, path, flags, result);
    sqlite_probe_call call = {.operation = SQLITE_PROBE_ACCESS, .path = path};
    int code = ask(watch, &call);
    release_watch(watch);
    return code == SQLITE_OK ? below->xAccess(below, path, flags, result) : code;
}

static int installation;

static void install(void) {
    below = sqlite3_vfs_find(NULL);
    if (below == NULL) {
        installation = SQLITE_ERROR;
        return;
    }
    // Everything that is not replaced is the layer's below, called with this structure: it looks at what it put
    // into `pAppData`, and at nothing else of its own.
    probe_vfs = *below;
    probe_vfs.pNext = NULL;
    probe_vfs.zName = "berth-probe";
    probe_vfs.szOsFile = (int)sizeof(probe_file) + below->szOsFile;
    probe_vfs.xOpen = probe_open;
    probe_vfs.xDelete = probe_delete;
    probe_vfs.xAccess = probe_access;
    installation = sqlite3_vfs_register(&probe_vfs, 1);
}

int sqlite_probe_install(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    // Registered by then: SQLite's own initialisation puts its layers in place only once.
    int code = sqlite3_initialize();
    if (code != SQLITE_OK) return code;
    pthread_once(&once, install);
    return installation;
}

sqlite_probe_watch *sqlite_probe_begin(const char *folder, sqlite_probe_observer observer) {
    sqlite_probe_watch *watch = malloc(sizeof *watch);
    if (watch == NULL) return NULL;
    watch->folder = strdup(folder);
    watch->length = strlen(folder);
    watch->observer = observer;
    watch->references = 1;
    watch->has_ended = false;
    pthread_rwlock_init(&watch->lock, NULL);
    pthread_mutex_lock(&watches_mutex);
    watch->next = watches;
    watches = watch;
    pthread_mutex_unlock(&watches_mutex);
    return watch;
}

void sqlite_probe_end(sqlite_probe_watch *watch) {
    pthread_mutex_lock(&watches_mutex);
    sqlite_probe_watch **link = &watches;
    while (*link && *link != watch) link = &(*link)->next;
    if (*link) *link = watch->next;
    pthread_mutex_unlock(&watches_mutex);
    pthread_rwlock_wrlock(&watch->lock);
    watch->has_ended = true;
    pthread_rwlock_unlock(&watch->lock);
    release_watch(watch);
}
