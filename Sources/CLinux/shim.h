// Calls of Linux that Glibc's module leaves out.

// Its headers show sync_file_range(2) to GNU sources alone.
int sync_file_range(int descriptor, long long offset, long long count, unsigned int flags);

// Begins to write what is not being written yet, and waits for nothing that has been begun.
enum { CLINUX_SYNC_FILE_RANGE_WRITE = 2 };

// getauxval(3), and the headers of the program that it tells of.
#include <elf.h>
#include <sys/auxv.h>
