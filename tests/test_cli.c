/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_cli.c - the program as scripts see it: exit codes, messages, JSON keys. */
#include "tests/test.h"

#include "formats/onnx.h"
#include "tests/onnx_kit.h"
#include "tools/help.h"

#include <stdio.h>
#include <string.h>

#define NET "tests/data/fashion-fast16.onnx"

/* Runs the program; its exit code is want and its output has this part. */
static void says(qn_test *t, int want, const char *part, const char *arguments)
{
    const char *out = "";
    qn_note(t, "%s", arguments);
    CHECK_EQ(t, qn_quern(t, arguments, &out), want);
    CHECK_HAS(t, out, part);
}

void test_cli_mistakes(qn_test *t)
{
    says(t, 2, "Commands:", "");
    says(t, 2, "did you mean inspect?", "insepct x");
    says(t, 2, "did you mean --json?", "run --jsno x");
    says(t, 2, "needs one model", "run");
    says(t, 2, "a whole number", "run --threads x " NET);
    says(t, 1, "nowhere.onnx: cannot open", "run nowhere.onnx");
    says(t, 1, "no input 'x'; there are: image", "run " NET " -i x=a.npy");
    says(t, 1, "-i image=FILE", "run " NET);
    if (qn_quern(t, "version --json | grep -q '\"stb\":true'", NULL) == 0)
        says(t, 1, "it is no PNG, JPEG or BMP", "run " NET " -i README.md");
    says(t, 4, "of at most",
         "run " NET " --random 1 --shape 100000,1,28,28 "
         "--max-memory 10M");
    says(t, 1, "there are no pictures", "classify " NET " docs");
    says(t, 1, "no tests found", "verify docs");
}

void test_cli_help(qn_test *t)
{
    const qn_command *c;
    char command[128];
    says(t, 0, "Commands:", "--help");
    says(t, 0, "compiler", "--version");
    says(t, 0, "complete -o filenames", "help --completion bash");
    says(t, 0, ".TH \"quern\" 1", "help --man");
    for (int i = 0; (c = qn_command_at(i)) != NULL; i++) {
        snprintf(command, sizeof command, "%s --help", c->name);
        says(t, 0, "Options:", command);
        snprintf(command, sizeof command, "help --man %s", c->name);
        says(t, 0, ".SH OPTIONS", command);
    }
}

void test_cli_json(qn_test *t)
{
    says(t, 0,
         "{\"schema\":1,\"outputs\":[{\"name\":\"logits\",\"dtype\":\"float32\","
         "\"shape\":[3,10],\"min\":",
         "run " NET " --random 1 --shape image=3,1,28,28 --json");
    says(t, 0, "\"run_ms\":", "run " NET " --random 1 --json");
    says(t, 0, "\"ops\":{\"Conv\":6,", "inspect " NET " --json");
    says(t, 0, "\"missing\":[]}", "inspect " NET " --json");
    says(t, 0, "\"features\":{", "version --json");
    says(t, 0, "{\"name\":\"Conv\",\"domain\":\"ai.onnx\",\"since\":", "ops --json");
    says(t, 0, "\"same\":true", "compare " NET " " NET " --json");
}

void test_cli_missing(qn_test *t)
{
    char command[512];
    qn_kit k;
    qn_kit_begin(&k, 8, 17);
    qn_kit_value(&k, GRAPH_INPUT, "x", QUERN_FLOAT, "2");
    qn_kit_value(&k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "2");
    qn_kit_node(&k, "NoSuchThing x -> y");
    qn_kit_end(&k);
    const char *path = qn_temp(t, "missing.onnx");
    qn_put_file(t, path, k.buf.p, k.buf.n);
    qn_kit_done(&k);
    snprintf(command, sizeof command, "inspect '%s'", path);
    says(t, 3, "NoSuchThing-17, 1 node", command);
    snprintf(command, sizeof command, "inspect '%s' --json", path);
    says(t, 3, "\"op\":\"NoSuchThing\"", command);
    snprintf(command, sizeof command, "run '%s' --random 1", path);
    says(t, 3, "NoSuchThing", command);
}

