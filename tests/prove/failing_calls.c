// Loaded before the program (LD_PRELOAD): lets calls on files below one folder, on sockets and for
// memory fail or take long, moves the clock, and takes rights and descriptors away. Everything by
// environment variables:
//
//   PROVE_UNDER=DIR        of files only those below it
//   PROVE_CALLS=a,b        open read write sync rename truncate remove mkdir; socket connect accept
//                          recv send poll; spawn (of a thread); memory (C++'s new), mmap (the
//                          allocator's, thus malloc of who has none left)
//   PROVE_AT=N             the N-th such call fails, once; 0 = all of them
//   PROVE_ERRNO=N          with this number
//   PROVE_WHILE=FILE       calls count and fail, and the clock is moved, only while FILE exists
//   PROVE_COUNTS=FILE      the calls of each kind, in the order above: one 64-bit number for each,
//                          true at any moment, also after kill -9
//   PROVE_SLOW_US=N        write and sync take so much longer
//   PROVE_CLOCK_S=N        added to the wall clock
//   PROVE_UID=N            the process is this user
//   PROVE_FILES=N          open files at most
//   PROVE_GROUP=FILE       the process enters the control group whose cgroup.procs FILE is
//
// What it takes the place of has the names of the C library, of its checked calls and of C++'s new.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
#define _GNU_SOURCE
#undef _FORTIFY_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
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
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// clang-format off
enum Kind { OPEN, READ, WRITE, SYNC, RENAME, TRUNCATE, REMOVE, MKDIR, SOCKET, CONNECT, ACCEPT, RECV,
            SEND, POLL, SPAWN, MEMORY, MMAP, KINDS };
static const char* const names[KINDS] = {
    "open", "read", "write", "sync", "rename", "truncate", "remove", "mkdir", "socket", "connect",
    "accept", "recv", "send", "poll", "spawn", "memory", "mmap"};
// clang-format on

static atomic_long uncounted[KINDS];
static atomic_long* counts = uncounted;  // PROVE_COUNTS, once it is mapped

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

static int is_named(enum Kind call) {
    const char* list = getenv("PROVE_CALLS");
    return list && strstr(list, names[call]) != NULL;
}

// 1 when this call is named and in its place, and thus to fail; errno is set then.
static int fails_anywhere(enum Kind call) {
    if (!is_armed()) return 0;
    const long count = atomic_fetch_add(&counts[call], 1) + 1;
    if (!is_named(call)) return 0;
    const long at = number_of("PROVE_AT");
    if (at != 0 && count != at) return 0;
    errno = (int)number_of("PROVE_ERRNO");
    return 1;
}

static int fails(enum Kind call, const char* path) {
    return is_under(path) && fails_anywhere(call);
}

static const char* path_of(int file, char* path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    const ssize_t size = readlink(link, path, PATH_MAX - 1);
    path[size < 0 ? 0 : size] = '\0';
    return path;
}

static int fails_on(enum Kind call, int file) {
    char path[PATH_MAX];
    const long slow_us = number_of("PROVE_SLOW_US");
    if (counts == uncounted && !is_named(call) && slow_us == 0) return 0;
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
        return fails(OPEN, path) ? -1 : NEXT(name)(path, flags, mode); \
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
    return fails(OPEN, path) ? NULL : NEXT(fopen)(path, mode);
}
FILE* fopen64(const char* path, const char* mode) {
    return fails(OPEN, path) ? NULL : NEXT(fopen64)(path, mode);
}
ssize_t read(int file, void* bytes, size_t size) {
    return fails_on(READ, file) ? -1 : NEXT(read)(file, bytes, size);
}
ssize_t pread(int file, void* bytes, size_t size, off_t at) {
    return fails_on(READ, file) ? -1 : NEXT(pread)(file, bytes, size, at);
}
ssize_t pread64(int file, void* bytes, size_t size, off64_t at) {
    return fails_on(READ, file) ? -1 : NEXT(pread64)(file, bytes, size, at);
}
ssize_t write(int file, const void* bytes, size_t size) {
    return fails_on(WRITE, file) ? -1 : NEXT(write)(file, bytes, size);
}
ssize_t pwrite(int file, const void* bytes, size_t size, off_t at) {
    return fails_on(WRITE, file) ? -1 : NEXT(pwrite)(file, bytes, size, at);
}
ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t at) {
    return fails_on(WRITE, file) ? -1 : NEXT(pwrite64)(file, bytes, size, at);
}
ssize_t writev(int file, const struct iovec* parts, int count) {
    return fails_on(WRITE, file) ? -1 : NEXT(writev)(file, parts, count);
}
int fsync(int file) {
    return fails_on(SYNC, file) ? -1 : NEXT(fsync)(file);
}
int fdatasync(int file) {
    return fails_on(SYNC, file) ? -1 : NEXT(fdatasync)(file);
}
int sync_file_range(int file, off64_t at, off64_t size, unsigned flags) {
    return fails_on(SYNC, file) ? -1 : NEXT(sync_file_range)(file, at, size, flags);
}
int unlink(const char* path) {
    return fails(REMOVE, path) ? -1 : NEXT(unlink)(path);
}
int rmdir(const char* path) {
    return fails(REMOVE, path) ? -1 : NEXT(rmdir)(path);
}
int remove(const char* path) {
    return fails(REMOVE, path) ? -1 : NEXT(remove)(path);
}
int mkdir(const char* path, mode_t mode) {
    return fails(MKDIR, path) ? -1 : NEXT(mkdir)(path, mode);
}
int rename(const char* from, const char* to) {
    return fails(RENAME, to) ? -1 : NEXT(rename)(from, to);
}
int ftruncate(int file, off_t size) {
    return fails_on(TRUNCATE, file) ? -1 : NEXT(ftruncate)(file, size);
}
int ftruncate64(int file, off64_t size) {
    return fails_on(TRUNCATE, file) ? -1 : NEXT(ftruncate64)(file, size);
}
int fallocate(int file, int mode, off_t at, off_t size) {
    return fails_on(TRUNCATE, file) ? -1 : NEXT(fallocate)(file, mode, at, size);
}
int fallocate64(int file, int mode, off64_t at, off64_t size) {
    return fails_on(TRUNCATE, file) ? -1 : NEXT(fallocate64)(file, mode, at, size);
}

