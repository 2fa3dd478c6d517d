/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_install.c - what `make install` puts in place works for somebody else: the
 * example compiles through quern.pc, as C and as C++, and runs on both libraries. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL "/usr/share/libonnx-testdata/data/node/test_relu/model.onnx"

static bool installed(qn_test *t, const char *root)
{
    char command[2048];
    const char *out = "";
    /* MAKEFLAGS of an outer make must not reach in */
    snprintf(command, sizeof command,
             "env -u MAKEFLAGS -u MAKELEVEL make -s O='%s' PREFIX='%s/usr' install",
             qn_build(t), root);
    bool ok = CHECK_EQ(t, qn_shell(t, command, &out), 0);
    if (!ok) printf("%s", out);
    return ok;
}

/* Compiles and runs the example; 3*4*5 ones come back from Relu as they are. */
static void check_example(qn_test *t, const char *root, const char *compiler,
                          const char *library)
{
    char command[4096];
    const char *out = "";
    qn_note(t, "%s %s", compiler, library);
    snprintf(
        command, sizeof command,
        "export PKG_CONFIG_PATH='%s/usr/lib/pkgconfig' LD_LIBRARY_PATH='%s/usr/lib'; "
        "%s -Wall -Wextra -Werror docs/example.c -o '%s/example' "
        "$(pkg-config --cflags quern) "
        "$(pkg-config --libs --static quern | sed 's/-lquern/%s/') && "
        "'%s/example' '%s' | sort | uniq -c",
        root, root, compiler, root, library, root, MODEL);
    CHECK_EQ(t, qn_shell(t, command, &out), 0);
    CHECK_STR(t, out, "     60 1\n");
}

void test_install_example(qn_test *t)
{
    if (!qn_is_release(t)) {
        qn_skip(t, "the release build for this machine is the one installed");
        return;
    }
    FILE *model = fopen(MODEL, "rb");
    if (model == NULL) {
        qn_skip(t, "libonnx-testdata is not installed");
        return;
    }
    fclose(model);
    const char *root = qn_temp(t, "root");
    REQUIRE(t, installed(t, root));
    check_example(t, root, "gcc -std=c11 -pedantic", "-lquern");
    check_example(t, root, "gcc -std=c99 -pedantic", "-l:libquern.a");
    if (qn_shell(t, "command -v g++", NULL) == 0)
        check_example(t, root, "g++ -x c++ -std=c++17 -pedantic", "-lquern");
    char command[2048];
    const char *out = "";
    snprintf(
        command, sizeof command,
        "cd '%s/usr' && test -s share/man/man1/quern.1 && "
        "test -s share/bash-completion/completions/quern && bin/quern version && "
        "{ test -f lib/quern/quern-draw.so && w=' cairo' || w=no-cairo; } && "
        "bin/quern version | grep -q -e \"$w\" && cd - "
        "&& env -u MAKEFLAGS -u MAKELEVEL make -s O='%s' PREFIX='%s/usr' uninstall && "
        "find '%s' -type f -o -type l | wc -l",
        root, qn_build(t), root, root);
    qn_note(t, "uninstall leaves nothing");
    CHECK_EQ(t, qn_shell(t, command, &out), 0);
    /* the example is all that is left */
    CHECK_HAS(t, out, "\n1\n");
}

/* The program is small and quick to start: 4.3 MB stripped with training, reports, data
 * sets, the store, kernels for three instruction sets and 0.9 MB of a network for cells
 * in it, 10 ms for `quern version`. */
void test_program_is_light(qn_test *t)
{
    if (!qn_is_release(t)) {
        qn_skip(t, "the release build for this machine is the one measured");
        return;
    }
    char command[1024];
    const char *out = "";
    const char *stripped = qn_temp(t, "quern");
    snprintf(command, sizeof command, "strip -o '%s' '%s/quern' && wc -c <'%s'",
             stripped, qn_build(t), stripped);
    CHECK_EQ(t, qn_shell(t, command, &out), 0);
    long bytes = strtol(out, NULL, 10);
    CHECK(t, bytes > 0 && bytes < 4300000);
    double best = 1;
    for (int i = 0; i < 20; i++) {
        double from = qn_seconds();
        CHECK_EQ(t, qn_quern(t, "version", NULL), 0);
        double took = qn_seconds() - from;
        if (took < best) best = took;
    }
    CHECK_WITHIN(t, best, 0, 0.010); /* the shell around it included */
}
