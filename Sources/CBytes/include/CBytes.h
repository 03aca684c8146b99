#ifndef MILLRACE_CBYTES_H
#define MILLRACE_CBYTES_H

#include <stddef.h>
#include <stdint.h>

/// Writes standard base64 with padding: 4 * ceil(count / 3) bytes. Returns how many.
size_t millrace_base64_encode(const uint8_t *source, size_t count, uint8_t *target);

/// Reads standard base64, padded. `target` has room for 3 * (count / 4) bytes.
/// Returns how many were written, or -1 when the text is not base64.
ptrdiff_t millrace_base64_decode(const uint8_t *source, size_t count, uint8_t *target);

/// CRC-32C (Castagnoli) of the bytes, continued from `seed`; 0 starts anew.
uint32_t millrace_crc32c(uint32_t seed, const void *bytes, size_t count);

/// The same without special instructions; what machines without them use.
uint32_t millrace_crc32c_portable(uint32_t seed, const void *bytes, size_t count);

/// The MD5 of the bytes as a big-endian number: its upper and its lower 64 bits.
void millrace_md5(const void *bytes, size_t count, uint64_t *high, uint64_t *low);

#endif
