#define _GNU_SOURCE
#include "CSimulator.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>

static uint64_t (*next_random)(void);

void simulator_take_random(uint64_t (*next)(void)) { next_random = next; }

/// Stands in front of libc's function of that name, through which Swift's libraries ask the kernel for random bytes.
long syscall(long number, ...) {
    static long (*real)(long, ...);
    if (!real) real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");

    va_list list;
    va_start(list, number);
    long a = va_arg(list, long), b = va_arg(list, long), c = va_arg(list, long);
    long d = va_arg(list, long), e = va_arg(list, long), f = va_arg(list, long);
    va_end(list);
    if (number != SYS_getrandom || !next_random) return real(number, a, b, c, d, e, f);

    char *bytes = (char *)a;
    for (long done = 0; done < b; done += 8) {
        uint64_t value = next_random();
        memcpy(bytes + done, &value, b - done < 8 ? (size_t)(b - done) : 8);
    }
    return b;
}
