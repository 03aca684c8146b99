#define _GNU_SOURCE
#include "CSimulator.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>

// Exported by libswift_Concurrency for replacing its thread pool; the calling convention is Swift's.
#define SWIFT __attribute__((swiftcall))
typedef SWIFT void (*original_enqueue)(void *job);
extern SWIFT void (*swift_task_enqueueGlobal_hook)(void *job, original_enqueue original);
extern SWIFT void swift_job_run(void *job, uintptr_t identity, uintptr_t implementation);
extern SWIFT uint64_t swift_task_getJobTaskId(void *job);

static void (*receive_job)(void *job, uint64_t task);

static SWIFT void take_job(void *job, original_enqueue original) {
    (void)original;
    receive_job(job, swift_task_getJobTaskId(job));
}

void simulator_take_jobs(void (*receive)(void *job, uint64_t task)) {
    receive_job = receive;
    swift_task_enqueueGlobal_hook = take_job;
}

void simulator_run_job(void *job) {
    // On no particular executor, as the threads of the pool run it.
    swift_job_run(job, 0, 0);
}

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
