#ifndef MILLRACE_CZLIB_H
#define MILLRACE_CZLIB_H

#include <zlib.h>

// inflateInit2 is a macro, which Swift cannot call.

/// Begins to inflate what has neither a zlib nor a gzip header, as entries of zip archives.
int millrace_inflate_begin_raw(z_stream *stream);

#endif
