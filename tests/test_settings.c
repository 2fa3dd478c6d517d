/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_settings.c - settings are kept, count, and give way to the command line.
 */
#include "tests/dataset_kit.h"

#include "tools/options.h"
#include "tools/user_settings.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Runs the program; its exit code is want and its output has this part. */
static void says(qn_test *t, int want, const char *part, const char *arguments)
{
    const char *out = "";
    qn_note(t, "%s", arguments);
    CHECK_EQ(t, qn_quern(t, arguments, &out), want);
    CHECK_HAS(t, out, part);
}

void test_settings_verbs(qn_test *t)
{
    struct stat st;
    says(t, 0, "threads to use", "settings list");
    says(t, 0, "", "settings set threads 2");
    says(t, 0, "2\n", "settings get threads");
    says(t, 0, "{\"schema\":1,\"name\":\"threads\",\"value\":\"2\",\"is_set\":true,",
         "settings list --json");
    CHECK(t, stat(qn_temp(t, "home/config/settings.json"), &st) == 0 &&
                 (st.st_mode & 0777) == 0600);
    says(t, 1, "threads takes a whole number from 0, not 'two'",
         "settings set threads two");
    says(t, 1, "quiet takes yes or no, not 'maybe'", "settings set quiet maybe");
    says(t, 1, "no setting 'thread'; did you mean threads?", "settings get thread");
    says(t, 2, "needs a name and a value", "settings set threads");
    says(t, 0, "", "settings reset threads");
    says(t, 0, "\n", "settings get threads");
    says(t, 0, "", "settings reset");
    CHECK(t, stat(qn_temp(t, "home/config/settings.json"), &st) != 0);
}

/* A file that does not read stops commands, as it may ask for safety, but not those
 * that mend it. */
void test_settings_damaged(qn_test *t)
{
    static const char *const bad[] = {"{", "[]", "{\"threads\":-1}",
                                      "{\"quiet\":\"loud\"}", "\"x\""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        qn_set_kit_text(t, "home/config/settings.json", bad[i]);
        says(t, 1, "settings.json: ", "version");
        says(t, 1, "settings.json: ", "settings list");
    }
    says(t, 0, "", "settings reset");
    says(t, 0, "compiler", "version");
    qn_set_kit_text(t, "home/config/settings.json",
                    "{\"schema\":1,\"of-later\":[1],\"threads\":3,\"quiet\":true}");
    says(t, 0, "3\n", "settings get threads");
    says(t, 0, "yes\n", "settings get quiet");
}

static const qn_option options[] = {
    QN_OPTION_THREADS,
    QN_OPTION_QUIET,
    QN_OPTION_LIMIT,
    QN_OPTIONS_END,
};

/* What a command with these words sees. */
static void parse(qn_test *t, qn_args *args, qn_mem *mem, int n, const char **words)
{
    static const qn_command command = {.name = "test", .options = options};
    CHECK_EQ(t, qn_args_parse(args, &command, n, words, mem), 0);
}

void test_settings_give_way(qn_test *t)
{
    qn_mem mem;
    qn_args args;
    qn_user_settings s = {.text = {NULL}};
    qn_mem_init(&mem, NULL, 0);
    s.text[qn_user_setting_find("threads")] = "3";
    s.text[qn_user_setting_find("quiet")] = "yes";
    s.text[qn_user_setting_find("limit.memory")] = "2K";
    parse(t, &args, &mem, 0, NULL);
    CHECK(t, qn_arg_int(&args, "threads") == 0 && !qn_arg_flag(&args, "quiet"));
    args.settings = &s;
    CHECK(t, qn_arg_int(&args, "threads") == 3 && qn_arg_flag(&args, "quiet"));
    CHECK_EQ(t, (int)qn_arg_limit(&args, "memory", 7), 2048);
    CHECK_EQ(t, (int)qn_arg_limit(&args, "seconds", 7), 7);
    qn_args_done(&args);
    parse(t, &args, &mem, 4,
          (const char *[]){"--threads=1", "--no-quiet", "--limit", "memory=5"});
    args.settings = &s;
    CHECK(t, qn_arg_int(&args, "threads") == 1 && !qn_arg_flag(&args, "quiet"));
    CHECK_EQ(t, (int)qn_arg_limit(&args, "memory", 7), 5);
    qn_args_done(&args);
    /* The program itself: two threads and silence where nothing else is said. */
    says(t, 0, "", "settings set threads 2");
    says(t, 0, "\"threads\":2",
         "bench model tests/data/fashion-fast16.onnx --time 0.01 --json");
    says(t, 0, "\"threads\":1",
         "bench model tests/data/fashion-fast16.onnx --time 0.01 --json -t 1");
}
