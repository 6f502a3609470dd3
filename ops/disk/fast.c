/*
 * A clock that runs fast, for one process: with this library in LD_PRELOAD a process lives QNECT_CLOCK_RATE seconds in each
 * second of the machine, from its start on. The wall clock begins at QNECT_CLOCK_BEGIN, in seconds of the Unix epoch, or
 * where the machine's is. The clocks that count from the machine's start run as fast, and whatever waits with a deadline
 * waits so much shorter. What counts processor time is left alone, and so is a wait without a deadline.
 *
 * Rust's standard library and parking_lot wait by futex through syscall(); tokio waits in epoll_wait. The C library's own
 * waits (pthread_cond_timedwait, sem_timedwait) do not come by here: nothing in the engine uses them.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))
#define SECOND_NS INT64_C(1000000000)
#define RATE_MAX 10000

static long (*real_syscall)(long, ...);
static int (*real_gettime)(clockid_t, struct timespec *);
/* 0 until the library is ready: then time goes as the machine's. */
static int64_t rate;
/* What the machine's clocks showed when the process began, and what this one's shows then. */
static int64_t wall_began, wall_shown, monotonic_began, boot_began;

static int64_t nanos(const struct timespec *at)
{
    return at->tv_sec * SECOND_NS + at->tv_nsec;
}

static struct timespec timespec_of(int64_t ns)
{
    return (struct timespec){.tv_sec = ns / SECOND_NS, .tv_nsec = ns % SECOND_NS};
}

static int64_t machine(clockid_t clock)
{
    struct timespec now;
    return real_gettime(clock, &now) ? 0 : nanos(&now);
}

static int64_t number(const char *name, int64_t missing, int64_t least, int64_t most)
{
    const char *text = getenv(name);
    if (!text)
        return missing;
    char *end;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end || value < least || value > most) {
        fprintf(stderr, "fast: %s is not a whole number from %lld to %lld\n", name, (long long)least, (long long)most);
        abort();
    }
    return value;
}

__attribute__((constructor)) static void begin(void)
{
    real_syscall = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    real_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    if (!real_syscall || !real_gettime) {
        fprintf(stderr, "fast: the C library is another one than expected\n");
        abort();
    }
    wall_began = machine(CLOCK_REALTIME);
    monotonic_began = machine(CLOCK_MONOTONIC);
    boot_began = machine(CLOCK_BOOTTIME);
    wall_shown = number("QNECT_CLOCK_BEGIN", wall_began / SECOND_NS, 0, INT64_C(4102444800)) * SECOND_NS;
    rate = number("QNECT_CLOCK_RATE", 1, 1, RATE_MAX);
}

/* When a clock of the machine began for this process, and what it shows for that; 0 if it is none of those that run fast. */
static int origin(clockid_t clock, int64_t *began, int64_t *shown)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        *began = wall_began;
        *shown = wall_shown;
        return 1;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
        *began = *shown = monotonic_began;
        return 1;
    case CLOCK_BOOTTIME:
        *began = *shown = boot_began;
        return 1;
    default:
        return 0;
    }
}

/* A moment of the fast clock, as the machine's shows it: rounded up, so that no wait ends before its time. */
static struct timespec machine_moment(clockid_t clock, const struct timespec *at)
{
    int64_t began, shown;
    if (!origin(clock, &began, &shown))
        return *at;
    int64_t later = nanos(at) - shown;
    return timespec_of(began + (later > 0 ? (later + rate - 1) / rate : 0));
}

static struct timespec machine_span(const struct timespec *span)
{
    return timespec_of((nanos(span) + rate - 1) / rate);
}

