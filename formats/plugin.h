/* SPDX-License-Identifier: Apache-2.0 */
/* formats/plugin.h - libraries that add one feature each, opened when it is first used.
 *
 * A plug-in is formats/plugins/<name>_<library>.c, a row of plugins.def and a word in
 * the Makefile's PLUGINS; it becomes quern-<name>.so, found beside the program or in
 * ../lib/quern.  It exports `const void *qn_<name>_plugin(void)`, which gives a struct
 * of functions that starts with a uint32_t version.  Nothing of it is mapped before. */
#ifndef QN_FORMATS_PLUGIN_H
#define QN_FORMATS_PLUGIN_H

#include "engine/os.h"

typedef struct qn_plugin {
    const char *name;    /* "draw" */
    const char *library; /* "cairo": the feature's name in `quern version` */
    const char *package; /* that a build needs: "libcairo2-dev" */
    const char *what;    /* needs it: "pictures" */
} qn_plugin;

const qn_plugin *qn_plugin_at(int i); /* row i, or NULL past the end */
/* The plug-in's file; false: it is not installed.  It is not loaded to be asked. */
bool qn_plugin_find(const char *name, char path[QN_PATH_MAX]);
/* "pictures need the plug-in quern-draw.so, which is built where ... is installed" */
#define QN_PLUGIN_TEXT 160
const char *qn_plugin_missing(const char *name, char text[QN_PLUGIN_TEXT]);
/* Opens it and checks that its struct has this version.  *lib goes to qn_lib_close when
 * the functions are no longer called; QUERN_UNSUPPORTED names what to install. */
quern_status qn_plugin_open(const char *name, uint32_t version, void **lib,
                            const void **functions, quern_error *err);

#endif
