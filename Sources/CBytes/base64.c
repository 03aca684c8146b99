#include "CBytes.h"

// Standard base64 (RFC 4648, section 4). On x86-64 with AVX2 the bulk goes through vector instructions, 24 bytes and 32
// characters a step, after Wojciech Muła and Alfred Klomp; the ends and every other machine take the table-driven loop.

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// The value of each character; 0xff for what is none.
#define NO 0xff
static const uint8_t values[256] = {
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, 62, NO, NO, NO, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NO, NO, NO, NO, NO, NO,
    NO, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, NO, NO, NO, NO, NO,
    NO, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
};
#undef NO

#if defined(__x86_64__)
#include <immintrin.h>

#define BOTH_LANES(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)

// Encodes whole steps of 24 bytes; returns how many bytes it took.
__attribute__((target("avx2"))) static size_t encode_avx2(const uint8_t *source, size_t count, uint8_t *target) {
    const __m256i spread = BOTH_LANES(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
    const __m256i shifts = BOTH_LANES(65, 71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 0, 0);
    size_t taken = 0;
    // A step loads 28 bytes, of which it uses 24.
    while (count - taken >= 28) {
        __m128i low = _mm_loadu_si128((const __m128i *)(source + taken));
        __m128i high = _mm_loadu_si128((const __m128i *)(source + taken + 12));
        __m256i input = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), spread);
        __m256i first = _mm256_mulhi_epu16(
            _mm256_and_si256(input, _mm256_set1_epi32(0x0FC0FC00)), _mm256_set1_epi32(0x04000040));
        __m256i second = _mm256_mullo_epi16(
            _mm256_and_si256(input, _mm256_set1_epi32(0x003F03F0)), _mm256_set1_epi32(0x01000010));
        __m256i sextets = _mm256_or_si256(first, second);
        __m256i row = _mm256_subs_epu8(sextets, _mm256_set1_epi8(51));
        row = _mm256_sub_epi8(row, _mm256_cmpgt_epi8(sextets, _mm256_set1_epi8(25)));
        __m256i text = _mm256_add_epi8(sextets, _mm256_shuffle_epi8(shifts, row));
        _mm256_storeu_si256((__m256i *)target, text);
        target += 32;
        taken += 24;
    }
    return taken;
}

// Decodes whole steps of 32 characters and stops at the first that holds anything but the alphabet; returns how many
// characters it took.
__attribute__((target("avx2"))) static size_t decode_avx2(const uint8_t *source, size_t count, uint8_t *target) {
    const __m256i low_classes = BOTH_LANES(
        0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1A, 0x1B, 0x1B, 0x1B, 0x1A);
    const __m256i high_classes = BOTH_LANES(
        0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10);
    const __m256i shifts = BOTH_LANES(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i gather = BOTH_LANES(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
    const __m256i slash = _mm256_set1_epi8(0x2F);
    size_t taken = 0;
    // A step stores 28 bytes, of which 24 count: the 8 characters after it own the room of the other four.
    while (count - taken >= 40) {
        __m256i text = _mm256_loadu_si256((const __m256i *)(source + taken));
        __m256i high = _mm256_and_si256(_mm256_srli_epi32(text, 4), slash);
        __m256i low = _mm256_and_si256(text, slash);
        if (!_mm256_testz_si256(_mm256_shuffle_epi8(low_classes, low), _mm256_shuffle_epi8(high_classes, high))) {
            break;
        }
        __m256i row = _mm256_add_epi8(_mm256_cmpeq_epi8(text, slash), high);
        __m256i sextets = _mm256_add_epi8(text, _mm256_shuffle_epi8(shifts, row));
        __m256i pairs = _mm256_maddubs_epi16(sextets, _mm256_set1_epi32(0x01400140));
        __m256i triples = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
        __m256i bytes = _mm256_shuffle_epi8(triples, gather);
        _mm_storeu_si128((__m128i *)target, _mm256_castsi256_si128(bytes));
        _mm_storeu_si128((__m128i *)(target + 12), _mm256_extracti128_si256(bytes, 1));
        target += 24;
        taken += 32;
    }
    return taken;
}

static size_t encode_vectors(const uint8_t *source, size_t count, uint8_t *target) {
    return count >= 28 && __builtin_cpu_supports("avx2") ? encode_avx2(source, count, target) : 0;
}

static size_t decode_vectors(const uint8_t *source, size_t count, uint8_t *target) {
    return count >= 40 && __builtin_cpu_supports("avx2") ? decode_avx2(source, count, target) : 0;
}
#else
static size_t encode_vectors(const uint8_t *source, size_t count, uint8_t *target) {
    (void)source, (void)count, (void)target;
    return 0;
}

static size_t decode_vectors(const uint8_t *source, size_t count, uint8_t *target) {
    (void)source, (void)count, (void)target;
    return 0;
}
#endif

size_t millrace_base64_encode(const uint8_t *source, size_t count, uint8_t *target) {
    uint8_t *start = target;
    size_t taken = encode_vectors(source, count, target);
    source += taken;
    count -= taken;
    target += taken / 3 * 4;
    while (count >= 3) {
        uint32_t group = (uint32_t)source[0] << 16 | (uint32_t)source[1] << 8 | source[2];
        *target++ = (uint8_t)alphabet[group >> 18];
        *target++ = (uint8_t)alphabet[group >> 12 & 63];
        *target++ = (uint8_t)alphabet[group >> 6 & 63];
        *target++ = (uint8_t)alphabet[group & 63];
        source += 3;
        count -= 3;
    }
    if (count > 0) {
        uint32_t group = (uint32_t)source[0] << 16 | (count == 2 ? (uint32_t)source[1] << 8 : 0);
        *target++ = (uint8_t)alphabet[group >> 18];
        *target++ = (uint8_t)alphabet[group >> 12 & 63];
        *target++ = count == 2 ? (uint8_t)alphabet[group >> 6 & 63] : '=';
        *target++ = '=';
    }
    return (size_t)(target - start);
}

ptrdiff_t millrace_base64_decode(const uint8_t *source, size_t count, uint8_t *target) {
    if (count == 0) return 0;
    if (count % 4 != 0) return -1;
    uint8_t *start = target;
    size_t taken = decode_vectors(source, count, target);
    source += taken;
    count -= taken;
    target += taken / 4 * 3;
    // Only the last four characters may be padded.
    for (; count > 4; source += 4, count -= 4) {
        uint8_t a = values[source[0]], b = values[source[1]], c = values[source[2]], d = values[source[3]];
        // 0xff is the only value with its highest bits set.
        if ((a | b | c | d) & 0xC0) return -1;
        uint32_t group = (uint32_t)a << 18 | (uint32_t)b << 12 | (uint32_t)c << 6 | d;
        *target++ = (uint8_t)(group >> 16);
        *target++ = (uint8_t)(group >> 8);
        *target++ = (uint8_t)group;
    }
    int padding = source[3] != '=' ? 0 : source[2] != '=' ? 1 : 2;
    uint8_t a = values[source[0]], b = values[source[1]];
    uint8_t c = padding == 2 ? 0 : values[source[2]], d = padding > 0 ? 0 : values[source[3]];
    if ((a | b | c | d) & 0xC0) return -1;
    uint32_t group = (uint32_t)a << 18 | (uint32_t)b << 12 | (uint32_t)c << 6 | d;
    *target++ = (uint8_t)(group >> 16);
    if (padding < 2) *target++ = (uint8_t)(group >> 8);
    if (padding < 1) *target++ = (uint8_t)group;
    return target - start;
}
