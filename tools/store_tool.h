/* SPDX-License-Identifier: Apache-2.0 */
/* tools/store_tool.h - what the commands about the store share: opening it, finding
 * what a word names, telling people and scripts about it. */
#ifndef QN_TOOLS_STORE_TOOL_H
#define QN_TOOLS_STORE_TOOL_H

#include "formats/store.h"
#include "tools/options.h"
#include "tools/out.h"

/* Of what takes things away. */
#define QN_STORE_OPTION_YES                               \
    {                                                     \
        "yes", 'y', QN_OPT_FLAG, NULL, NULL, "do not ask" \
    }
#define QN_STORE_OPTION_DRY                                              \
    {                                                                    \
        "dry-run", 0, QN_OPT_FLAG, NULL, NULL, "only tell what would go" \
    }

typedef struct qn_store_tool {
    const qn_args *args;
    qn_mem mem;
    qn_arena arena;
    qn_store store;
    int code; /* that the command ends with, if nothing fails */
} qn_store_tool;

typedef quern_status qn_store_act(qn_store_tool *tool, quern_error *err);

/* Opens this user's store (with make: makes it), acts, tells what failed.  The exit
 * code. */
int qn_store_tool_run(const qn_args *args, bool make, qn_store_act *act);

/* Whether the command is one of quern data, which sees data sets only. */
bool qn_store_tool_is_data(const qn_store_tool *tool);
/* What the word names: an ID or a name; with "models/" or another kind before it where
 * that is not clear. */
quern_status qn_store_tool_find(qn_store_tool *tool, const char *word, qn_object *out,
                                quern_error *err);
/* Asks at a terminal unless --yes was given; false: no. */
bool qn_store_tool_may(const qn_args *args, const char *what);

uint64_t qn_object_bytes(const qn_object *object);
void qn_object_json(qn_json *j, const qn_object *object);

#endif
