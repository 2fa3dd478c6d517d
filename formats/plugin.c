/* SPDX-License-Identifier: Apache-2.0 */
/* formats/plugin.c - see plugin.h. */
#include "formats/plugin.h"

#include <stdio.h>
#include <string.h>

static const qn_plugin plugins[] = {
#define QN_PLUGIN(name, library, package, what) {#name, library, package, what},
#include "formats/plugins.def"
#undef QN_PLUGIN
};
#define N_PLUGINS (int)(sizeof plugins / sizeof plugins[0])

const qn_plugin *qn_plugin_at(int i)
{
    return i >= 0 && i < N_PLUGINS ? &plugins[i] : NULL;
}

bool qn_plugin_find(const char *name, char path[QN_PATH_MAX])
{
    static const char *const places[] = {"", "../lib/quern/"};
    char program[QN_PATH_MAX], folder[QN_PATH_MAX];
    qn_file file;
    if (qn_path_resolve("/proc/self/exe", program, NULL) != QUERN_OK ||
        qn_path_folder(program, folder, NULL) != QUERN_OK)
        return false;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const int n =
            snprintf(path, QN_PATH_MAX, "%s/%squern-%s.so", folder, places[i], name);
        if (n >= QN_PATH_MAX || qn_file_open(NULL, path, &file, NULL) != QUERN_OK)
            continue;
        qn_file_close(&file);
        return true;
    }
    return false;
}

const char *qn_plugin_missing(const char *name, char text[QN_PLUGIN_TEXT])
{
    for (int i = 0; i < N_PLUGINS; i++)
        if (!strcmp(plugins[i].name, name))
            snprintf(text, QN_PLUGIN_TEXT,
                     "%s need the plug-in quern-%s.so, which is built where %s is "
                     "installed",
                     plugins[i].what, name, plugins[i].package);
    return text;
}

quern_status qn_plugin_open(const char *name, uint32_t version, void **lib,
                            const void **functions, quern_error *err)
{
    char path[QN_PATH_MAX], symbol[64], text[QN_PLUGIN_TEXT];
    const void *(*plugin)(void) = NULL;
    uint32_t has = 0;
    *lib = NULL;
    if (!qn_plugin_find(name, path))
        return qn_fail(err, QUERN_UNSUPPORTED, "%s", qn_plugin_missing(name, text));
    *lib = qn_lib_open(path);
    if (!*lib)
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "'%s' cannot be loaded: is the library it stands on installed?",
                       path);
    snprintf(symbol, sizeof symbol, "qn_%s_plugin", name);
    void *found = qn_lib_find(*lib, symbol);
    memcpy(&plugin, &found, sizeof plugin); /* ISO C converts no void * */
    *functions = plugin ? plugin() : NULL;
    if (*functions) memcpy(&has, *functions, sizeof has);
    if (has == version) return QUERN_OK;
    qn_lib_close(*lib);
    *lib = NULL;
    return qn_fail(err, QUERN_UNSUPPORTED, "'%s' is of version %u, this program of %u",
                   path, (unsigned)has, (unsigned)version);
}
