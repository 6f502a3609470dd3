/*
 * A wall clock that a test sets, for one process: with this library in LD_PRELOAD it reads as many milliseconds later (or,
 * negative, earlier) than the machine's as the file says that QNECT_CLOCK_OFFSET names: one 64-bit number in the machine's
 * own order, read at every look, so that a write to the file steps the clock under a running process. The clocks that count
 * from the machine's start are left alone, as a step of the wall clock leaves them.
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

static const int64_t *offset_ms;
/* Looks at the wall clock, after the offset in the file: so that a test sees that the library is in the way. */
static uint64_t *looks;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("QNECT_CLOCK_OFFSET");
    if (!path)
        return;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    struct stat stat;
    size_t bytes = sizeof *offset_ms + sizeof *looks;
    void *page = fd < 0 ? MAP_FAILED : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED || fstat(fd, &stat) != 0 || (size_t)stat.st_size < bytes) {
        fprintf(stderr, "clock: %s cannot be mapped or is too short\n", path);
        abort();
    }
    syscall(SYS_close, fd);
    offset_ms = page;
    looks = (uint64_t *)page + 1;
}

/* The kernel's own word: the C library's functions are those that are replaced here. */
SHOWN int clock_gettime(clockid_t clock, struct timespec *at)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, at);
    if (failed || !offset_ms || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
        return failed;
    __atomic_fetch_add(looks, 1, __ATOMIC_SEQ_CST);
    int64_t shift = __atomic_load_n(offset_ms, __ATOMIC_SEQ_CST);
    at->tv_sec += shift / 1000;
    at->tv_nsec += shift % 1000 * 1000000;
    if (at->tv_nsec < 0) {
        at->tv_sec -= 1;
        at->tv_nsec += 1000000000;
    } else if (at->tv_nsec >= 1000000000) {
        at->tv_sec += 1;
        at->tv_nsec -= 1000000000;
    }
    return 0;
}

SHOWN int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
    (void)zone;
    struct timespec now;
    int failed = clock_gettime(CLOCK_REALTIME, &now);
    if (!failed)
        *at = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return failed;
}

SHOWN time_t time(time_t *at)
{
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return (time_t)-1;
    if (at)
        *at = now.tv_sec;
    return now.tv_sec;
}
