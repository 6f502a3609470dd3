/* A disk that lies: stands between a program and the C library, for what lies below one folder.
 *
 * Here are the calls themselves; faults.c decides which of them fail, undo.c remembers what they undo. Real calls are made
 * by number, so that nothing here can call itself. */

#define _GNU_SOURCE
#include "lying_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
/* The same call under the name that a program built for large files uses. */
#define ALSO(name) __attribute__((visibility("default"), alias(#name)))

/* The folder that is watched; empty before the library is told, and then nothing is. */
static char folder[PATH_MAX];
static size_t folder_bytes;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("QNECT_DISK_FOLDER");
    const char *control = getenv("QNECT_DISK_CONTROL");
    const char *undo = getenv("QNECT_DISK_UNDO");
    if (!path)
        return;
    if (!realpath(path, folder))
        give_up("QNECT_DISK_FOLDER is no folder", path);
    if (control)
        faults_begin(control);
    if (undo)
        undo_begin(undo);
    folder_bytes = strlen(folder);
}

_Noreturn void give_up(const char *what, const char *path)
{
    dprintf(2, "lying disk: %s: %s\n", what, path);
    abort();
}

/* --- which files and names are watched ---------------------------------------------------------------------------- */

static bool is_watched(const char *path)
{
    return folder_bytes && strncmp(path, folder, folder_bytes) == 0 &&
           (path[folder_bytes] == '/' || path[folder_bytes] == '\0');
}

static bool path_of(int fd, char *path)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t bytes = readlink(name, path, PATH_MAX - 1);
    if (bytes < 0)
        return false;
    path[bytes] = '\0';
    return true;
}

/* An open file, or a folder, that is watched. */
static bool find_open(int fd, struct place *place)
{
    struct stat stat;
    int before = errno;
    bool found = folder_bytes && fstat(fd, &stat) == 0 && (S_ISREG(stat.st_mode) || S_ISDIR(stat.st_mode)) &&
                 path_of(fd, place->path) && is_watched(place->path);
    if (found)
        place->inode = stat.st_ino;
    errno = before;
    return found;
}

