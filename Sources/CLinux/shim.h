// Calls of Linux that Glibc's module leaves out, because its headers show them to GNU sources alone: sync_file_range(2).
int sync_file_range(int descriptor, long long offset, long long count, unsigned int flags);

// Begins to write what is not being written yet, and waits for nothing that has been begun.
enum { CLINUX_SYNC_FILE_RANGE_WRITE = 2 };