int socket(int domain, int type, int protocol) {
    return fails_anywhere(SOCKET) ? -1 : NEXT(socket)(domain, type, protocol);
}
int connect(int socket, const struct sockaddr* peer, socklen_t size) {
    return fails_anywhere(CONNECT) ? -1 : NEXT(connect)(socket, peer, size);
}
int accept(int socket, struct sockaddr* restrict peer, socklen_t* restrict size) {
    return fails_anywhere(ACCEPT) ? -1 : NEXT(accept)(socket, peer, size);
}
int accept4(int socket, struct sockaddr* restrict peer, socklen_t* restrict size, int flags) {
    return fails_anywhere(ACCEPT) ? -1 : NEXT(accept4)(socket, peer, size, flags);
}
ssize_t recv(int socket, void* bytes, size_t size, int flags) {
    return fails_anywhere(RECV) ? -1 : NEXT(recv)(socket, bytes, size, flags);
}
ssize_t __recv_chk(int socket, void* bytes, size_t size, size_t room, int flags) {
    if (size > room) abort();
    return recv(socket, bytes, size, flags);
}
ssize_t recvmsg(int socket, struct msghdr* message, int flags) {
    return fails_anywhere(RECV) ? -1 : NEXT(recvmsg)(socket, message, flags);
}
ssize_t send(int socket, const void* bytes, size_t size, int flags) {
    return fails_anywhere(SEND) ? -1 : NEXT(send)(socket, bytes, size, flags);
}
ssize_t sendmsg(int socket, const struct msghdr* message, int flags) {
    return fails_anywhere(SEND) ? -1 : NEXT(sendmsg)(socket, message, flags);
}
int epoll_wait(int poll, struct epoll_event* events, int room, int timeout) {
    return fails_anywhere(POLL) ? -1 : NEXT(epoll_wait)(poll, events, room, timeout);
}
int poll(struct pollfd* files, nfds_t count, int timeout) {
    return fails_anywhere(POLL) ? -1 : NEXT(poll)(files, count, timeout);
}

// Gives its error instead of setting errno.
int pthread_create(pthread_t* restrict thread, const pthread_attr_t* restrict how,
                   void* (*run)(void*), void* restrict argument) {
    return fails_anywhere(SPAWN) ? errno : NEXT(pthread_create)(thread, how, run, argument);
}

// C++'s operator new, of a few bytes and many; what fails throws, as it does where memory is out.
static int memory_counts;  // looked up once: this is called all the time
void* _Znwm(size_t size) {
    static void* (*next)(size_t);
    if (!next) next = (void* (*)(size_t))dlsym(RTLD_NEXT, "_Znwm");
    if (memory_counts && fails_anywhere(MEMORY))
        ((void (*)(void))dlsym(RTLD_DEFAULT, "_ZSt17__throw_bad_allocv"))();
    return next(size);
}

// No dlsym: it may allocate, and the allocator asks here.
static int mapping_counts;
void* mmap(void* at, size_t size, int protection, int flags, int file, off_t from) {
    if (mapping_counts && fails_anywhere(MMAP)) return MAP_FAILED;
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

__attribute__((constructor)) static void begin_to_count(void) {
    const char* path = getenv("PROVE_COUNTS");
    const int file = path ? (int)syscall(SYS_open, path, O_RDWR | O_CREAT, 0600) : -1;
    if (file >= 0) {
        if (syscall(SYS_ftruncate, file, sizeof uncounted) != 0) abort();
        void* shared = (void*)syscall(SYS_mmap, NULL, sizeof uncounted, PROT_READ | PROT_WRITE,
                                      MAP_SHARED, file, 0);
        if (shared == MAP_FAILED) abort();
        syscall(SYS_close, file);
        counts = shared;
    }
    memory_counts = file >= 0 || is_named(MEMORY);
    mapping_counts = file >= 0 || is_named(MMAP);
}

__attribute__((constructor)) static void enter_group(void) {
    const char* path = getenv("PROVE_GROUP");
    if (!path) return;
    const int file = (int)syscall(SYS_open, path, O_WRONLY);
    if (file < 0 || syscall(SYS_write, file, "0", 1) != 1) abort();
    syscall(SYS_close, file);
}

__attribute__((constructor)) static void take_rights_away(void) {
    const long files = number_of("PROVE_FILES");
    const struct rlimit limit = {(rlim_t)files, (rlim_t)files};
    if (files > 0) setrlimit(RLIMIT_NOFILE, &limit);
    const long user = number_of("PROVE_UID");
    if (user == 0) return;
    if (setgroups(0, NULL) != 0 || setgid((gid_t)user) != 0 || setuid((uid_t)user) != 0) abort();
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
