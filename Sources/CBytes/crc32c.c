#include "CBytes.h"

#include <string.h>

// The reflected Castagnoli polynomial.
#define POLYNOMIAL 0x82f63b78u

// Bytes of each of the three interleaved streams: long enough to hide the instruction's latency, short enough for
// a record of 1 KiB to gain from it.
#define STREAM_BYTES 256

static uint32_t byte_table[8][256];
static uint32_t shift_table[4][256];

static uint32_t portable(uint32_t crc, const uint8_t *bytes, size_t count) {
    while (count >= 8) {
        uint32_t low = crc ^ ((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16
                              | (uint32_t)bytes[3] << 24);
        crc = byte_table[7][low & 0xff] ^ byte_table[6][low >> 8 & 0xff] ^ byte_table[5][low >> 16 & 0xff]
            ^ byte_table[4][low >> 24] ^ byte_table[3][bytes[4]] ^ byte_table[2][bytes[5]]
            ^ byte_table[1][bytes[6]] ^ byte_table[0][bytes[7]];
        bytes += 8;
        count -= 8;
    }
    while (count-- > 0) crc = byte_table[0][(crc ^ *bytes++) & 0xff] ^ crc >> 8;
    return crc;
}

// The checksum as it is after STREAM_BYTES more bytes of zero.
static uint32_t shifted(uint32_t crc) {
    return shift_table[0][crc & 0xff] ^ shift_table[1][crc >> 8 & 0xff] ^ shift_table[2][crc >> 16 & 0xff]
        ^ shift_table[3][crc >> 24];
}

#if defined(__x86_64__)

#include <nmmintrin.h>

#define HARDWARE __attribute__((target("sse4.2")))
#define STEP8(crc, value) ((uint32_t)_mm_crc32_u64((crc), (value)))
#define STEP1(crc, value) _mm_crc32_u8((crc), (value))

static int is_hardware_present(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2");
}

#elif defined(__aarch64__) && defined(__linux__)

#include <sys/auxv.h>

#define HARDWARE __attribute__((target("crc")))
#define STEP8(crc, value) __builtin_arm_crc32cd((crc), (value))
#define STEP1(crc, value) __builtin_arm_crc32cb((crc), (value))

static int is_hardware_present(void) {
    return (getauxval(AT_HWCAP) & 1ul << 7) != 0;  // HWCAP_CRC32
}

#endif

#ifdef HARDWARE

static inline uint64_t word(const uint8_t *bytes) {
    uint64_t value;
    memcpy(&value, bytes, 8);
    return value;
}

HARDWARE static uint32_t hardware(uint32_t crc, const uint8_t *bytes, size_t count) {
    while (count >= 3 * STREAM_BYTES) {
        uint32_t second = 0, third = 0;
        for (size_t index = 0; index < STREAM_BYTES; index += 8) {
            crc = STEP8(crc, word(bytes + index));
            second = STEP8(second, word(bytes + STREAM_BYTES + index));
            third = STEP8(third, word(bytes + 2 * STREAM_BYTES + index));
        }
        crc = shifted(shifted(crc) ^ second) ^ third;
        bytes += 3 * STREAM_BYTES;
        count -= 3 * STREAM_BYTES;
    }
    while (count >= 8) {
        crc = STEP8(crc, word(bytes));
        bytes += 8;
        count -= 8;
    }
    while (count-- > 0) crc = STEP1(crc, *bytes++);
    return crc;
}

#endif

static uint32_t (*checksum)(uint32_t, const uint8_t *, size_t) = portable;

__attribute__((constructor)) static void prepare(void) {
    for (uint32_t index = 0; index < 256; index++) {
        uint32_t crc = index;
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
        byte_table[0][index] = crc;
    }
    for (uint32_t index = 0; index < 256; index++) {
        for (int row = 1; row < 8; row++) {
            uint32_t before = byte_table[row - 1][index];
            byte_table[row][index] = byte_table[0][before & 0xff] ^ before >> 8;
        }
    }
    static const uint8_t zeros[STREAM_BYTES];
    for (uint32_t index = 0; index < 256; index++) {
        for (int row = 0; row < 4; row++) shift_table[row][index] = portable(index << (8 * row), zeros, STREAM_BYTES);
    }
#ifdef HARDWARE
    if (is_hardware_present()) checksum = hardware;
#endif
}

uint32_t millrace_crc32c(uint32_t seed, const void *bytes, size_t count) {
    return ~checksum(~seed, bytes, count);
}

uint32_t millrace_crc32c_portable(uint32_t seed, const void *bytes, size_t count) {
    return ~portable(~seed, bytes, count);
}
