/* SPDX-License-Identifier: Apache-2.0 */
/* engine/os.c - clock, cores, files, folders, shared libraries.  Linux first; what only
 * Linux has (openat2, cgroups, affinity) has a POSIX way beside it. */
#define _GNU_SOURCE
#include "engine/os.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/syscall.h>
#endif
#ifdef SYS_openat2
#include <linux/openat2.h>
#endif

double qn_os_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- reading files ---- */

/* O_NONBLOCK: opening a pipe without a writer must not wait. */
#define READ_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

/* One component of a path, which must be no link; errno ELOOP when it is one. */
static int open_part(int folder, const char *part, bool last)
{
    struct stat st;
    int fd = openat(folder, part, READ_FLAGS | O_NOFOLLOW | (last ? 0 : O_DIRECTORY));
    int saved = errno;
    if (fd < 0 && fstatat(folder, part, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(st.st_mode))
        saved = ELOOP;
    errno = saved;
    return fd;
}

/* One component after the other, following no link at all. */
static int open_stepwise(int folder, const char *path)
{
    int at = dup(folder);
    while (at >= 0) {
        size_t n = strcspn(path, "/");
        bool last = path[n] == 0;
        char part[256];
        int next = -1;
        errno = ENAMETOOLONG;
        if (n < sizeof part) {
            memcpy(part, path, n);
            part[n] = 0;
            errno = EXDEV;
            if (strcmp(part, "..") != 0) next = open_part(at, n ? part : ".", last);
        }
        int saved = errno;
        close(at);
        errno = saved;
        if (last || next < 0) return next;
        at = next;
        path += n + 1;
    }
    return -1;
}

#ifdef SYS_openat2
static int open_beneath(int folder, const char *path)
{
    struct open_how how = {.flags = READ_FLAGS,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
    /* An old kernel, an emulator or a sandbox that does not know the call. */
    if (fd < 0 && (errno == ENOSYS || errno == EPERM || errno == E2BIG))
        return open_stepwise(folder, path);
    return fd;
}
#else
static int open_beneath(int folder, const char *path)
{
    return open_stepwise(folder, path);
}
#endif

static int open_contained(const char *folder, const char *path)
{
    if (*path == '/') {
        errno = EXDEV;
        return -1;
    }
    int at = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (at < 0) return -1;
    int fd = open_beneath(at, path);
    int saved = errno;
    close(at);
    errno = saved;
    return fd;
}

quern_status qn_file_open(const char *folder, const char *path, qn_file *out,
                          quern_error *err)
{
    int fd = folder ? open_contained(folder, path) : open(path, READ_FLAGS);
    if (fd < 0 && folder && (errno == EXDEV || errno == ELOOP))
        return qn_fail(err, QUERN_INVALID, "'%s' leads out of the folder '%s'", path,
                       folder);
    if (fd < 0) return qn_fail(err, QUERN_IO, "cannot open: %s", strerror(errno));
    struct stat st;
    const char *wrong = NULL;
    if (fstat(fd, &st) != 0)
        wrong = strerror(errno);
    else if (!S_ISREG(st.st_mode))
        wrong = S_ISDIR(st.st_mode) ? "it is a folder" : "it is no regular file";
    if (wrong) {
        close(fd);
        return qn_fail(err, QUERN_IO, "cannot read: %s", wrong);
    }
    *out = (qn_file){fd, (size_t)st.st_size, (uint64_t)st.st_nlink};
    return QUERN_OK;
}

void qn_file_close(qn_file *file)
{
    if (file->fd >= 0) close(file->fd);
    file->fd = -1;
}

static quern_status read_all(const qn_file *file, uint8_t *to, quern_error *err)
{
    for (size_t done = 0; done < file->bytes;) {
        ssize_t n = pread(file->fd, to + done, file->bytes - done, (off_t)done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return qn_fail(err, QUERN_IO, "cannot read: %s", strerror(errno));
        if (n == 0)
            return qn_fail(err, QUERN_IO, "it shrank to %zu of %zu bytes while read",
                           done, file->bytes);
        done += (size_t)n;
    }
    return QUERN_OK;
}

quern_status qn_file_read(const qn_file *file, qn_arena *arena, void **out,
                          quern_error *err)
{
    QN_TRY(qn_arena_raw(arena, file->bytes + 1, out, err));
    ((char *)*out)[file->bytes] = 0;
    return read_all(file, *out, err);
}

quern_status qn_file_map(const qn_file *file, qn_map *out, quern_error *err)
{
    if (file->bytes == 0) return qn_fail(err, QUERN_FORMAT, "it is empty");
    void *p = mmap(NULL, file->bytes, PROT_READ, MAP_PRIVATE, file->fd, 0);
    if (p == MAP_FAILED)
        return qn_fail(err, QUERN_IO, "cannot map %zu bytes: %s", file->bytes,
                       strerror(errno));
    *out = (qn_map){p, file->bytes};
    struct stat st;
    if (fstat(file->fd, &st) != 0 || (size_t)st.st_size < file->bytes) {
        qn_map_done(out);
        return qn_fail(err, QUERN_IO, "it shrank below %zu bytes while opened",
                       file->bytes);
    }
    return QUERN_OK;
}

void qn_map_drop(const qn_map *map, const void *p, size_t n)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), base = (uintptr_t)map->base;
    uintptr_t from = ((uintptr_t)p + page - 1) / page * page;
    uintptr_t to = ((uintptr_t)p + n) / page * page;
    if ((uintptr_t)p < base || (uintptr_t)p + n > base + map->bytes || to <= from)
        return;
    madvise((void *)from, to - from, MADV_DONTNEED);
}

#ifndef MADV_HUGEPAGE
#define MADV_HUGEPAGE MADV_NORMAL
#endif

void qn_os_want_huge_pages(void *p, size_t n)
{
    const uintptr_t page = QN_LARGE_PAGE;
    uintptr_t from = ((uintptr_t)p + page - 1) / page * page;
    uintptr_t to = ((uintptr_t)p + n) / page * page;
    if (to > from) madvise((void *)from, to - from, MADV_HUGEPAGE);
}

void qn_map_done(qn_map *map)
{
    if (map->base) munmap(map->base, map->bytes);
    *map = (qn_map){0};
}

/* ---- replacing files ---- */

#define PIECE ((size_t)16 << 20) /* bytes written at a time */

/* mem: of the bytes, when they may be more than memory holds; or NULL. */
static quern_status write_all(int fd, const uint8_t *p, size_t n, qn_mem *mem,
                              quern_error *err)
{
    for (size_t done = 0; done < n;) {
        ssize_t k = write(fd, p + done, n - done < PIECE ? n - done : PIECE);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0)
            return qn_fail(err, QUERN_IO, "cannot write after %zu of %zu bytes: %s",
                           done, n, strerror(errno));
        done += (size_t)k;
        if (mem) qn_mem_passed(mem, (size_t)k);
    }
    if (fsync(fd) != 0 && errno != EINVAL)
        return qn_fail(err, QUERN_IO, "cannot write: %s", strerror(errno));
    return QUERN_OK;
}

