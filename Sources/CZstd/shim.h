// zstd's own headers, under one module name on every distribution.
#include <zstd.h>
#include <zstd_errors.h>
