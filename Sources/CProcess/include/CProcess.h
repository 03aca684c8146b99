#ifndef MILLRACE_CPROCESS_H
#define MILLRACE_CPROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// What to start. Strings and arrays end with a null.
struct millrace_spawn_request {
    const char *path;
    char *const *arguments;
    char *const *environment;
    const char *directory;
    /// Becomes descriptors 0, 1, 2, … of the process; every other descriptor is closed in it.
    const int *descriptors;
    size_t descriptor_count;
    /// Most writable memory in bytes; 0 for no limit.
    uint64_t data_bytes;
    uint64_t open_files;
};

/// Where a start failed.
enum millrace_spawn_step {
    MILLRACE_SPAWN_FORK,
    MILLRACE_SPAWN_PARENT,
    MILLRACE_SPAWN_SESSION,
    MILLRACE_SPAWN_DESCRIPTORS,
    MILLRACE_SPAWN_DIRECTORY,
    MILLRACE_SPAWN_LIMITS,
    MILLRACE_SPAWN_EXECUTE,
};

struct millrace_spawn_failure {
    int step;
    int error;
};

/// Starts a process in a session and process group of its own, that dies with the calling thread.
/// Returns its id, or -1 and fills in `failure`.
pid_t millrace_spawn(const struct millrace_spawn_request *request, struct millrace_spawn_failure *failure);

/// A descriptor that becomes readable when the process has ended; -1 and errno on failure.
int millrace_pidfd_open(pid_t pid);

/// Takes the end of a process that has ended. Returns 0 and how it ended: a signal number when `signalled`
/// is 1, else an exit code. Returns -1 and errno on failure: EAGAIN while it runs, ECHILD when its end is gone.
int millrace_reap(int pidfd, int *status, int *signalled);

/// A non-blocking event descriptor.
int millrace_eventfd(void);

/// A pipe whose ends are closed on exec.
int millrace_pipe(int ends[2]);

/// The next connection, non-blocking and closed on exec; -1 and errno when there is none.
int millrace_accept(int listener);

/// Runs `body` on a new thread that nobody joins. Returns 0, or an error number; then `body` is not called.
int millrace_start_thread(const char *name, size_t stack_bytes, void *argument, void *(*body)(void *));

#endif
