/* SPDX-License-Identifier: Apache-2.0 */
/* engine/os_disk.c - see os_disk.h.  A change is on the disk when its file is synced
 * (bytes) and when its folder is (names); some file systems cannot sync a folder, which
 * they say by EINVAL. */
#define _GNU_SOURCE
#include "engine/os_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

quern_status qn_disk_cannot(quern_error *err, const char *path, const char *what)
{
    const quern_status status =
        qn_fail(err, QUERN_IO, "cannot %s: %s", what, strerror(errno));
    qn_within(err, "%s", path);
    return status;
}

bool qn_disk_may(const qn_disk *disk, qn_disk_act act, const char *path)
{
    const int why = disk && disk->before ? disk->before(disk->ctx, act, path) : 0;
    if (why) errno = why;
    return why == 0;
}

/* ---- files ---------------------------------------------------------------------- */

static quern_status begin(const qn_disk *disk, const char *path, qn_out_file *out,
                          quern_error *err)
{
    *out = (qn_out_file){.disk = disk, .fd = -1};
    const size_t n = strlen(path);
    errno = ENAMETOOLONG;
    if (n >= sizeof out->path) return qn_disk_cannot(err, path, "write");
    memcpy(out->path, path, n + 1);
    return QUERN_OK;
}

quern_status qn_out_create(const qn_disk *disk, const char *path, unsigned mode,
                           qn_out_file *out, quern_error *err)
{
    QN_TRY(begin(disk, path, out, err));
    if (qn_disk_may(disk, QN_DISK_MAKE, path))
        out->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                       (mode_t)mode);
    return out->fd < 0 ? qn_disk_cannot(err, path, "make") : QUERN_OK;
}

quern_status qn_out_append(const qn_disk *disk, const char *path, size_t keep,
                           qn_out_file *out, quern_error *err)
{
    QN_TRY(begin(disk, path, out, err));
    out->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (out->fd < 0) return qn_disk_cannot(err, path, "open");
    if (!qn_disk_may(disk, QN_DISK_WRITE, path) ||
        ftruncate(out->fd, (off_t)keep) != 0 ||
        lseek(out->fd, 0, SEEK_END) != (off_t)keep) {
        const quern_status status = qn_disk_cannot(err, path, "cut");
        qn_out_close(out);
        return status;
    }
    out->bytes = keep;
    return QUERN_OK;
}

quern_status qn_out_write(qn_out_file *out, const void *p, size_t n, quern_error *err)
{
    const uint8_t *from = p;
    for (size_t done = 0; done < n;) {
        ssize_t k = -1;
        if (qn_disk_may(out->disk, QN_DISK_WRITE, out->path))
            k = write(out->fd, from + done, n - done);
        else if (errno == EINTR)
            errno = EIO;
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return qn_disk_cannot(err, out->path, "write");
        done += (size_t)k;
        out->bytes += (size_t)k;
    }
    return QUERN_OK;
}

quern_status qn_out_finish(qn_out_file *out, quern_error *err)
{
    quern_status status = QUERN_OK;
    if (!qn_disk_may(out->disk, QN_DISK_SYNC, out->path) ||
        (fsync(out->fd) != 0 && errno != EINVAL))
        status = qn_disk_cannot(err, out->path, "write");
    const int fd = out->fd;
    out->fd = -1;
    if (close(fd) != 0 && status == QUERN_OK && errno != EINTR)
        status = qn_disk_cannot(err, out->path, "write");
    return status;
}

void qn_out_close(qn_out_file *out)
{
    if (out->fd >= 0) close(out->fd);
    out->fd = -1;
}

quern_status qn_disk_replace(const qn_disk *disk, const char *path, const void *p,
                             size_t n, quern_error *err)
{
    char fresh[QN_PATH_MAX];
    qn_out_file out;
    errno = ENAMETOOLONG;
    if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh)
        return qn_disk_cannot(err, path, "write");
    QN_TRY(qn_disk_remove(disk, fresh, err)); /* of a writer that was cut short */
    QN_TRY(qn_out_create(disk, fresh, QN_MODE_PRIVATE, &out, err));
    quern_status status = qn_out_write(&out, p, n, err);
    if (status == QUERN_OK) status = qn_out_finish(&out, err);
    qn_out_close(&out);
    if (status == QUERN_OK) return qn_disk_move(disk, fresh, path, err);
    unlink(fresh);
    return status;
}

