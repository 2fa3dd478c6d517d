/* SPDX-License-Identifier: Apache-2.0 */
/* engine/os_disk.h - changes to the disk that a crash at any moment leaves whole:
 * private folders, files written piece by piece, moves, trees removed, locks.
 *
 * Every change goes by a qn_disk and asks its watch first, so that a test can end the
 * process, or have the call fail, at the n-th of them.  Errors begin with the path. */
#ifndef QN_ENGINE_OS_DISK_H
#define QN_ENGINE_OS_DISK_H

#include "engine/os.h"

typedef enum qn_disk_act {
    QN_DISK_MAKE, /* a file or folder comes to be */
    QN_DISK_WRITE,
    QN_DISK_SYNC, /* of a file or folder */
    QN_DISK_MOVE,
    QN_DISK_REMOVE
} qn_disk_act;

typedef struct qn_disk {
    /* Asked before each change: 0 lets it happen, an errno is what it fails with.
     * NULL: nobody asks. */
    int (*before)(void *ctx, qn_disk_act act, const char *path);
    void *ctx;
} qn_disk;

/* For what changes the disk: false, and errno says why, when act is not to happen. */
bool qn_disk_may(const qn_disk *disk, qn_disk_act act, const char *path);
/* QUERN_IO, "path: cannot what: " and what errno says. */
quern_status qn_disk_cannot(quern_error *err, const char *path, const char *what);

/* ---- files ---------------------------------------------------------------------- */

/* A file being written. */
typedef struct qn_out_file {
    const qn_disk *disk;
    int fd;
    size_t bytes; /* in the file */
    char path[QN_PATH_MAX];
} qn_out_file;

enum { QN_MODE_PRIVATE = 0600, QN_MODE_USUAL = 0666 /* less the umask */ };

/* Makes a file that is not there yet. */
quern_status qn_out_create(const qn_disk *disk, const char *path, unsigned mode,
                           qn_out_file *out, quern_error *err);
/* Opens a file, cuts it to its first `keep` bytes and goes on behind them. */
quern_status qn_out_append(const qn_disk *disk, const char *path, size_t keep,
                           qn_out_file *out, quern_error *err);
quern_status qn_out_write(qn_out_file *out, const void *p, size_t n, quern_error *err);
/* Sees to it that the bytes are on the disk, and closes, also after a failure. */
quern_status qn_out_finish(qn_out_file *out, quern_error *err);
void qn_out_close(qn_out_file *out); /* without that; fine after finish */

/* A private file over whatever has the name: readers see the old bytes or the new. One
 * writer at a time. */
quern_status qn_disk_replace(const qn_disk *disk, const char *path, const void *p,
                             size_t n, quern_error *err);

/* ---- names ---------------------------------------------------------------------- */

/* Makes a folder, and those above it that lack, for the owner only; fine when it is
 * there. */
quern_status qn_disk_folder(const qn_disk *disk, const char *path, quern_error *err);
/* Renames and writes down the new name's folder. */
quern_status qn_disk_move(const qn_disk *disk, const char *from, const char *to,
                          quern_error *err);
/* A file or an empty folder; fine when it is not there. */
quern_status qn_disk_remove(const qn_disk *disk, const char *path, quern_error *err);
/* A folder with all that is in it; links are removed, not followed. */
quern_status qn_disk_remove_tree(const qn_disk *disk, const char *path,
                                 quern_error *err);
/* So that names made or removed in a folder outlive a power cut. */
quern_status qn_disk_sync(const qn_disk *disk, const char *folder, quern_error *err);

/* ---- who else -------------------------------------------------------------------- */

/* Fails unless path is a folder, no link, that belongs to this user and that nobody
 * else may write to. */
quern_status qn_path_check_private(const char *path, quern_error *err);

typedef enum qn_lock_kind {
    QN_LOCK_SHARED, /* with others that share */
    QN_LOCK_ALONE,
    QN_LOCK_TRY /* alone, or not at all: fails when others hold it */
} qn_lock_kind;
/* A lock on a folder, advisory, gone when its holder ends. */
typedef struct qn_lock {
    int fd;
} qn_lock;
quern_status qn_lock_take(const char *folder, qn_lock_kind kind, qn_lock *out,
                          quern_error *err);
void qn_lock_drop(qn_lock *lock);

int64_t qn_os_date(void); /* seconds since 1970, UTC */
/* Bytes that nobody can guess. */
quern_status qn_os_random(void *p, size_t n, quern_error *err);

#endif
