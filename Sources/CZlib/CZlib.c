#include "CZlib.h"

int millrace_inflate_begin_raw(z_stream *stream) {
    return inflateInit2(stream, -MAX_WBITS);
}
