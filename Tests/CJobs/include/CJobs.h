#ifndef CJOBS_H
#define CJOBS_H

#include <stdint.h>

/// - `task`: The number of the task that the job belongs to, in the order in which tasks were made; 0 for none.
typedef void (*job_receiver)(void *owner, void *job, uint64_t task);

/// Hands every job that Swift's concurrency runtime is given on this thread to `receive`, instead of to its thread pool;
/// with `NULL` no more.
void receive_jobs(void *owner, job_receiver receive);

/// Runs a job on this thread until it suspends or ends.
void run_job(void *job);

#endif