/* A new file beside path, under a name that nobody uses. */
static int open_temporary(const char *path, mode_t mode, char *name, size_t room)
{
    for (int attempt = 0; attempt < 100; attempt++) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        int n = snprintf(name, room, "%s.%ld-%lx-%d.tmp", path, (long)getpid(),
                         (unsigned long)t.tv_nsec, attempt);
        if (n < 0 || (size_t)n >= room) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    return -1;
}

/* So that the new name outlives a power cut; some file systems cannot, which is fine.
 */
static void sync_folder(const char *path)
{
    char folder[QN_PATH_MAX];
    if (qn_path_folder(path, folder, NULL) != QUERN_OK) return;
    int fd = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

quern_status qn_file_move(const char *from, const char *to, quern_error *err)
{
    if (rename(from, to) != 0)
        return qn_fail(err, QUERN_IO, "cannot rename to %s: %s", to, strerror(errno));
    sync_folder(to);
    return QUERN_OK;
}

quern_status qn_file_replace(const char *path, const void *p, size_t n,
                             quern_error *err)
{
    return qn_file_save(NULL, path, p, n, err);
}

quern_status qn_file_save(qn_mem *mem, const char *path, const void *p, size_t n,
                          quern_error *err)
{
    char target[QN_PATH_MAX], temporary[QN_PATH_MAX + 64];
    struct stat st;
    bool exists = stat(path, &st) == 0;
    if (exists && !S_ISREG(st.st_mode))
        return qn_fail(err, QUERN_IO, "cannot write: it is no regular file");
    if (exists) { /* through a link, the file it names is replaced */
        QN_TRY(qn_path_resolve(path, target, err));
    } else if (snprintf(target, sizeof target, "%s", path) >= (int)sizeof target) {
        return qn_fail(err, QUERN_IO, "cannot write: %s", strerror(ENAMETOOLONG));
    }
    int fd = open_temporary(target, 0666, temporary, sizeof temporary);
    if (fd < 0) return qn_fail(err, QUERN_IO, "cannot write: %s", strerror(errno));
    quern_status status = write_all(fd, p, n, mem, err);
    if (status == QUERN_OK && exists && fchmod(fd, st.st_mode & 07777) != 0)
        status = qn_fail(err, QUERN_IO, "cannot write: %s", strerror(errno));
    close(fd);
    if (status == QUERN_OK && rename(temporary, target) != 0)
        status = qn_fail(err, QUERN_IO, "cannot write: %s", strerror(errno));
    if (status != QUERN_OK)
        unlink(temporary);
    else
        sync_folder(target);
    return status;
}

/* ---- paths and folders ---- */

_Static_assert(QN_PATH_MAX >= PATH_MAX, "realpath writes up to PATH_MAX bytes");

quern_status qn_path_resolve(const char *path, char out[QN_PATH_MAX], quern_error *err)
{
    if (!realpath(path, out))
        return qn_fail(err, QUERN_IO, "cannot resolve: %s", strerror(errno));
    return QUERN_OK;
}

quern_status qn_path_folder(const char *path, char out[QN_PATH_MAX], quern_error *err)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (n >= QN_PATH_MAX)
        return qn_fail(err, QUERN_IO, "path of %zu bytes is longer than %d", n,
                       QN_PATH_MAX - 1);
    memcpy(out, path, n);
    out[n] = 0;
    if (n == 0) memcpy(out, slash ? "/" : ".", 2);
    return QUERN_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Doubles the room; the old array stays behind in the arena. */
static quern_status grow_names(qn_arena *arena, const char ***list, size_t n,
                               size_t *room, quern_error *err)
{
    if (n < *room) return QUERN_OK;
    void *more;
    size_t want = *room ? 2 * *room : 32;
    QN_TRY(qn_arena_array(arena, want, sizeof **list, &more, err));
    if (n) memcpy(more, *list, n * sizeof **list);
    *list = more;
    *room = want;
    return QUERN_OK;
}

static quern_status read_names(DIR *dir, qn_arena *arena, const char ***list, size_t *n,
                               quern_error *err)
{
    size_t room = 0;
    for (struct dirent *e; (e = readdir(dir));) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        QN_TRY(grow_names(arena, list, *n, &room, err));
        QN_TRY(qn_arena_text(arena, e->d_name, strlen(e->d_name), &(*list)[*n], err));
        ++*n;
    }
    return QUERN_OK;
}

