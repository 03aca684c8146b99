#include "CJobs.h"

// Exported by libswift_Concurrency for replacing its thread pool; the calling convention is Swift's.
#define SWIFT __attribute__((swiftcall))
typedef SWIFT void (*original_enqueue)(void *job);
extern SWIFT void (*swift_task_enqueueGlobal_hook)(void *job, original_enqueue original);
extern SWIFT void swift_job_run(void *job, uintptr_t identity, uintptr_t implementation);
extern SWIFT uint64_t swift_task_getJobTaskId(void *job);

static _Thread_local job_receiver receiver;
static _Thread_local void *receiver_owner;

static SWIFT void hand_over(void *job, original_enqueue original) {
    if (receiver) receiver(receiver_owner, job, swift_task_getJobTaskId(job));
    else original(job);
}

void receive_jobs(void *owner, job_receiver receive) {
    receiver = receive;
    receiver_owner = owner;
    // Threads without a receiver go on with the pool.
    __atomic_store_n(&swift_task_enqueueGlobal_hook, hand_over, __ATOMIC_RELEASE);
}

void run_job(void *job) {
    // On no particular executor, as the threads of the pool run it.
    swift_job_run(job, 0, 0);
}
