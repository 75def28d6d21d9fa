// Loaded before the program (LD_PRELOAD): lets calls on files below one folder, on sockets and for
// memory fail or take long, moves the clock, and takes rights and descriptors away. Everything by
// environment variables:
//
//   PROVE_UNDER=DIR        of files only those below it
//   PROVE_CALLS=a,b        open write sync rename truncate; socket accept recv send epoll; memory
//                          (C++'s new), mmap (the allocator's, thus malloc of who has none left)
//   PROVE_AT=N             the N-th such call fails, once; 0 = all of them
//   PROVE_ERRNO=N          with this number
//   PROVE_WHILE=FILE       calls count and fail, and the clock is moved, only while FILE exists
//   PROVE_MARK=FILE        made when a call has failed
//   PROVE_SLOW_US=N        write and sync take so much longer
//   PROVE_CLOCK_S=N        added to the wall clock
//   PROVE_UID=N            the process is this user
//   PROVE_FILES=N          open files at most
#define _GNU_SOURCE
#undef _FORTIFY_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static atomic_long calls;

static long number_of(const char* name) {
    const char* text = getenv(name);
    return text ? atol(text) : 0;
}

static int is_armed(void) {
    const char* file = getenv("PROVE_WHILE");
    return !file || syscall(SYS_access, file, F_OK) == 0;
}

static int is_under(const char* path) {
    const char* under = getenv("PROVE_UNDER");
    return under && path && strncmp(path, under, strlen(under)) == 0;
}

static int is_named(const char* call) {
    const char* list = getenv("PROVE_CALLS");
    const char* at = list ? strstr(list, call) : NULL;
    return at != NULL;
}

static void leave_mark(void) {
    const char* mark = getenv("PROVE_MARK");
    if (!mark) return;
    const long file = syscall(SYS_open, mark, O_WRONLY | O_CREAT, 0600);
    if (file >= 0) syscall(SYS_close, file);
}

// 1 when this call, named and in its place, is to fail; errno is set then.
static int comes_to_fail(void) {
    if (!is_armed()) return 0;
    const long at = number_of("PROVE_AT");
    const long count = atomic_fetch_add(&calls, 1) + 1;
    if (at != 0 && count != at) return 0;
    leave_mark();
    errno = (int)number_of("PROVE_ERRNO");
    return 1;
}

static int fails(const char* call, const char* path) {
    return is_named(call) && is_under(path) && comes_to_fail();
}
static int fails_anywhere(const char* call) {
    return is_named(call) && comes_to_fail();
}

static const char* path_of(int file, char* path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    const ssize_t size = readlink(link, path, PATH_MAX - 1);
    path[size < 0 ? 0 : size] = '\0';
    return path;
}

static int fails_on(const char* call, int file) {
    char path[PATH_MAX];
    const long slow_us = number_of("PROVE_SLOW_US");
    if (!is_named(call) && slow_us == 0) return 0;
    path_of(file, path);
    if (slow_us > 0 && is_under(path)) usleep((useconds_t)slow_us);
    return fails(call, path);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPENS(name)                                                   \
    int name(const char* path, int flags, ...) {                      \
        va_list more;                                                 \
        va_start(more, flags);                                        \
        const mode_t mode = va_arg(more, mode_t);                     \
        va_end(more);                                                 \
        return fails("open", path) ? -1 : NEXT(name)(path, flags, mode); \
    }
OPENS(open)
OPENS(open64)
// What fortified calls become.
int __open_2(const char* path, int flags) {
    return open(path, flags, 0);
}
int __open64_2(const char* path, int flags) {
    return open64(path, flags, 0);
}

FILE* fopen(const char* path, const char* mode) {
    return fails("open", path) ? NULL : NEXT(fopen)(path, mode);
}
FILE* fopen64(const char* path, const char* mode) {
    return fails("open", path) ? NULL : NEXT(fopen64)(path, mode);
}
ssize_t write(int file, const void* bytes, size_t size) {
    return fails_on("write", file) ? -1 : NEXT(write)(file, bytes, size);
}
ssize_t pwrite(int file, const void* bytes, size_t size, off_t at) {
    return fails_on("write", file) ? -1 : NEXT(pwrite)(file, bytes, size, at);
}
ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t at) {
    return fails_on("write", file) ? -1 : NEXT(pwrite64)(file, bytes, size, at);
}
int fsync(int file) {
    return fails_on("sync", file) ? -1 : NEXT(fsync)(file);
}
int fdatasync(int file) {
    return fails_on("sync", file) ? -1 : NEXT(fdatasync)(file);
}
int rename(const char* from, const char* to) {
    return fails("rename", to) ? -1 : NEXT(rename)(from, to);
}
int ftruncate(int file, off_t size) {
    return fails_on("truncate", file) ? -1 : NEXT(ftruncate)(file, size);
}
int ftruncate64(int file, off64_t size) {
    return fails_on("truncate", file) ? -1 : NEXT(ftruncate64)(file, size);
}
int fallocate(int file, int mode, off_t at, off_t size) {
    return fails_on("truncate", file) ? -1 : NEXT(fallocate)(file, mode, at, size);
}
int fallocate64(int file, int mode, off64_t at, off64_t size) {
    return fails_on("truncate", file) ? -1 : NEXT(fallocate64)(file, mode, at, size);
}