quern_status qn_dir_list(const char *path, qn_arena *arena, const char *const **names,
                         int *n_names, quern_error *err)
{
    DIR *dir = opendir(path);
    if (!dir) return qn_fail(err, QUERN_IO, "cannot list: %s", strerror(errno));
    const char **list = NULL;
    size_t n = 0;
    quern_status status = read_names(dir, arena, &list, &n, err);
    closedir(dir);
    QN_TRY(status);
    if (n) qsort(list, n, sizeof *list, by_name);
    *names = list;
    *n_names = (int)n;
    return QUERN_OK;
}

bool qn_dir_has(const char *path, qn_dir_fn *is_it, void *ctx)
{
    DIR *dir = opendir(path);
    bool has = false;
    for (struct dirent *e; dir && !has && (e = readdir(dir));)
        has = is_it(ctx, e->d_name);
    if (dir) closedir(dir);
    return has;
}

bool qn_path_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

qn_path_kind qn_path_look(const char *path)
{
    struct stat st;
    if (lstat(path, &st) != 0) return QN_PATH_ABSENT;
    if (S_ISREG(st.st_mode)) return QN_PATH_FILE;
    if (S_ISDIR(st.st_mode)) return QN_PATH_FOLDER;
    return S_ISLNK(st.st_mode) ? QN_PATH_LINK : QN_PATH_OTHER;
}

quern_status qn_dir_make(const char *path, quern_error *err)
{
    char part[QN_PATH_MAX];
    const size_t n = strlen(path);
    if (n >= sizeof part)
        return qn_fail(err, QUERN_IO, "cannot make: %s", strerror(ENAMETOOLONG));
    memcpy(part, path, n + 1);
    for (size_t i = 1; i <= n; i++) {
        if (part[i] != '/' && part[i] != 0) continue;
        part[i] = 0;
        const int why = mkdir(part, 0777) != 0 ? errno : 0;
        if (why && !qn_path_is_folder(part))
            return qn_fail(err, QUERN_IO, "cannot make: %s", strerror(why));
        part[i] = path[i];
    }
    return QUERN_OK;
}

/* ---- cores ---- */

#ifdef __linux__
/* The first bytes of a small file of the kernel, zero-ended; false when unreadable. */
static bool read_text(const char *path, char *text, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t n = read(fd, text, room - 1);
    close(fd);
    if (n <= 0) return false;
    text[n] = 0;
    return true;
}

