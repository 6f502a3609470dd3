/* What is wrong with the disk: told by a test through a shared page, which it writes as a file at any time. */

#define _GNU_SOURCE
#include "lying_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Words of 64 bits in the machine's own order. disk.rs knows their places by number. */
struct control {
    /* Told to the library: calls of these kinds are counted, and `fail_count` of them fail, beginning with number `fail_from`. */
    uint64_t fail_kinds;
    uint64_t fail_from;
    uint64_t fail_count;
    uint64_t fail_errno; /* 0: instead of failing, the process is killed before the call */
    uint64_t fail_short; /* 1: the first call to fail, if it is a write, writes one half and says so */
    uint64_t space_left; /* bytes that can still be written; UINT64_MAX: no bound */
    uint64_t free_bytes; /* what statvfs tells; UINT64_MAX: the truth */
    uint64_t sync_ms;    /* how long each sync takes at least */
    uint64_t read_ms;    /* how long each read takes at least */
    uint64_t only_stage; /* only calls in this stage are counted, fail, and are slow to sync; 0: all */
    uint64_t late_ms;    /* how long a thread does not run after its call was the first to fail */
    /* Told by the library. */
    uint64_t seen;            /* calls of `fail_kinds` */
    uint64_t failed;          /* calls that failed, for want of space, too */
    uint64_t first_failed_ns; /* when the first did, in nanoseconds since 1970 */
    uint64_t syncs_waiting;   /* syncs that are being slow now */
    uint64_t syncs;           /* syncs that came to their end */
    char first_failed[256];   /* what the first one was */
};

static struct control *control;

void faults_begin(const char *path)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    if (fd < 0)
        give_up("the control page cannot be opened", path);
    void *page = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    struct stat stat;
    if (page == MAP_FAILED || fstat(fd, &stat) != 0 || (size_t)stat.st_size < sizeof *control)
        give_up("the control page is too small or cannot be mapped", path);
    syscall(SYS_close, fd);
    control = page;
}

static uint64_t told(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

bool faults_watch(enum kind kind)
{
    return control && ((told(&control->fail_kinds) & kind) || (kind == READ && told(&control->read_ms)));
}

/* Which stage this thread is in. fjall writes tables on a thread of its own: a flush begins with a sync of the journal, both
 * end with a new list of tables, `current`, and the first table that is opened after that is part of a compaction. */
static __thread enum stage stage;
/* The stage of the call that was decided on last. */
static __thread enum stage here;

static bool ends_with(const char *path, const char *end)
{
    size_t bytes = strlen(path), end_bytes = strlen(end);
    return bytes >= end_bytes && strcmp(path + bytes - end_bytes, end) == 0;
}

static enum stage follow(enum kind kind, const char *path)
{
    if (kind == SYNC && ends_with(path, ".jnl"))
        stage = FLUSH;
    if (!strstr(path, "/keyspaces/"))
        return ELSEWHERE;
    if (kind == OPEN && stage == BETWEEN && strstr(path, "/tables/"))
        stage = COMPACTION;
    enum stage now = stage == BETWEEN ? ELSEWHERE : stage;
    if (kind == RENAME && ends_with(path, "/current"))
        stage = BETWEEN;
    return now;
}

static const char *told_of(enum stage of)
{
    return of == FLUSH ? " in a flush" : of == COMPACTION ? " in a compaction" : "";
}

/* Whether calls of the stage that this thread is in may be disturbed. */
static bool is_meant(void)
{
    uint64_t only = told(&control->only_stage);
    return only == ELSEWHERE || only == here;
}

static const char *name_of(enum kind kind)
{
    switch (kind) {
    case OPEN: return "open";
    case READ: return "read";
    case WRITE: return "write";
    case SYNC: return "sync";
    case RENAME: return "rename";
    case UNLINK: return "unlink";
    case LENGTH: return "length";
    case FOLDER: return "folder";
    }
    return "?";
}

static void pass_time(uint64_t ms)
{
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    while (ms && nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

static int fails(enum kind kind, const char *path, int error)
{
    if (__atomic_fetch_add(&control->failed, 1, __ATOMIC_SEQ_CST) == 0) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        snprintf(control->first_failed, sizeof control->first_failed, "%s %s%s (%s)", name_of(kind), path, told_of(here),
                 strerror(error));
        uint64_t at = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
        __atomic_store_n(&control->first_failed_ns, at, __ATOMIC_SEQ_CST);
        pass_time(told(&control->late_ms));
    }
    return error;
}

int faults_decide(enum kind kind, const char *path, size_t *bytes)
{
    if (!control)
        return 0;
    here = follow(kind, path);
    if (!(told(&control->fail_kinds) & kind) || !is_meant())
        return 0;
    uint64_t number = __atomic_add_fetch(&control->seen, 1, __ATOMIC_SEQ_CST);
    uint64_t from = told(&control->fail_from);
    if (number < from || number - from >= told(&control->fail_count))
        return 0;
    if (number == from && kind == WRITE && *bytes > 1 && told(&control->fail_short)) {
        *bytes /= 2;
        return 0;
    }
    if (told(&control->fail_errno) == 0) {
        fails(kind, path, 0);
        kill(getpid(), SIGKILL);
    }
    return fails(kind, path, (int)told(&control->fail_errno));
}

int faults_claim(enum kind kind, const char *path, size_t *bytes)
{
    if (!control)
        return 0;
    uint64_t left = told(&control->space_left);
    while (left != UINT64_MAX) {
        uint64_t taken = *bytes < left ? *bytes : left;
        /* A new name needs a little room of its own, too. */
        if (left == 0)
            return fails(kind, path, ENOSPC);
        if (__atomic_compare_exchange_n(&control->space_left, &left, left - taken, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
            *bytes = (size_t)taken;
            return 0;
        }
    }
    return 0;
}

void faults_delay(enum kind kind)
{
    if (!control)
        return;
    if (kind == SYNC)
        __atomic_fetch_add(&control->syncs_waiting, 1, __ATOMIC_SEQ_CST);
    pass_time(!is_meant() ? 0 : told(kind == SYNC ? &control->sync_ms : &control->read_ms));
    if (kind == SYNC) {
        __atomic_fetch_sub(&control->syncs_waiting, 1, __ATOMIC_SEQ_CST);
        __atomic_fetch_add(&control->syncs, 1, __ATOMIC_SEQ_CST);
    }
}

uint64_t faults_free_bytes(void)
{
    return control ? told(&control->free_bytes) : UINT64_MAX;
}
