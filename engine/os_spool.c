/* SPDX-License-Identifier: Apache-2.0 */
/* engine/os_spool.c - see os_spool.h.  A page of a shared mapping may be dropped at any
 * time: what was written to it is in the file's cache already, and the kernel decides
 * when that goes to the disk. */
#define _GNU_SOURCE
#include "engine/os_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void qn_spool_init(qn_spool *spool, const char *folder, size_t least)
{
    *spool = (qn_spool){.folder = folder, .least = least};
}

/* A file that nobody else can open and that is gone when it is closed. */
static int open_nameless(const char *folder)
{
    char name[QN_PATH_MAX];
#ifdef O_TMPFILE
    const int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0) return fd;
#endif
    const int n = snprintf(name, sizeof name, "%s/.quern-work-XXXXXX", folder);
    if (n < 0 || n >= (int)sizeof name) {
        errno = ENAMETOOLONG;
        return -1;
    }
    const int made = mkostemp(name, O_CLOEXEC);
    if (made >= 0) unlink(name);
    return made;
}

static int take_room(int fd, size_t size)
{
    int code;
    do {
        code = posix_fallocate(fd, 0, (off_t)size);
    } while (code == EINTR);
    return code;
}

static quern_status no_room(const qn_spool *s, size_t size, int code, quern_error *err)
{
    return qn_fail(err, QUERN_IO, "%s: cannot put %zu bytes of work there: %s",
                   s->folder, size, strerror(code));
}

quern_status qn_spool_alloc(qn_spool *spool, size_t size, void **out, quern_error *err)
{
    qn_map *block = spool->block;
    while (block < spool->block + QN_SPOOL_BLOCKS && block->base)
        block++;
    if (block == spool->block + QN_SPOOL_BLOCKS)
        return qn_fail(err, QUERN_MEMORY, "more than %d blocks of %zu bytes and more",
                       QN_SPOOL_BLOCKS, spool->least);
    const int fd = open_nameless(spool->folder);
    if (fd < 0) return no_room(spool, size, errno, err);
    const int code = take_room(fd, size);
    void *p =
        code ? MAP_FAILED : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    const int why = code ? code : errno;
    close(fd);
    if (p == MAP_FAILED) return no_room(spool, size, why, err);
    *block = (qn_map){p, size};
    *out = p;
    return QUERN_OK;
}

bool qn_spool_free(qn_spool *spool, const void *p)
{
    for (int i = 0; i < QN_SPOOL_BLOCKS; i++)
        if (spool->block[i].base == p && p) {
            qn_map_done(&spool->block[i]);
            return true;
        }
    return false;
}

void qn_spool_passed(qn_spool *spool, size_t bytes)
{
    const size_t before = atomic_fetch_add(&spool->passed, bytes);
    if (before / QN_SPOOL_PASSED == (before + bytes) / QN_SPOOL_PASSED) return;
    for (int i = 0; i < QN_SPOOL_BLOCKS; i++)
        if (spool->block[i].base)
            qn_map_drop(&spool->block[i], spool->block[i].base, spool->block[i].bytes);
    if (spool->watched.base)
        qn_map_drop(&spool->watched, spool->watched.base, spool->watched.bytes);
}