/* A name below the watched folder. Symbolic links on the way to it are followed, `..` at its end is not understood. */
static bool find_name(int base, const char *path, struct place *place)
{
    if (!folder_bytes)
        return false;
    int before = errno;
    char parent[PATH_MAX];
    size_t bytes = strlen(path);
    while (bytes > 1 && path[bytes - 1] == '/')
        bytes--;
    const char *name = memrchr(path, '/', bytes);
    size_t parent_bytes = name ? (size_t)(name - path) : 0;
    name = name ? name + 1 : path;
    if (bytes >= sizeof parent)
        return false;
    memcpy(parent, path, parent_bytes);
    parent[parent_bytes] = '\0';
    const char *where = parent_bytes ? parent : *path == '/' ? "/" : ".";
    int fd = (int)syscall(SYS_openat, base, where, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    bool found = fd >= 0 && path_of(fd, place->path) && is_watched(place->path);
    if (fd >= 0)
        syscall(SYS_close, fd);
    if (found) {
        size_t at = strlen(place->path), name_bytes = bytes - (size_t)(name - path);
        if (at + 1 + name_bytes >= sizeof place->path)
            give_up("a path is too long", path);
        place->path[at] = '/';
        memcpy(place->path + at + 1, name, name_bytes);
        place->path[at + 1 + name_bytes] = '\0';
        place->inode = 0;
    }
    errno = before;
    return found;
}

static int failed(int error)
{
    errno = error;
    return -1;
}

/* --- opening and making --------------------------------------------------------------------------------------------- */

static int open_at(int base, const char *path, int flags, mode_t mode)
{
    struct place place;
    if (!find_name(base, path, &place))
        return (int)syscall(SYS_openat, base, path, flags, mode);
    if ((flags & O_TMPFILE) == O_TMPFILE)
        give_up("a file without a name is made, which the undo log cannot follow", path);
    size_t bytes = 0;
    int error = faults_decide(OPEN, place.path, &bytes);
    if (!error && (flags & O_CREAT))
        error = faults_claim(OPEN, place.path, &bytes);
    if (error)
        return failed(error);
    undo_lock();
    struct stat stat;
    bool was_there = fstatat(base, path, &stat, 0) == 0;
    if (was_there && S_ISREG(stat.st_mode) && (flags & O_TRUNC) && !(flags & O_EXCL)) {
        int old = (int)syscall(SYS_openat, base, path, O_RDONLY | O_CLOEXEC, 0);
        place.inode = stat.st_ino;
        if (old >= 0) {
            undo_length(old, &place, 0);
            syscall(SYS_close, old);
        }
    }
    int fd = (int)syscall(SYS_openat, base, path, flags, mode);
    if (fd >= 0 && !was_there && fstat(fd, &stat) == 0)
        undo_made(&place, stat.st_ino, false);
    undo_unlock();
    return fd;
}

static mode_t mode_of(int flags, va_list rest)
{
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

EXPORT int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return open_at(AT_FDCWD, path, flags, mode);
}

EXPORT int openat(int base, const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return open_at(base, path, flags, mode);
}

EXPORT int mkdirat(int base, const char *path, mode_t mode)
{
    struct place place;
    if (!find_name(base, path, &place))
        return (int)syscall(SYS_mkdirat, base, path, mode);
    size_t bytes = 0;
    int error = faults_decide(FOLDER, place.path, &bytes);
    if (!error)
        error = faults_claim(FOLDER, place.path, &bytes);
    if (error)
        return failed(error);
    undo_lock();
    struct stat stat;
    int made = (int)syscall(SYS_mkdirat, base, path, mode);
    if (made == 0 && fstatat(base, path, &stat, 0) == 0)
        undo_made(&place, stat.st_ino, true);
    undo_unlock();
    return made;
}

EXPORT int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

EXPORT int linkat(int from_base, const char *from, int to_base, const char *to, int flags)
{
    struct place place;
    if (!find_name(to_base, to, &place))
        return (int)syscall(SYS_linkat, from_base, from, to_base, to, flags);
    size_t bytes = 0;
    int error = faults_decide(RENAME, place.path, &bytes);
    if (error)
        return failed(error);
    undo_lock();
    struct stat stat;
    int made = (int)syscall(SYS_linkat, from_base, from, to_base, to, flags);
    if (made == 0 && fstatat(to_base, to, &stat, AT_SYMLINK_NOFOLLOW) == 0)
        undo_made(&place, stat.st_ino, false);
    undo_unlock();
    return made;
}

EXPORT int link(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* --- moving and removing -------------------------------------------------------------------------------------------- */

EXPORT int renameat2(int from_base, const char *from, int to_base, const char *to, unsigned flags)
{
    struct place source, target;
    bool from_here = find_name(from_base, from, &source), to_here = find_name(to_base, to, &target);
    if (!from_here && !to_here)
        return (int)syscall(SYS_renameat2, from_base, from, to_base, to, flags);
    if (!from_here || !to_here || (flags & ~RENAME_NOREPLACE))
        give_up("a file moves in a way that the undo log cannot follow", from);
    size_t bytes = 0;
    int error = faults_decide(RENAME, target.path, &bytes);
    if (error)
        return failed(error);
    undo_lock();
    struct stat stat;
    if ((flags & RENAME_NOREPLACE) && fstatat(to_base, to, &stat, AT_SYMLINK_NOFOLLOW) == 0)
        error = EEXIST;
    else
        undo_moved(&source, &target);
    int moved = error ? failed(error) : (int)syscall(SYS_renameat2, from_base, from, to_base, to, flags);
    undo_unlock();
    return moved;
}

EXPORT int renameat(int from_base, const char *from, int to_base, const char *to)
{
    return renameat2(from_base, from, to_base, to, 0);
}

EXPORT int rename(const char *from, const char *to)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int unlinkat(int base, const char *path, int flags)
{
    struct place place;
    if (!find_name(base, path, &place))
        return (int)syscall(SYS_unlinkat, base, path, flags);
    size_t bytes = 0;
    int error = faults_decide(UNLINK, place.path, &bytes);
    if (error)
        return failed(error);
    undo_lock();
    undo_gone(&place, flags & AT_REMOVEDIR);
    int gone = (int)syscall(SYS_unlinkat, base, path, flags);
    undo_unlock();
    return gone;
}

EXPORT int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

EXPORT int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

/* --- writing -------------------------------------------------------------------------------------------------------- */

/* Decides on a write at `offset`, or where the file stands (-1), and remembers what it replaces. Less than `bytes` may be
 * left to write; the lock is held until the write is done. -1: it fails. */
static int before_write(int fd, const struct place *place, size_t *bytes, off_t offset)
{
    int error = faults_decide(WRITE, place->path, bytes);
    if (!error)
        error = faults_claim(WRITE, place->path, bytes);
    if (error)
        return failed(error);
    undo_lock();
    if (fcntl(fd, F_GETFL) & O_APPEND)
        offset = lseek(fd, 0, SEEK_END);
    else if (offset < 0)
        offset = lseek(fd, 0, SEEK_CUR);
    undo_write(fd, place, (uint64_t)offset, *bytes);
    return 0;
}

EXPORT ssize_t write(int fd, const void *data, size_t bytes)
{
    struct place place;
    if (!find_open(fd, &place))
        return syscall(SYS_write, fd, data, bytes);
    if (before_write(fd, &place, &bytes, -1) != 0)
        return -1;
    ssize_t written = syscall(SYS_write, fd, data, bytes);
    undo_unlock();
    return written;
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset)
{
    struct place place;
    if (!find_open(fd, &place))
        return syscall(SYS_pwrite64, fd, data, bytes, offset);
    if (before_write(fd, &place, &bytes, offset) != 0)
        return -1;
    ssize_t written = syscall(SYS_pwrite64, fd, data, bytes, offset);
    undo_unlock();
    return written;
}

/* Of several parts only the first that is not empty is written, which every caller has to expect. */
static const struct iovec *first_of(const struct iovec *parts, int count)
{
    static const struct iovec none = {NULL, 0};
    for (int i = 0; i < count; i++)
        if (parts[i].iov_len)
            return &parts[i];
    return &none;
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
{
    struct place place;
    if (!find_open(fd, &place))
        return syscall(SYS_writev, fd, parts, count);
    const struct iovec *part = first_of(parts, count);
    return write(fd, part->iov_base, part->iov_len);
}

EXPORT ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    struct place place;
    if (!find_open(fd, &place))
        return syscall(SYS_pwritev, fd, parts, count, (long)offset, 0L);
    const struct iovec *part = first_of(parts, count);
    return pwrite(fd, part->iov_base, part->iov_len, offset);
}

static int set_length(int fd, const struct place *place, off_t length)
{
    size_t bytes = 0;
    int error = faults_decide(LENGTH, place->path, &bytes);
    if (error)
        return failed(error);
    undo_lock();
    undo_length(fd, place, (uint64_t)length);
    int set = (int)syscall(SYS_ftruncate, fd, length);
    undo_unlock();
    return set;
}

EXPORT int ftruncate(int fd, off_t length)
{
    struct place place;
    return find_open(fd, &place) ? set_length(fd, &place, length) : (int)syscall(SYS_ftruncate, fd, length);
}

/* Reserving space: the blocks are real, the bytes in them are zero, and the file may become longer. */
EXPORT int fallocate(int fd, int mode, off_t offset, off_t length)
{
    struct place place;
    if (!find_open(fd, &place))
        return (int)syscall(SYS_fallocate, fd, mode, offset, length);
    if (mode & ~FALLOC_FL_KEEP_SIZE)
        give_up("space is given back or moved inside a file, which the undo log cannot follow", place.path);
    size_t bytes = (size_t)length;
    int error = faults_decide(LENGTH, place.path, &bytes);
    if (!error)
        error = faults_claim(LENGTH, place.path, &bytes);
    if (!error && bytes < (size_t)length)
        error = ENOSPC;
    if (error)
        return failed(error);
    undo_lock();
    struct stat stat;
    if (!(mode & FALLOC_FL_KEEP_SIZE) && fstat(fd, &stat) == 0 && offset + length > stat.st_size)
        undo_length(fd, &place, (uint64_t)(offset + length));
    int reserved = (int)syscall(SYS_fallocate, fd, mode, offset, length);
    undo_unlock();
    return reserved;
}

EXPORT int posix_fallocate(int fd, off_t offset, off_t length)
{
    int before = errno;
    int error = fallocate(fd, 0, offset, length) == 0 ? 0 : errno;
    errno = before;
    return error;
}

/* Copies inside the kernel are refused, as some file systems do: the caller then reads and writes. */
EXPORT ssize_t copy_file_range(int from, off_t *from_at, int to, off_t *to_at, size_t bytes, unsigned flags)
{
    struct place place;
    if (find_open(to, &place))
        return failed(EINVAL);
    return syscall(SYS_copy_file_range, from, from_at, to, to_at, bytes, flags);
}

EXPORT ssize_t sendfile(int to, int from, off_t *from_at, size_t bytes)
{
    struct place place;
    if (find_open(to, &place))
        return failed(EINVAL);
    return syscall(SYS_sendfile, to, from, from_at, bytes);
}

EXPORT void *mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    struct place place;
    if (fd >= 0 && (protection & PROT_WRITE) && (flags & MAP_SHARED) && find_open(fd, &place))
        give_up("a file is written through memory, which the undo log cannot follow", place.path);
    return (void *)syscall(SYS_mmap, at, bytes, protection, flags, fd, offset);
}

/* --- syncing -------------------------------------------------------------------------------------------------------- */

static int sync_by(long number, int fd)
{
    struct place place;
    if (!find_open(fd, &place))
        return (int)syscall(number, fd);
    size_t bytes = 0;
    uint64_t covers = undo_count();
    int error = faults_decide(SYNC, place.path, &bytes);
    faults_delay(SYNC);
    if (!error && syscall(number, fd) != 0)
        error = errno;
    /* After an error the kernel holds what it could not write to be written; only an interruption changes nothing. */
    if (error != EINTR)
        undo_synced(&place, covers, error != 0);
    return error ? failed(error) : 0;
}

EXPORT int fsync(int fd)
{
    return sync_by(SYS_fsync, fd);
}

EXPORT int fdatasync(int fd)
{
    return sync_by(SYS_fdatasync, fd);
}

/* --- reading -------------------------------------------------------------------------------------------------------- */

/* 0, or the error with which a read fails. */
static int before_read(int fd)
{
    struct place place;
    if (!faults_watch(READ) || !find_open(fd, &place))
        return 0;
    size_t bytes = 0;
    int error = faults_decide(READ, place.path, &bytes);
    faults_delay(READ);
    return error;
}

EXPORT ssize_t read(int fd, void *data, size_t bytes)
{
    int error = before_read(fd);
    return error ? failed(error) : syscall(SYS_read, fd, data, bytes);
}

EXPORT ssize_t pread(int fd, void *data, size_t bytes, off_t offset)
{
    int error = before_read(fd);
    return error ? failed(error) : syscall(SYS_pread64, fd, data, bytes, offset);
}

/* --- room ----------------------------------------------------------------------------------------------------------- */

EXPORT int fstatvfs(int fd, struct statvfs *told)
{
    static int (*real)(int, struct statvfs *);
    struct place place;
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "fstatvfs");
    int result = real(fd, told);
    uint64_t bytes = faults_free_bytes();
    if (result == 0 && bytes != UINT64_MAX && find_open(fd, &place))
        told->f_bfree = told->f_bavail = bytes / told->f_frsize;
    return result;
}

EXPORT int statvfs(const char *path, struct statvfs *told)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_PATH | O_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int result = fstatvfs(fd, told);
    syscall(SYS_close, fd);
    return result;
}

/* On machines of 64 bits these are the same. */
ALSO(open) int open64(const char *, int, ...);
ALSO(openat) int openat64(int, const char *, int, ...);
ALSO(pwrite) ssize_t pwrite64(int, const void *, size_t, off_t);
ALSO(pwritev) ssize_t pwritev64(int, const struct iovec *, int, off_t);
ALSO(pread) ssize_t pread64(int, void *, size_t, off_t);
ALSO(ftruncate) int ftruncate64(int, off_t);
ALSO(fallocate) int fallocate64(int, int, off_t, off_t);
ALSO(posix_fallocate) int posix_fallocate64(int, off_t, off_t);
ALSO(sendfile) ssize_t sendfile64(int, int, off_t *, size_t);
ALSO(statvfs) int statvfs64(const char *, struct statvfs64 *);
ALSO(fstatvfs) int fstatvfs64(int, struct statvfs64 *);
ALSO(mmap) void *mmap64(void *, size_t, int, int, int, off_t);
