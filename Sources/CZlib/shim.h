// zlib's own header, under one module name on every distribution.
#include <zlib.h>
