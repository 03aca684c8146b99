#ifndef CSIMULATOR_H
#define CSIMULATOR_H

#include <stdint.h>

/// Hands every job that Swift's concurrency runtime wants to run to `receive`, instead of to its thread pool.
///
/// - `task`: The number of the task that the job belongs to, in the order in which tasks were made; 0 for none.
void simulator_take_jobs(void (*receive)(void *job, uint64_t task));

/// Runs a job on this thread until it suspends or ends.
void simulator_run_job(void *job);

/// Lets the generator behind Swift's `SystemRandomNumberGenerator` and UUIDs draw from `next`.
void simulator_take_random(uint64_t (*next)(void));

#endif
