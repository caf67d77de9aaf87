#include "CSQLite.h"

#include <stddef.h>
#include <sqlite3.h>

int berth_sqlite_checkpoint_at_close(struct sqlite3 *connection, int enabled) {
    return sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !enabled, NULL);
}
