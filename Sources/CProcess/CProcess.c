#define _GNU_SOURCE

#include "CProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum { MAXIMUM_DESCRIPTORS = 8 };

// Everything from here to `become` runs in the child of vfork: it shares the parent's memory, so it makes system calls
// and writes to nothing but its own stack frame and the failure record.

static int limit(int resource, uint64_t value) {
    struct rlimit bounds;
    if (getrlimit(resource, &bounds) != 0) return -1;
    rlim_t wanted = (rlim_t)value;
    if (bounds.rlim_max != RLIM_INFINITY && wanted > bounds.rlim_max) wanted = bounds.rlim_max;
    bounds.rlim_cur = wanted;
    bounds.rlim_max = wanted;
    return setrlimit(resource, &bounds);
}

static int set_limits(const struct millrace_spawn_request *request) {
    if (limit(RLIMIT_CORE, 0) != 0) return -1;
    if (request->open_files != 0 && limit(RLIMIT_NOFILE, request->open_files) != 0) return -1;
    if (request->data_bytes != 0 && limit(RLIMIT_DATA, request->data_bytes) != 0) return -1;
    return 0;
}

static int set_descriptors(const struct millrace_spawn_request *request) {
    int copies[MAXIMUM_DESCRIPTORS];
    int count = (int)request->descriptor_count;
    // Out of the way first: a source may have the number of another one's target.
    for (int i = 0; i < count; i++) {
        copies[i] = fcntl(request->descriptors[i], F_DUPFD, MAXIMUM_DESCRIPTORS);
        if (copies[i] < 0) return -1;
    }
    for (int i = 0; i < count; i++) {
        if (dup2(copies[i], i) < 0) return -1;
    }
    if (syscall(SYS_close_range, (unsigned)count, ~0U, 0) == 0) return 0;
    if (errno != ENOSYS && errno != EPERM) return -1;
    // Kernels before 5.9, and sandboxes that do not know the call.
    struct rlimit bounds;
    int end = getrlimit(RLIMIT_NOFILE, &bounds) == 0 && bounds.rlim_cur < 65536 ? (int)bounds.rlim_cur : 65536;
    for (int i = count; i < end; i++) close(i);
    return 0;
}

static void reset_signals(void) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++) sigaction(number, &action, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become(
    const struct millrace_spawn_request *request, pid_t parent, volatile struct millrace_spawn_failure *failure
) {
    failure->step = MILLRACE_SPAWN_PARENT;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return;
    // A parent that died before the call above sends no signal any more.
    if (getppid() != parent) return;
    failure->step = MILLRACE_SPAWN_SESSION;
    if (setsid() < 0) return;
    failure->step = MILLRACE_SPAWN_DESCRIPTORS;
    if (set_descriptors(request) != 0) return;
    failure->step = MILLRACE_SPAWN_DIRECTORY;
    if (chdir(request->directory) != 0) return;
    failure->step = MILLRACE_SPAWN_LIMITS;
    if (set_limits(request) != 0) return;
    reset_signals();
    failure->step = MILLRACE_SPAWN_EXECUTE;
    // A child of another thread may still hold the descriptor through which the file was written, until its own exec.
    struct timespec pause = {.tv_nsec = 1000 * 1000};
    for (int attempt = 0; attempt < 2000; attempt++) {
        execve(request->path, request->arguments, request->environment);
        if (errno != ETXTBSY) return;
        nanosleep(&pause, NULL);
        errno = ETXTBSY;
    }
}

pid_t millrace_spawn(const struct millrace_spawn_request *request, struct millrace_spawn_failure *failure) {
    // vfork shares memory until execve, so the child tells where it failed by writing it down, and the calling
    // thread goes on only after that. Nothing of a large host is copied.
    volatile struct millrace_spawn_failure outcome = {MILLRACE_SPAWN_FORK, 0};
    if (request->descriptor_count > MAXIMUM_DESCRIPTORS) {
        failure->step = MILLRACE_SPAWN_DESCRIPTORS;
        failure->error = EINVAL;
        return -1;
    }
    // A handler that ran in the child would write to the parent's memory.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid();
    pid_t pid = vfork();
    if (pid == 0) {
        become(request, parent, &outcome);
        outcome.error = errno == 0 ? ESRCH : errno;
        _exit(127);
    }
    int fork_error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);

    if (pid > 0 && outcome.error == 0) return pid;
    failure->step = outcome.step;
    failure->error = pid < 0 ? fork_error : outcome.error;
    if (pid > 0) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
    }
    return -1;
}

int millrace_pidfd_open(pid_t pid) {
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

int millrace_reap(int pidfd, int *status, int *signalled) {
    siginfo_t info = {0};
    while (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) != 0) {
        if (errno != EINTR) return -1;
    }
    if (info.si_pid == 0) {
        errno = EAGAIN;
        return -1;
    }
    *status = info.si_status;
    *signalled = info.si_code != CLD_EXITED;
    return 0;
}

int millrace_eventfd(void) {
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

int millrace_pipe(int ends[2]) {
    return pipe2(ends, O_CLOEXEC);
}

int millrace_accept(int listener) {
    return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

int millrace_start_thread(const char *name, size_t stack_bytes, void *argument, void *(*body)(void *)) {
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error != 0) return error;
    pthread_attr_setstacksize(&attributes, stack_bytes);
    pthread_t thread;
    error = pthread_create(&thread, &attributes, body, argument);
    pthread_attr_destroy(&attributes);
    if (error != 0) return error;
    // Its number is valid until it is detached, also when it has ended.
    pthread_setname_np(thread, name);
    pthread_detach(thread);
    return 0;
}
