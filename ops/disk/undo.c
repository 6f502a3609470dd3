/* What a loss of power would undo: a log of every change, with what was there before, and of every sync.
 *
 * The log is written before the change, by calls that the kernel has carried out when they return: it outlives a SIGKILL of
 * the program at any moment. What the log says is decided by who reads it (rewind.rs): here is no opinion on what a file
 * system keeps. */

#define _GNU_SOURCE
#include "lying_disk.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum what { WRITTEN = 1, RESIZED = 2, MADE = 3, MADE_FOLDER = 4, MOVED = 5, GONE = 6, GONE_FOLDER = 7, SYNCED = 8, LOST = 9 };

/* A record's head; behind it stand its path, its second path and the bytes from before. undo.rs reads the same. */
struct record {
    uint32_t what;
    uint32_t path_bytes;
    uint32_t second_path_bytes;
    uint32_t data_bytes;
    uint64_t inode;
    uint64_t offset;     /* of a write */
    uint64_t length;     /* of a write; the new one of a file */
    uint64_t old_length; /* of the file */
    uint64_t number;     /* of what is kept under `kept/`, 0: nothing; of the records that a sync covers */
};

/* Bytes from before in one record; a longer write makes several. */
#define PIECE 65536

static int log_fd = -1;
static char kept_folder[PATH_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t records;
static uint64_t kept;

void undo_begin(const char *folder)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/log", folder) >= (int)sizeof path ||
        snprintf(kept_folder, sizeof kept_folder, "%s/kept", folder) >= (int)sizeof kept_folder)
        give_up("the path of the undo log is too long", folder);
    log_fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0 || syscall(SYS_mkdirat, AT_FDCWD, kept_folder, 0700) != 0)
        give_up("the undo log cannot be made; its folder must exist and be empty", path);
}

void undo_lock(void)
{
    if (log_fd >= 0)
        pthread_mutex_lock(&lock);
}

void undo_unlock(void)
{
    if (log_fd >= 0)
        pthread_mutex_unlock(&lock);
}

uint64_t undo_count(void)
{
    return __atomic_load_n(&records, __ATOMIC_SEQ_CST);
}

/* Called with the lock held. */
static void append(struct record *record, const char *path, const char *second_path, const void *data)
{
    record->path_bytes = (uint32_t)strlen(path);
    record->second_path_bytes = (uint32_t)strlen(second_path);
    struct iovec parts[] = {
        {record, sizeof *record},
        {(void *)path, record->path_bytes},
        {(void *)second_path, record->second_path_bytes},
        {(void *)data, record->data_bytes},
    };
    long whole = (long)(sizeof *record + record->path_bytes + record->second_path_bytes + record->data_bytes);
    if (syscall(SYS_writev, log_fd, parts, 4) != whole)
        give_up("the undo log cannot be written", path);
    __atomic_add_fetch(&records, 1, __ATOMIC_SEQ_CST);
}

static uint64_t length_of(int fd, const char *path)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0)
        give_up("a file has no length", path);
    return (uint64_t)stat.st_size;
}

/* The file may be open for writing only. */
static int readable(int fd, const char *path)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int again = (int)syscall(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC, 0);
    if (again < 0)
        give_up("a file cannot be read", path);
    return again;
}

void undo_write(int fd, const struct place *place, uint64_t offset, uint64_t length)
{
    if (log_fd < 0)
        return;
    static char before[PIECE];
    uint64_t old_length = length_of(fd, place->path);
    int from = offset < old_length ? readable(fd, place->path) : -1;
    for (uint64_t done = 0; done < length; done += PIECE) {
        uint64_t piece = length - done < PIECE ? length - done : PIECE;
        ssize_t got = from < 0 ? 0 : syscall(SYS_pread64, from, before, piece, (off_t)(offset + done));
        if (got < 0)
            give_up("a file cannot be read", place->path);
        struct record record = {.what = WRITTEN,
                                .inode = place->inode,
                                .offset = offset + done,
                                .length = piece,
                                .old_length = old_length > offset + done ? old_length : done ? offset + done : old_length,
                                .data_bytes = (uint32_t)got};
        append(&record, place->path, "", before);
    }
    if (from >= 0)
        syscall(SYS_close, from);
}

void undo_length(int fd, const struct place *place, uint64_t length)
{
    if (log_fd < 0)
        return;
    uint64_t old_length = length_of(fd, place->path);
    int from = length < old_length ? readable(fd, place->path) : -1;
    /* What is cut off is kept like something written over; the holes of a sparse file are not. */
    for (off_t at = (off_t)length; from >= 0 && (at = lseek(from, at, SEEK_DATA)) >= 0;) {
        off_t end = lseek(from, at, SEEK_HOLE);
        undo_write(from, place, (uint64_t)at, (uint64_t)(end - at));
        at = end;
    }
    if (from >= 0)
        syscall(SYS_close, from);
    struct record record = {.what = RESIZED, .inode = place->inode, .length = length, .old_length = old_length};
    append(&record, place->path, "", "");
}

void undo_made(const struct place *place, uint64_t inode, bool folder)
{
    if (log_fd < 0)
        return;
    struct record record = {.what = folder ? MADE_FOLDER : MADE, .inode = inode};
    append(&record, place->path, "", "");
}

/* Gives a file that is about to lose its name another one outside; the inode of the file in `inode`. 0: there is none. */
static uint64_t keep(const char *path, uint64_t *inode)
{
    struct stat stat;
    if (lstat(path, &stat) != 0)
        return 0;
    *inode = stat.st_ino;
    char name[PATH_MAX + 32];
    snprintf(name, sizeof name, "%s/%llu", kept_folder, (unsigned long long)++kept);
    if (syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, name, 0) != 0)
        give_up("a file that goes cannot be kept", path);
    return kept;
}

void undo_moved(const struct place *from, const struct place *to)
{
    if (log_fd < 0)
        return;
    struct stat stat, there;
    if (lstat(from->path, &stat) != 0)
        return; /* the call itself will say so */
    if (lstat(to->path, &there) == 0 && there.st_ino == stat.st_ino)
        return; /* two names of one file: nothing moves */
    if (S_ISDIR(stat.st_mode))
        give_up("a folder moves, which the undo log cannot follow", from->path);
    uint64_t replaced;
    struct record record = {.what = MOVED,
                            .inode = stat.st_ino,
                            .number = keep(to->path, &replaced)};
    append(&record, from->path, to->path, "");
}

void undo_gone(const struct place *place, bool folder)
{
    if (log_fd < 0)
        return;
    struct record record = {.what = folder ? GONE_FOLDER : GONE};
    if (!folder && !(record.number = keep(place->path, &record.inode)))
        return;
    append(&record, place->path, "", "");
}

void undo_synced(const struct place *place, uint64_t covers, bool failed)
{
    if (log_fd < 0)
        return;
    undo_lock();
    struct record record = {.what = failed ? LOST : SYNCED, .inode = place->inode, .number = covers};
    append(&record, place->path, "", "");
    undo_unlock();
}
