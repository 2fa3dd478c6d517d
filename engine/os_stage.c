/* SPDX-License-Identifier: Apache-2.0 */
/* engine/os_stage.c - see os_stage.h.  Thousands of small files are written down by one
 * syncfs instead of a fsync for each. */
#define _GNU_SOURCE
#include "engine/os_stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char suffix[] = ".quern-part";

/* ---- names ---------------------------------------------------------------------- */

/* target without slashes at its end, and the stage beside it. */
static quern_status name_stage(qn_stage *s, const char *target, quern_error *err)
{
    size_t n = strlen(target);
    while (n > 1 && target[n - 1] == '/')
        n--;
    if (n >= sizeof s->target)
        return qn_fail(err, QUERN_IO, "a path of %zu bytes is longer than %d", n,
                       QN_PATH_MAX - 1);
    memcpy(s->target, target, n);
    s->target[n] = 0;
    const char *slash = strrchr(s->target, '/');
    const char *base = slash ? slash + 1 : s->target;
    if (!*base || !strcmp(base, ".") || !strcmp(base, ".."))
        return qn_fail(err, QUERN_INVALID, "'%s' gives no name to write to", target);
    if (snprintf(s->path, sizeof s->path, "%.*s.%s%s", (int)(base - s->target),
                 s->target, base, suffix) >= (int)sizeof s->path)
        return qn_fail(err, QUERN_IO, "%s: a path beside it is longer than %d",
                       s->target, QN_PATH_MAX - 1);
    return QUERN_OK;
}

static quern_status list_names(const char *folder, qn_arena *arena,
                               const char *const **names, int *n, quern_error *err)
{
    const quern_status status = qn_dir_list(folder, arena, names, n, err);
    if (status != QUERN_OK) qn_within(err, "%s", folder);
    return status;
}

static quern_status check_free(const qn_stage *s, qn_arena *arena, quern_error *err)
{
    const char *const *names;
    int n = 1;
    const qn_path_kind kind = qn_path_look(s->target);
    if (kind == QN_PATH_ABSENT) return QUERN_OK;
    if (kind == QN_PATH_FOLDER) QN_TRY(list_names(s->target, arena, &names, &n, err));
    if (n == 0) return QUERN_OK;
    return qn_fail(err, QUERN_IO, "%s: it exists already, and is not overwritten",
                   s->target);
}

/* ---- taking it ------------------------------------------------------------------- */

/* Whether the folder that is locked still has the stage's name. */
static bool is_still_there(const qn_stage *s)
{
    struct stat here, held;
    return lstat(s->path, &here) == 0 && fstat(s->lock.fd, &held) == 0 &&
           here.st_dev == held.st_dev && here.st_ino == held.st_ino;
}

/* Removes what a process that was killed left in the stage. */
static quern_status empty_stage(const qn_stage *s, qn_arena *arena, quern_error *err)
{
    const char *const *names;
    char inner[QN_PATH_MAX];
    int n;
    QN_TRY(list_names(s->path, arena, &names, &n, err));
    for (int i = 0; i < n; i++) {
        if (snprintf(inner, sizeof inner, "%s/%s", s->path, names[i]) >=
            (int)sizeof inner)
            return qn_fail(err, QUERN_IO, "%s: a path inside is too long", s->path);
        QN_TRY(qn_disk_remove_tree(s->disk, inner, err));
    }
    return QUERN_OK;
}

static quern_status take_stage(qn_stage *s, qn_arena *arena, quern_error *err)
{
    char folder[QN_PATH_MAX];
    QN_TRY(qn_path_folder(s->target, folder, err));
    QN_TRY(qn_dir_make(folder, err));
    if (!qn_disk_may(s->disk, QN_DISK_MAKE, s->path) ||
        (mkdir(s->path, 0777) != 0 && errno != EEXIST))
        return qn_disk_cannot(err, s->path, "make");
    const quern_status status = qn_lock_take(s->path, QN_LOCK_TRY, &s->lock, err);
    if (status == QUERN_CANCELLED) /* which to the caller means the interrupt key */
        return qn_fail(err, QUERN_IO, "%s: another process is writing it", s->target);
    QN_TRY(status);
    if (is_still_there(s)) return empty_stage(s, arena, err);
    qn_lock_drop(&s->lock); /* it has become that process's target */
    return qn_fail(err, QUERN_IO, "%s: another process has just written it", s->target);
}

quern_status qn_stage_begin(const qn_disk *disk, const char *target, qn_stage *out,
                            quern_error *err)
{
    qn_mem mem;
    qn_arena arena;
    *out = (qn_stage){.disk = disk, .lock = {-1}};
    QN_TRY(name_stage(out, target, err));
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    quern_status status = check_free(out, &arena, err);
    if (status == QUERN_OK) status = take_stage(out, &arena, err);
    qn_arena_done(&arena);
    return status;
}

void qn_stage_end(qn_stage *stage)
{
    if (stage->lock.fd < 0) return;
    qn_disk_remove_tree(stage->disk, stage->path, NULL);
    qn_lock_drop(&stage->lock);
}

/* ---- giving it its name ---- */

static quern_status sync_all(const qn_stage *s, quern_error *err)
{
    if (!qn_disk_may(s->disk, QN_DISK_SYNC, s->path))
        return qn_disk_cannot(err, s->path, "write");
#ifdef __linux__
    if (syncfs(s->lock.fd) != 0) return qn_disk_cannot(err, s->path, "write");
#else
    sync();
#endif
    return QUERN_OK;
}

/* A rename that replaces nothing but an empty folder. */
static int move_new(const char *from, const char *to)
{
    if (qn_path_look(to) == QN_PATH_FOLDER) return rename(from, to);
#ifdef RENAME_NOREPLACE
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return -1;
#endif
    if (qn_path_look(to) != QN_PATH_ABSENT) {
        errno = EEXIST;
        return -1;
    }
    return rename(from, to);
}

quern_status qn_stage_settle(qn_stage *stage, const char *name, quern_error *err)
{
    char from[QN_PATH_MAX], folder[QN_PATH_MAX];
    QN_TRY(sync_all(stage, err));
    if (snprintf(from, sizeof from, "%s%s%s", stage->path, name ? "/" : "",
                 name ? name : "") >= (int)sizeof from)
        return qn_fail(err, QUERN_IO, "%s: a path inside is too long", stage->path);
    if (!qn_disk_may(stage->disk, QN_DISK_MOVE, stage->target) ||
        move_new(from, stage->target) != 0)
        return qn_disk_cannot(err, stage->target, "give it its name");
    if (name) {
        qn_stage_end(stage);
    } else {
        qn_lock_drop(&stage->lock);
    }
    QN_TRY(qn_path_folder(stage->target, folder, err));
    return qn_disk_sync(stage->disk, folder, err);
}

quern_status qn_out_patch(qn_out_file *out, size_t offset, const void *p, size_t n,
                          quern_error *err)
{
    const uint8_t *from = p;
    for (size_t done = 0; done < n;) {
        ssize_t k = -1;
        if (qn_disk_may(out->disk, QN_DISK_WRITE, out->path))
            k = pwrite(out->fd, from + done, n - done, (off_t)(offset + done));
        else if (errno == EINTR)
            errno = EIO;
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return qn_disk_cannot(err, out->path, "write");
        done += (size_t)k;
    }
    return QUERN_OK;
}
