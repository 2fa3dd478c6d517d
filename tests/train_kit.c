/* SPDX-License-Identifier: Apache-2.0 */
/* tests/train_kit.c - see train_kit.h. */
#include "tests/train_kit.h"

#include "tests/dataset_kit.h"

#include <stdio.h>
#include <string.h>

enum { SIDE = 8, PIXELS = SIDE * SIDE, N_CLASSES = 4 };

/* Class k: two of its rows are brighter, under noise. */
static void draw(qn_test *t, int label, uint8_t *p)
{
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            const bool is_bright = y / 2 == label;
            p[y * SIDE + x] = (uint8_t)(qn_test_int(t, 0, 120) + (is_bright ? 90 : 0));
        }
}

static void put_pair(qn_test *t, const char *prefix, uint32_t n)
{
    char name[64];
    uint8_t *pixels = qn_exact(t, (size_t)n * PIXELS), *labels = qn_exact(t, n);
    for (uint32_t i = 0; i < n; i++) {
        labels[i] = (uint8_t)(i % N_CLASSES);
        draw(t, labels[i], pixels + (size_t)i * PIXELS);
    }
    snprintf(name, sizeof name, "data/%s-images-idx3-ubyte", prefix);
    qn_set_kit_idx(t, name, 3, (uint32_t[]){n, SIDE, SIDE}, pixels, (size_t)n * PIXELS);
    snprintf(name, sizeof name, "data/%s-labels-idx1-ubyte", prefix);
    qn_set_kit_idx(t, name, 1, &n, labels, n);
}

void qn_train_kit_data(qn_test *t)
{
    put_pair(t, "train", 200);
    put_pair(t, "t10k", 40);
}

int qn_train_kit_plain(qn_test *t, const char *arguments, const char **out)
{
    char line[4096];
    snprintf(line, sizeof line, "train %s", arguments);
    qn_note(t, "%s", line);
    return qn_quern(t, line, out);
}

int qn_train_kit_run(qn_test *t, const char *run, const char *arguments,
                     const char **out)
{
    char line[2048];
    const char *data = qn_temp(t, "data");
    snprintf(line, sizeof line,
             "%s%s%s --arch tiny --multiplier 0.25 --batch 16 --val 0.2 %s", data,
             run ? " --out " : "", run ? qn_temp(t, run) : "", arguments);
    return qn_train_kit_plain(t, line, out);
}

char *qn_train_kit_file(qn_test *t, const char *run, const char *name, size_t *n)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", run, name);
    return qn_get_file(t, qn_temp(t, path), n);
}

const char *qn_train_kit_hash(qn_test *t, const char *run)
{
    static const char key[] = "\"weights_hash\":\"";
    char *text = qn_train_kit_file(t, run, "metrics.jsonl", NULL), *last = NULL;
    for (char *at = text; at && (at = strstr(at, key)); at += sizeof key - 1)
        last = at;
    if (!last) return "";
    last += sizeof key - 1;
    last[strcspn(last, "\"")] = 0;
    return last;
}