/* ---- names ---------------------------------------------------------------------- */

quern_status qn_disk_sync(const qn_disk *disk, const char *folder, quern_error *err)
{
    if (!qn_disk_may(disk, QN_DISK_SYNC, folder))
        return qn_disk_cannot(err, folder, "write");
    const int fd = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (fd < 0) return qn_disk_cannot(err, folder, "open");
    const bool bad = fsync(fd) != 0 && errno != EINVAL;
    const int saved = errno;
    close(fd);
    errno = saved;
    return bad ? qn_disk_cannot(err, folder, "write") : QUERN_OK;
}

static quern_status sync_folder_of(const qn_disk *disk, const char *path,
                                   quern_error *err)
{
    char folder[QN_PATH_MAX];
    QN_TRY(qn_path_folder(path, folder, err));
    return qn_disk_sync(disk, folder, err);
}

/* One folder, whose own folder is there. */
static quern_status make_one(const qn_disk *disk, const char *path, quern_error *err)
{
    if (qn_path_is_folder(path)) return QUERN_OK;
    if (!qn_disk_may(disk, QN_DISK_MAKE, path))
        return qn_disk_cannot(err, path, "make");
    if (mkdir(path, 0700) != 0) {
        const int why = errno;
        const bool is_there = qn_path_is_folder(path); /* by another process, now */
        errno = why;
        if (!is_there) return qn_disk_cannot(err, path, "make");
    }
    return sync_folder_of(disk, path, err);
}

quern_status qn_disk_folder(const qn_disk *disk, const char *path, quern_error *err)
{
    char part[QN_PATH_MAX];
    const size_t n = strlen(path);
    errno = ENAMETOOLONG;
    if (n >= sizeof part) return qn_disk_cannot(err, path, "make");
    memcpy(part, path, n + 1);
    for (size_t i = 1; i <= n; i++) {
        if (part[i] != '/' && part[i] != 0) continue;
        part[i] = 0;
        QN_TRY(make_one(disk, part, err));
        part[i] = path[i];
    }
    return QUERN_OK;
}

quern_status qn_disk_move(const qn_disk *disk, const char *from, const char *to,
                          quern_error *err)
{
    if (!qn_disk_may(disk, QN_DISK_MOVE, to) || rename(from, to) != 0)
        return qn_disk_cannot(err, to, "rename to it");
    return sync_folder_of(disk, to, err);
}

quern_status qn_disk_remove(const qn_disk *disk, const char *path, quern_error *err)
{
    if (qn_path_look(path) == QN_PATH_ABSENT) return QUERN_OK;
    if (!qn_disk_may(disk, QN_DISK_REMOVE, path) || remove(path) != 0)
        return qn_disk_cannot(err, path, "remove");
    return QUERN_OK;
}

enum { MOST_DEPTH = 64 }; /* of folders: each holds one open */

/* Empties the folder that is open as fd. */
static quern_status empty_folder(const qn_disk *disk, int fd, const char *path,
                                 int depth, quern_error *err);

static quern_status remove_entry(const qn_disk *disk, int fd, const char *name,
                                 const char *path, int depth, quern_error *err)
{
    struct stat st;
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return qn_disk_cannot(err, path, "look at it");
    const bool is_folder = S_ISDIR(st.st_mode);
    if (is_folder) {
        const int inner =
            openat(fd, name, O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW);
        if (inner < 0) return qn_disk_cannot(err, path, "open");
        QN_TRY(empty_folder(disk, inner, path, depth + 1, err));
    }
    if (!qn_disk_may(disk, QN_DISK_REMOVE, path) ||
        unlinkat(fd, name, is_folder ? AT_REMOVEDIR : 0) != 0)
        return qn_disk_cannot(err, path, "remove");
    return QUERN_OK;
}

