/* SPDX-License-Identifier: Apache-2.0 */
/* engine/os.h - every call to the operating system that the library makes.
 *
 * Files are opened by two functions only: qn_file_open to read, qn_file_replace to
 * write. Only regular files are read, so a pipe or a device cannot make a load hang. */
#ifndef QN_ENGINE_OS_H
#define QN_ENGINE_OS_H

#include "engine/mem.h"

double qn_os_seconds(void); /* of a clock that never goes back */
/* Physical cores this process may use, by affinity and cgroup quota; at least 1. */
int qn_os_cores(void);
void qn_os_yield(void); /* lets another thread have the core */
/* Bytes of this process in memory, now and at the most so far; 0 when unknown. */
void qn_os_resident(double *now, double *peak);
size_t qn_os_memory(void); /* bytes of physical memory; 0 when unknown */

#define QN_PATH_MAX 4096 /* bytes, the zero included */

typedef struct qn_file {
    int fd;
    size_t bytes;
    uint64_t links; /* names the file has; above 1 it is hard-linked */
} qn_file;

/* A read-only view of a whole file.  It must not shrink while mapped: touching a page
 * that is gone ends the process with SIGBUS. */
typedef struct qn_map {
    void *base;
    size_t bytes;
} qn_map;

/* Opens a regular file to read.  With a folder, path is relative and may not lead out
 * of it, be it by "..", by a symbolic link or by a race: then the error is
 * QUERN_INVALID. */
quern_status qn_file_open(const char *folder, const char *path, qn_file *out,
                          quern_error *err);
void qn_file_close(qn_file *file);
/* All bytes of the file with a zero byte behind them, in the arena. */
quern_status qn_file_read(const qn_file *file, qn_arena *arena, void **out,
                          quern_error *err);
/* The file may be closed afterwards.  An empty file fails. */
quern_status qn_file_map(const qn_file *file, qn_map *out, quern_error *err);
/* Whole pages inside [p, p+n) may leave memory; reading them again fetches them again.
 */
void qn_map_drop(const qn_map *map, const void *p, size_t n);
/* A hint for a block that is gone through in every run: the large pages in it. */
void qn_os_want_huge_pages(void *p, size_t n);
void qn_map_done(qn_map *map);

/* Writes n bytes to a new file and moves it over path: readers see the old bytes or the
 * new ones, and after a failure the old ones. */
quern_status qn_file_replace(const char *path, const void *p, size_t n,
                             quern_error *err);

/* The same of bytes in a block of mem's, which may leave memory as they are written. */
quern_status qn_file_save(qn_mem *mem, const char *path, const void *p, size_t n,
                          quern_error *err);

/* Gives a file another name in the same file system, over whatever has it. */
quern_status qn_file_move(const char *from, const char *to, quern_error *err);

/* The absolute path without links, for a path that exists. */
quern_status qn_path_resolve(const char *path, char out[QN_PATH_MAX], quern_error *err);
/* The folder of a path, "." when it names none. */
quern_status qn_path_folder(const char *path, char out[QN_PATH_MAX], quern_error *err);

/* Names in a folder, sorted by bytes, without "." and ".."; in the arena. */
quern_status qn_dir_list(const char *path, qn_arena *arena, const char *const **names,
                         int *n_names, quern_error *err);

/* Whether a folder has a name for which is_it says so.  Needs no memory; the order is
 * any. */
typedef bool qn_dir_fn(void *ctx, const char *name);
bool qn_dir_has(const char *path, qn_dir_fn *is_it, void *ctx);

bool qn_path_is_folder(const char *path);

typedef enum qn_path_kind {
    QN_PATH_ABSENT,
    QN_PATH_FILE, /* a regular one */
    QN_PATH_FOLDER,
    QN_PATH_LINK, /* to anything: it is not followed */
    QN_PATH_OTHER /* a device, a pipe, a socket */
} qn_path_kind;
qn_path_kind qn_path_look(const char *path);
/* Makes a folder and those above it that lack; fine when it is there already. */
quern_status qn_dir_make(const char *path, quern_error *err);

/* A shared library opened while running; NULL when there is none. */
void *qn_lib_open(const char *name);
/* The same while the calling thread may use one core only, for libraries that make as
 * many threads as they find cores when they are loaded. */
void *qn_lib_open_single(const char *name);
void *qn_lib_find(void *lib, const char *symbol); /* or NULL */
void qn_lib_close(void *lib);

#endif
