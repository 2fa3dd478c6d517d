/* SPDX-License-Identifier: Apache-2.0 */
/* tests/controls/dry_heap.c - linked into quern-dry, which is quern with a heap that
 * runs dry: of the calls by which quern asks for memory, number QUERN_DRY_AT fails,
 * with QUERN_DRY_ALL all behind it, too.  At the end QUERN_DRY_COUNT, a file, is told
 * how many there were.  engine/mem.c knows nothing of it: the linker turns its one call
 * of posix_memalign to here (--wrap). */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int __real_posix_memalign(void **p, size_t align, size_t n);
int __wrap_posix_memalign(void **p, size_t align, size_t n);

static struct {
    long at;
    int all, file;
    pid_t owner; /* processes that are forked count on their own, and do not tell */
    atomic_long n;
} heap;

static long number_of(const char *name)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("QUERN_DRY_COUNT");
    heap.at = number_of("QUERN_DRY_AT");
    heap.all = number_of("QUERN_DRY_ALL") != 0;
    heap.owner = getpid();
    heap.file = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
}

__attribute__((destructor)) static void end(void)
{
    if (heap.file >= 0 && heap.owner == getpid())
        dprintf(heap.file, "%ld\n", atomic_load(&heap.n));
}

int __wrap_posix_memalign(void **p, size_t align, size_t n)
{
    const long now = 1 + atomic_fetch_add(&heap.n, 1);
    if (heap.at && (now == heap.at || (heap.all && now > heap.at))) return ENOMEM;
    return __real_posix_memalign(p, align, n);
}