static quern_status empty_folder(const qn_disk *disk, int fd, const char *path,
                                 int depth, quern_error *err)
{
    quern_status status = QUERN_OK;
    DIR *dir = depth < MOST_DEPTH ? fdopendir(fd) : NULL;
    if (!dir) {
        if (depth >= MOST_DEPTH) errno = ELOOP;
        status = qn_disk_cannot(err, path, "list");
        close(fd);
        return status;
    }
    for (struct dirent *e; status == QUERN_OK && (e = readdir(dir));) {
        char inner[QN_PATH_MAX];
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        snprintf(inner, sizeof inner, "%.3000s/%s", path, e->d_name);
        status = remove_entry(disk, fd, e->d_name, inner, depth, err);
    }
    closedir(dir);
    return status;
}

quern_status qn_disk_remove_tree(const qn_disk *disk, const char *path,
                                 quern_error *err)
{
    if (qn_path_look(path) == QN_PATH_ABSENT) return QUERN_OK;
    if (qn_path_look(path) != QN_PATH_FOLDER) return qn_disk_remove(disk, path, err);
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW);
    if (fd < 0) return qn_disk_cannot(err, path, "open");
    QN_TRY(empty_folder(disk, fd, path, 0, err));
    QN_TRY(qn_disk_remove(disk, path, err));
    return sync_folder_of(disk, path, err);
}

/* ---- who else -------------------------------------------------------------------- */

quern_status qn_path_check_private(const char *path, quern_error *err)
{
    struct stat st;
    quern_status status = QUERN_OK;
    if (lstat(path, &st) != 0) return qn_disk_cannot(err, path, "look at it");
    if (!S_ISDIR(st.st_mode))
        status = qn_fail(err, QUERN_IO, "it is no folder");
    else if (st.st_uid != geteuid())
        status = qn_fail(err, QUERN_IO, "it belongs to user %ld, and you are %ld",
                         (long)st.st_uid, (long)geteuid());
    else if (st.st_mode & 022)
        status = qn_fail(err, QUERN_IO,
                         "others may write to it (its mode is %03o, 700 is wanted)",
                         (unsigned)st.st_mode & 0777);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}

/* Whether the folder that is open is still the one of that name. */
static bool is_still(int fd, const char *folder)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && lstat(folder, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

quern_status qn_lock_take(const char *folder, qn_lock_kind kind, qn_lock *out,
                          quern_error *err)
{
    const int how = kind == QN_LOCK_SHARED ? LOCK_SH
                    : kind == QN_LOCK_TRY  ? LOCK_EX | LOCK_NB
                                           : LOCK_EX;
    quern_status status = QUERN_IO;
    out->fd = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW);
    if (out->fd < 0) return qn_disk_cannot(err, folder, "open");
    errno = 0;
    if (flock(out->fd, how) == 0 && is_still(out->fd, folder)) return QUERN_OK;
    if (errno == EWOULDBLOCK)
        qn_fail(err, status, "another process is at work in it");
    else if (errno == EINTR)
        status = qn_fail(err, QUERN_CANCELLED,
                         "stopped while another process is at work in it");
    else if (errno == 0 || errno == ENOENT)
        qn_fail(err, status, "another process has just moved it");
    else
        qn_fail(err, status, "cannot lock: %s", strerror(errno));
    qn_within(err, "%s", folder);
    qn_lock_drop(out);
    return status;
}

void qn_lock_drop(qn_lock *lock)
{
    if (lock->fd >= 0) close(lock->fd);
    lock->fd = -1;
}

int64_t qn_os_date(void)
{
    return (int64_t)time(NULL);
}

quern_status qn_os_random(void *p, size_t n, quern_error *err)
{
    uint8_t *at = p;
    for (size_t k; n > 0; at += k, n -= k) {
        k = n < 256 ? n : 256;
        if (getentropy(at, k) != 0)
            return qn_fail(err, QUERN_IO, "no random bytes: %s", strerror(errno));
    }
    return QUERN_OK;
}
