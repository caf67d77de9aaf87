#ifndef BERTH_SQLITE_H
#define BERTH_SQLITE_H

// Calls of SQLite that take a variable number of arguments, which Swift cannot make.

struct sqlite3;

/// Whether a connection that is the last to close folds the log into the database and removes it, as SQLite would.
///
/// Returns one of SQLite's result codes.
int berth_sqlite_checkpoint_at_close(struct sqlite3 *connection, int enabled);

#endif
