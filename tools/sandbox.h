/* SPDX-License-Identifier: Apache-2.0 */
/* tools/sandbox.h - what the program gives up before it opens anything it was given:
 * sockets, other programs, and writing anywhere but where it was told to.
 *
 * Three parts of Linux, each probed while running: no_new_privs, Landlock (which files
 * may be written), and a seccomp filter (which system calls there are).  There is no
 * way back, and all threads and children are inside, too. */
#ifndef QN_TOOLS_SANDBOX_H
#define QN_TOOLS_SANDBOX_H

#include "engine/os.h"
#include "tools/command.h"

typedef enum qn_sandbox_level {
    QN_SANDBOX_NONE,
    QN_SANDBOX_PARTIAL, /* some of the parts */
    QN_SANDBOX_FULL
} qn_sandbox_level;

typedef struct qn_sandbox {
    qn_sandbox_level level;
    int landlock;     /* its version; 0: the kernel has none */
    bool has_filter;  /* system calls are filtered */
    char reason[160]; /* why it is not full; empty when it is */
} qn_sandbox;

#define QN_SANDBOX_FOLDERS 16

/* Folders below which files may be written.  Those that were made for it, and are empty
 * in the end, go again. */
typedef struct qn_outputs {
    bool is_unknown; /* the command writes, and no row says where */
    int n;
    struct {
        char path[QN_PATH_MAX];
        int n_made; /* how many folders from the end of the path are new */
    } folder[QN_SANDBOX_FOLDERS];
} qn_outputs;

const char *qn_sandbox_word(qn_sandbox_level level); /* none, partial, full */
/* "full", or "none: the reason". */
const char *qn_sandbox_text(const qn_sandbox *sandbox, char room[192]);

/* Says that it is not full after all, and why. */
void qn_sandbox_lacks(qn_sandbox *sandbox, const char *reason);
/* Enters; may is qn_may of the command's row.  Never fails: out says what was reached.
 */
void qn_sandbox_enter(unsigned may, const qn_outputs *outputs, qn_sandbox *out);

/* What the command line says about places to write to, by outputs.def; makes folders
 * that a command would make.  Everything else is read-only from then on. */
void qn_outputs_find(const qn_args *args, qn_outputs *out);
void qn_outputs_tidy(const qn_outputs *outputs);

/* ---- the parts ---- */

/* The filter, with no_new_privs: 0, or what the kernel answers (errno). */
int qn_filter_install(unsigned may);
/* The same for a process that only computes: no files, not even open ones, no signals.
 */
int qn_filter_install_worker(void);
/* *version: of Landlock, 0 when there is none. */
int qn_landlock_install(const qn_outputs *outputs, int *version);

#endif
