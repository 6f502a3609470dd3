/* A disk that lies: what the parts of the library share. README.md says what it is for and how it is told what to do. */

#ifndef LYING_DISK_H
#define LYING_DISK_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* What a call does to the disk; a set of them says which calls fail. */
enum kind {
    OPEN = 1,
    READ = 2,
    WRITE = 4,
    SYNC = 8,
    RENAME = 16,
    UNLINK = 32,
    LENGTH = 64,
    FOLDER = 128,
};

/* In the middle of what a call is made. */
enum stage {
    ELSEWHERE,
    FLUSH,      /* rows in memory are written out as a table */
    COMPACTION, /* tables become other tables */
    BETWEEN,    /* told to no test: one of them is done, and the next has not begun */
};

/* A file or folder that is watched, or a name in a folder that is. */
struct place {
    char path[PATH_MAX];
    uint64_t inode; /* of an open file; 0 for a name */
};

/* --- faults.c: what is wrong with the disk ------------------------------------------------------------------------ */

/* Maps the page by which a test says what is wrong, and learns what happened. */
void faults_begin(const char *control);

/* Whether calls of this kind are looked at; without it a read costs nothing. */
bool faults_watch(enum kind kind);

/* Counts a call and decides on it: 0, or the error with which it fails. `bytes` may become less: a short write. */
int faults_decide(enum kind kind, const char *path, size_t *bytes);

/* Takes up room for new bytes; `bytes` may become less. 0, or ENOSPC where there is none left. */
int faults_claim(enum kind kind, const char *path, size_t *bytes);

/* Waits as long as a slow disk does. */
void faults_delay(enum kind kind);

/* Bytes that are free, where the test says so; else UINT64_MAX. */
uint64_t faults_free_bytes(void);

/* --- undo.c: what a loss of power would undo ------------------------------------------------------------------------ */

/* Keeps a log in this folder, which is outside of the watched one and on the same file system. */
void undo_begin(const char *folder);

/* The log and the disk change together: held from the record to the end of the call that it is about. */
void undo_lock(void);
void undo_unlock(void);

/* Records so far: what a sync that begins now covers. */
uint64_t undo_count(void);

/* Before `length` bytes are written at `offset`. */
void undo_write(int fd, const struct place *place, uint64_t offset, uint64_t length);
/* Before the file gets this length. */
void undo_length(int fd, const struct place *place, uint64_t length);
/* After a file, a link or a folder was made. */
void undo_made(const struct place *place, uint64_t inode, bool folder);
/* Before a file moves; what stood at `to` is kept. */
void undo_moved(const struct place *from, const struct place *to);
/* Before a file or a folder goes; a file is kept. */
void undo_gone(const struct place *place, bool folder);
/* After a sync of all records before `covers`: it came to its end, or it failed and took with it what was not yet on disk. */
void undo_synced(const struct place *place, uint64_t covers, bool failed);

/* --- lying_disk.c -------------------------------------------------------------------------------------------------- */

/* Ends the process with a message: the program does what this library cannot follow, or the log cannot be kept. */
_Noreturn void give_up(const char *what, const char *path);

#endif
