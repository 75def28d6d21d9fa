// ThreadSanitizer does not know glibc's C11 threads, with which Debian's librdkafka works, and ends at the first
// of them. These take their place in the tests that it builds (linked with -rdynamic) and use what it does know.
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) >= sizeof(pthread_mutex_t), "a mtx_t holds a mutex");
_Static_assert(sizeof(cnd_t) >= sizeof(pthread_cond_t), "a cnd_t holds a condition");

static pthread_mutex_t* mutex_of(mtx_t* mutex) { return (pthread_mutex_t*)mutex; }
static pthread_cond_t* condition_of(cnd_t* condition) { return (pthread_cond_t*)condition; }

static int told(int error) {
    switch (error) {
        case 0: return thrd_success;
        case EBUSY: return thrd_busy;
        case ETIMEDOUT: return thrd_timedout;
        case ENOMEM: return thrd_nomem;
        default: return thrd_error;
    }
}

struct start {
    thrd_start_t run;
    void* with;
};
static void* run(void* memory) {
    const struct start start = *(struct start*)memory;
    free(memory);
    return (void*)(intptr_t)start.run(start.with);
}
int thrd_create(thrd_t* thread, thrd_start_t function, void* with) {
    struct start* start = malloc(sizeof *start);
    if (!start) return thrd_nomem;
    *start = (struct start){function, with};
    const int error = pthread_create(thread, NULL, run, start);
    if (error) free(start);
    return told(error);
}
int thrd_join(thrd_t thread, int* result) {
    void* value = NULL;
    const int error = pthread_join(thread, &value);
    if (result) *result = (int)(intptr_t)value;
    return told(error);
}
int thrd_detach(thrd_t thread) { return told(pthread_detach(thread)); }

int mtx_init(mtx_t* mutex, int kind) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    if (kind & mtx_recursive) pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    const int error = pthread_mutex_init(mutex_of(mutex), &attributes);
    pthread_mutexattr_destroy(&attributes);
    return told(error);
}
int mtx_lock(mtx_t* mutex) { return told(pthread_mutex_lock(mutex_of(mutex))); }
int mtx_trylock(mtx_t* mutex) { return told(pthread_mutex_trylock(mutex_of(mutex))); }
int mtx_timedlock(mtx_t* restrict mutex, const struct timespec* restrict until) {
    return told(pthread_mutex_timedlock(mutex_of(mutex), until));
}
int mtx_unlock(mtx_t* mutex) { return told(pthread_mutex_unlock(mutex_of(mutex))); }
void mtx_destroy(mtx_t* mutex) { pthread_mutex_destroy(mutex_of(mutex)); }

int cnd_init(cnd_t* condition) { return told(pthread_cond_init(condition_of(condition), NULL)); }
int cnd_signal(cnd_t* condition) { return told(pthread_cond_signal(condition_of(condition))); }
int cnd_broadcast(cnd_t* condition) { return told(pthread_cond_broadcast(condition_of(condition))); }
int cnd_wait(cnd_t* condition, mtx_t* mutex) {
    return told(pthread_cond_wait(condition_of(condition), mutex_of(mutex)));
}
int cnd_timedwait(cnd_t* restrict condition, mtx_t* restrict mutex, const struct timespec* restrict until) {
    return told(pthread_cond_timedwait(condition_of(condition), mutex_of(mutex), until));
}
void cnd_destroy(cnd_t* condition) { pthread_cond_destroy(condition_of(condition)); }
