/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_version.c - quern version: what this binary is. */
#include "formats/plugin.h"
#include "tools/options.h"
#include "tools/out.h"
#include "tools/sandbox.h"

#ifndef QN_COMMIT
#define QN_COMMIT "unknown"
#endif
#ifdef QN_HAVE_ZLIB
#define HAS_ZLIB true
#else
#define HAS_ZLIB false
#endif
#ifdef QN_HAVE_JANSSON
#define HAS_JANSSON true
#else
#define HAS_JANSSON false
#endif
#ifdef QN_HAVE_STB
#define HAS_STB true
#else
#define HAS_STB false
#endif

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

static const struct {
    const char *name;
    bool is_there;
} features[] = {{"zlib", HAS_ZLIB}, {"jansson", HAS_JANSSON}, {"stb", HAS_STB}};
#define N_FEATURES (sizeof features / sizeof features[0])

const qn_option qn_version_options[] = {
    QN_OPTION_JSON,
    QN_OPTIONS_END,
};

const char qn_version_about[] =
    "Names the version, the commit, the compiler, the instruction set that this "
    "machine\n"
    "will be given, the optional libraries that this build holds, and how much of the\n"
    "sandbox this system gives: full, partial or none, with the reason.\n";

/* Whether a plug-in is there; it is not loaded to be asked. */
static bool has_plugin(const qn_plugin *plugin)
{
    char path[QN_PATH_MAX];
    return qn_plugin_find(plugin->name, path);
}

static int print_json(const qn_sandbox *sandbox)
{
    qn_mem mem;
    qn_buf out;
    qn_json j;
    const qn_plugin *plugin;
    qn_mem_init(&mem, NULL, 0);
    qn_buf_init(&out, &mem);
    qn_json_begin(&j, &out);
    qn_json_text(&j, "version", quern_version());
    qn_json_text(&j, "commit", QN_COMMIT);
    qn_json_text(&j, "compiler", COMPILER);
    qn_json_text(&j, "isa", quern_cpu_isa());
    qn_json_object(&j, "features");
    for (size_t i = 0; i < N_FEATURES; i++)
        qn_json_bool(&j, features[i].name, features[i].is_there);
    for (int i = 0; (plugin = qn_plugin_at(i)) != NULL; i++)
        qn_json_bool(&j, plugin->library, has_plugin(plugin));
    qn_json_close(&j);
    qn_json_text(&j, "sandbox", qn_sandbox_word(sandbox->level));
    qn_json_text(&j, "sandbox_reason", sandbox->reason);
    qn_json_int(&j, "landlock", sandbox->landlock);
    qn_json_end(&j);
    const int code = qn_out_flush(&out);
    qn_buf_done(&out);
    return code;
}

int qn_cmd_version(const qn_args *args)
{
    const qn_plugin *plugin;
    if (args->n_operands > 0) return qn_usage(args, "takes no operands");
    if (qn_arg_flag(args, "json")) return print_json(args->sandbox);
    printf("quern %s (commit %s)\n", quern_version(), QN_COMMIT);
    printf("compiler  %s\nisa       %s\nfeatures ", COMPILER, quern_cpu_isa());
    for (size_t i = 0; i < N_FEATURES; i++)
        printf(" %s%s", features[i].is_there ? "" : "no-", features[i].name);
    for (int i = 0; (plugin = qn_plugin_at(i)) != NULL; i++)
        printf(" %s%s", has_plugin(plugin) ? "" : "no-", plugin->library);
    char text[192];
    printf("\nsandbox   %s\n", qn_sandbox_text(args->sandbox, text));
    return 0;
}