int socket(int domain, int type, int protocol) {
    return fails_anywhere("socket") ? -1 : NEXT(socket)(domain, type, protocol);
}
int accept(int socket, struct sockaddr* restrict peer, socklen_t* restrict size) {
    return fails_anywhere("accept") ? -1 : NEXT(accept)(socket, peer, size);
}
int accept4(int socket, struct sockaddr* restrict peer, socklen_t* restrict size, int flags) {
    return fails_anywhere("accept") ? -1 : NEXT(accept4)(socket, peer, size, flags);
}
ssize_t recv(int socket, void* bytes, size_t size, int flags) {
    return fails_anywhere("recv") ? -1 : NEXT(recv)(socket, bytes, size, flags);
}
ssize_t __recv_chk(int socket, void* bytes, size_t size, size_t room, int flags) {
    if (size > room) abort();
    return recv(socket, bytes, size, flags);
}
ssize_t recvmsg(int socket, struct msghdr* message, int flags) {
    return fails_anywhere("recv") ? -1 : NEXT(recvmsg)(socket, message, flags);
}
ssize_t send(int socket, const void* bytes, size_t size, int flags) {
    return fails_anywhere("send") ? -1 : NEXT(send)(socket, bytes, size, flags);
}
ssize_t sendmsg(int socket, const struct msghdr* message, int flags) {
    return fails_anywhere("send") ? -1 : NEXT(sendmsg)(socket, message, flags);
}
int epoll_wait(int poll, struct epoll_event* events, int room, int timeout) {
    return fails_anywhere("epoll") ? -1 : NEXT(epoll_wait)(poll, events, room, timeout);
}

// C++'s operator new, of a few bytes and many; what fails throws, as it does where memory is out.
static int memory_fails;  // looked up once: this is called all the time
void* _Znwm(size_t size) {
    static void* (*next)(size_t);
    if (!next) next = (void* (*)(size_t))dlsym(RTLD_NEXT, "_Znwm");
    if (memory_fails && comes_to_fail())
        ((void (*)(void))dlsym(RTLD_DEFAULT, "_ZSt17__throw_bad_allocv"))();
    return next(size);
}

// No dlsym: it may allocate, and the allocator asks here.
static int mapping_fails;
void* mmap(void* at, size_t size, int protection, int flags, int file, off_t from) {
    if (mapping_fails && comes_to_fail()) return MAP_FAILED;
    return (void*)syscall(SYS_mmap, at, size, protection, flags, file, from);
}
void* mmap64(void* at, size_t size, int protection, int flags, int file, off64_t from) {
    return mmap(at, size, protection, flags, file, from);
}

int clock_gettime(clockid_t clock, struct timespec* now) {
    const int result = (int)syscall(SYS_clock_gettime, clock, now);
    const long moved_s = clock == CLOCK_REALTIME ? number_of("PROVE_CLOCK_S") : 0;
    if (result == 0 && moved_s != 0 && is_armed()) now->tv_sec += moved_s;
    return result;
}
int gettimeofday(struct timeval* restrict now, void* restrict zone) {
    (void)zone;
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    now->tv_sec = time.tv_sec;
    now->tv_usec = time.tv_nsec / 1000;
    return 0;
}
time_t time(time_t* into) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (into) *into = now.tv_sec;
    return now.tv_sec;
}

__attribute__((constructor)) static void take_rights_away(void) {
    memory_fails = is_named("memory");
    mapping_fails = is_named("mmap");
    const long files = number_of("PROVE_FILES");
    const struct rlimit limit = {(rlim_t)files, (rlim_t)files};
    if (files > 0) setrlimit(RLIMIT_NOFILE, &limit);
    const long user = number_of("PROVE_UID");
    if (user == 0) return;
    if (setgroups(0, NULL) != 0 || setgid((gid_t)user) != 0 || setuid((uid_t)user) != 0) abort();
}