/* A test folder whose stored output is got; the model says y = x + x. */
static const char *make_case(qn_test *t, const char *name, float got)
{
    static char root[512];
    char path[600];
    qn_kit k;
    qn_kit_begin(&k, 8, 17);
    qn_kit_value(&k, GRAPH_INPUT, "x", QUERN_FLOAT, "");
    qn_kit_value(&k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "");
    qn_kit_node(&k, "Add x x -> y");
    qn_kit_end(&k);
    snprintf(root, sizeof root, "%s", qn_temp(t, "cases"));
    snprintf(path, sizeof path, "mkdir -p '%s/%s/test_data_set_0'", root, name);
    qn_shell(t, path, NULL);
    snprintf(path, sizeof path, "%s/%s/model.onnx", root, name);
    qn_put_file(t, path, k.buf.p, k.buf.n);
    const float values[2] = {1.5f, got};
    for (int i = 0; i < 2; i++) {
        qn_buf file;
        qn_tensor value = {.dtype = QUERN_FLOAT, .data = (void *)&values[i]};
        qn_buf_init(&file, &k.mem);
        qn_onnx_value_write(&file, &value, false, NULL);
        snprintf(path, sizeof path, "%s/%s/test_data_set_0/%s_0.pb", root, name,
                 i ? "output" : "input");
        qn_put_file(t, path, file.p, file.n);
        qn_buf_done(&file);
    }
    qn_kit_done(&k);
    return root;
}

void test_cli_verify(qn_test *t)
{
    char command[2048];
    make_case(t, "right", 3);
    const char *root = make_case(t, "wrong", 4);
    const char *xfail = qn_temp(t, "xfail"), *table = qn_temp(t, "table");
    snprintf(command, sizeof command, "verify '%s' --table '%s'", root, table);
    says(t, 1, "1 passed, 1 failed, 0 skipped", command);
    says(t, 1, "output 'y': element 0 is 3, expected 4", command);
    const char *lines = qn_get_file(t, table, NULL);
    REQUIRE(t, lines != NULL);
    CHECK_STR(t, lines, "right passed\nwrong failed\n");
    qn_put_file(t, xfail, "# known\nwro* it says 4\n", 23);
    snprintf(command, sizeof command, "verify '%s' --xfail '%s' --json", root, xfail);
    says(t, 0, "\"passed\":1,\"failed\":0,\"crashed\":0,\"timed_out\":0,\"skipped\":1",
         command);
    qn_put_file(t, xfail, "* all of it\n", 12);
    snprintf(command, sizeof command, "verify '%s' --xfail '%s'", root, xfail);
    says(t, 1, "passes, but is listed to fail: all of it", command);
    qn_put_file(t, table, "gone passed\nright passed\nwrong passed\n", 38);
    snprintf(command, sizeof command, "verify '%s' --expect '%s'", root, table);
    says(t, 1, "gone passed before", command);
    says(t, 1, "2 passed before and do not pass now", command);
    snprintf(command, sizeof command, "verify '%s' --match right", root);
    says(t, 0, "1 passed, 0 failed, 0 skipped", command);
}

/* Outputs that run wrote are those that compare finds. */
void test_cli_compare(qn_test *t)
{
    char command[1024];
    const char *dir = qn_temp(t, "out");
    snprintf(command, sizeof command, "run " NET " --random 5 -o '%s'", dir);
    says(t, 0, "logits", command);
    snprintf(command, sizeof command, "compare " NET " '%s' --random 5", dir);
    says(t, 0, "same", command);
    snprintf(command, sizeof command, "compare " NET " '%s' --random 6", dir);
    says(t, 1, "10 of 10 differ", command);
}

void test_cli_classify(qn_test *t)
{
    /* two pictures of 2 x 2, and what they are said to be */
    static const uint8_t images[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0,
                                     0, 0, 2, 0, 0, 0, 0, 9, 9, 9, 9, 0, 0};
    static const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 8, 9};
    const char *x = qn_temp(t, "x-idx3-ubyte"), *y = qn_temp(t, "y-idx1-ubyte");
    char command[1024];
    qn_put_file(t, x, images, 24);
    qn_put_file(t, y, labels, sizeof labels);
    snprintf(command, sizeof command, "classify " NET " '%s' --json --top 2", x);
    says(t, 0, "#1\",\"top\":[{\"index\":", command);
    snprintf(command, sizeof command, "classify " NET " '%s' --truth '%s' --show 1", x,
             y);
    says(t, 0, "of 2 pictures right", command);
    snprintf(command, sizeof command, "classify " NET " '%s' --truth '%s' --json", x,
             y);
    says(t, 0, "\"confusion\":[[", command);
    qn_put_file(t, x, images, 23);
    snprintf(command, sizeof command, "classify " NET " '%s'", x);
    says(t, 1, "takes 8 bytes, the file has 7", command);
}