enum { CPU_SETS = 8 }; /* of 1024 processors each */

/* Whether cpu is the first of its core's siblings ("0,4" or "0-1") that may be used. */
static bool leads_core(int cpu, const cpu_set_t *usable, size_t size)
{
    char path[96], text[256];
    snprintf(path, sizeof path,
             "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
    if (!read_text(path, text, sizeof text)) return true;
    for (char *p = text; *p >= '0' && *p <= '9';) {
        long from = strtol(p, &p, 10), to = from;
        if (*p == '-') to = strtol(p + 1, &p, 10);
        for (long c = from; c <= to && c < cpu; c++)
            if (CPU_ISSET_S((size_t)c, size, usable)) return false;
        if (*p == ',') p++;
    }
    return true;
}

static int usable_cores(void)
{
    cpu_set_t usable[CPU_SETS];
    CPU_ZERO_S(sizeof usable, usable);
    if (sched_getaffinity(0, sizeof usable, usable) != 0) return 1;
    int cores = 0;
    for (int cpu = 0; cpu < CPU_SETS * CPU_SETSIZE; cpu++)
        if (CPU_ISSET_S((size_t)cpu, sizeof usable, usable))
            cores += leads_core(cpu, usable, sizeof usable);
    return cores;
}

/* Whole processors that a quota of `quota` in every `period` microseconds grants. */
static long quota_cpus(long quota, long period)
{
    return quota > 0 && period > 0 ? (quota + period - 1) / period : LONG_MAX;
}

/* cgroup v2: cpu.max of this process's group and of every group above it. */
static long quota_v2(void)
{
    char text[QN_PATH_MAX], path[QN_PATH_MAX + 64], limit[64];
    if (!read_text("/proc/self/cgroup", text, sizeof text)) return LONG_MAX;
    char *group = strstr(text, "0::/");
    if (!group) return LONG_MAX;
    group += 3;
    group[strcspn(group, "\n")] = 0;
    long least = LONG_MAX;
    for (;;) {
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", group);
        if (read_text(path, limit, sizeof limit) && limit[0] != 'm') {
            char *rest;
            long quota = strtol(limit, &rest, 10);
            long cpus = quota_cpus(quota, strtol(rest, NULL, 10));
            if (cpus < least) least = cpus;
        }
        char *slash = strrchr(group, '/');
        if (!slash) return least;
        *slash = 0;
    }
}

static long quota_v1(void)
{
    char quota[64], period[64];
    if (!read_text("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota, sizeof quota) ||
        !read_text("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period, sizeof period))
        return LONG_MAX;
    return quota_cpus(strtol(quota, NULL, 10), strtol(period, NULL, 10));
}

int qn_os_cores(void)
{
    long n = usable_cores(), v1 = quota_v1(), v2 = quota_v2();
    if (v1 < n) n = v1;
    if (v2 < n) n = v2;
    return n < 1 ? 1 : (int)n;
}
#else
int qn_os_cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : (int)n;
}
#endif

/* ---- shared libraries ---- */

void *qn_lib_open(const char *name)
{
    return dlopen(name, RTLD_NOW | RTLD_LOCAL);
}

#ifdef __linux__
void *qn_lib_open_single(const char *name)
{
    cpu_set_t all, one;
    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof all, &all) != 0) return NULL;
    int core = 0;
    while (core < CPU_SETSIZE - 1 && !CPU_ISSET(core, &all))
        core++;
    CPU_SET(core, &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0) return NULL;
    void *lib = qn_lib_open(name);
    sched_setaffinity(0, sizeof all, &all);
    return lib;
}
#else
void *qn_lib_open_single(const char *name)
{
    return qn_lib_open(name);
}
#endif

void *qn_lib_find(void *lib, const char *symbol)
{
    return lib ? dlsym(lib, symbol) : NULL;
}

void qn_lib_close(void *lib)
{
    if (lib) dlclose(lib);
}

size_t qn_os_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (size_t)pages * (size_t)size : 0;
}

void qn_os_resident(double *now, double *peak)
{
    struct rusage use;
    char line[128];
    FILE *f = fopen("/proc/self/statm", "re");
    *now = *peak = 0;
    if (getrusage(RUSAGE_SELF, &use) == 0) *peak = 1024.0 * (double)use.ru_maxrss;
    const char *second = f && fgets(line, sizeof line, f) ? strchr(line, ' ') : NULL;
    if (second)
        *now = (double)strtoll(second, NULL, 10) * (double)sysconf(_SC_PAGESIZE);
    if (f) fclose(f);
}

void qn_os_yield(void)
{
    sched_yield();
}