SHOWN int clock_gettime(clockid_t clock, struct timespec *at)
{
    if (!real_gettime)
        return (int)(errno = ENOSYS, -1);
    int failed = real_gettime(clock, at);
    int64_t began, shown;
    /* Monotonic's coarse and raw kin may be a little behind the origin: they then show it. */
    if (failed || !rate || !origin(clock, &began, &shown))
        return failed;
    int64_t passed = nanos(at) - began;
    *at = timespec_of(shown + (passed > 0 ? passed : 0) * rate);
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

/* A wait in milliseconds, as the kernel takes it in nanoseconds; NULL waits for ever. */
static struct timespec *machine_ms(int ms, struct timespec *span)
{
    if (ms < 0)
        return NULL;
    *span = timespec_of(((int64_t)ms * 1000000 + rate - 1) / rate);
    return span;
}

SHOWN int epoll_pwait2(int fd, struct epoll_event *events, int most, const struct timespec *span, const sigset_t *mask)
{
    struct timespec shorter;
    if (span && rate) {
        shorter = machine_span(span);
        span = &shorter;
    }
    return (int)real_syscall(SYS_epoll_pwait2, fd, events, most, span, mask, (size_t)(_NSIG / 8));
}

SHOWN int epoll_pwait(int fd, struct epoll_event *events, int most, int ms, const sigset_t *mask)
{
    if (!rate)
        return (int)real_syscall(SYS_epoll_pwait, fd, events, most, ms, mask, (size_t)(_NSIG / 8));
    struct timespec span;
    return (int)real_syscall(SYS_epoll_pwait2, fd, events, most, machine_ms(ms, &span), mask, (size_t)(_NSIG / 8));
}

SHOWN int epoll_wait(int fd, struct epoll_event *events, int most, int ms)
{
    return epoll_pwait(fd, events, most, ms, NULL);
}

SHOWN int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *span, const sigset_t *mask)
{
    /* The kernel writes into it what is left. */
    struct timespec shorter;
    if (span)
        shorter = rate ? machine_span(span) : *span;
    return (int)real_syscall(SYS_ppoll, fds, count, span ? &shorter : NULL, mask, (size_t)(_NSIG / 8));
}

SHOWN int poll(struct pollfd *fds, nfds_t count, int ms)
{
    struct timespec span = timespec_of((int64_t)(ms < 0 ? 0 : ms) * 1000000);
    return ppoll(fds, count, ms < 0 ? NULL : &span, NULL);
}

/* Returns an error number, as POSIX wants it; what is left of a wait that a signal cut is told in fast time. */
SHOWN int clock_nanosleep(clockid_t clock, int flags, const struct timespec *span, struct timespec *left)
{
    struct timespec shorter = *span;
    if (rate)
        shorter = flags & TIMER_ABSTIME ? machine_moment(clock, span) : machine_span(span);
    int kept = errno, failed = 0;
    if (real_syscall(SYS_clock_nanosleep, clock, flags, &shorter, left) != 0)
        failed = errno;
    errno = kept;
    if (failed == EINTR && left && rate && !(flags & TIMER_ABSTIME))
        *left = timespec_of(nanos(left) * rate);
    return failed;
}

SHOWN int nanosleep(const struct timespec *span, struct timespec *left)
{
    int failed = clock_nanosleep(CLOCK_MONOTONIC, 0, span, left);
    if (!failed)
        return 0;
    errno = failed;
    return -1;
}

/* The wait of a futex call in the machine's time: FUTEX_WAIT takes a span, FUTEX_WAIT_BITSET a moment. */
static int waits(long op)
{
    return (op & FUTEX_CMD_MASK) == FUTEX_WAIT || (op & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET;
}

SHOWN long syscall(long call, ...)
{
    va_list given;
    long a[6];
    va_start(given, call);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(given, long);
    va_end(given);
    if (!real_syscall)
        return errno = ENOSYS, -1;
    struct timespec moment;
    const struct timespec *until = (const struct timespec *)a[3];
    if (call == SYS_futex && rate && waits(a[1]) && until) {
        clockid_t clock = a[1] & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
        moment = (a[1] & FUTEX_CMD_MASK) == FUTEX_WAIT ? machine_span(until) : machine_moment(clock, until);
        a[3] = (long)&moment;
    }
    return real_syscall(call, a[0], a[1], a[2], a[3], a[4], a[5]);
}
