/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_hostile.c - bytes that mean harm: the fuzz corpora replayed, then each of
 * their small files cut at every byte and flipped at every bit of its head.  The fuzz
 * target ends the process when an error has no sentence or memory is lost; the
 * sanitizers see to the rest. */
#include "tests/test.h"

#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CORPUS "tests/fuzz/corpus/"

typedef struct target {
    const char *name; /* of its folder in the corpus */
    qn_fuzz_fn *fuzz;
} target;

static const target model = {"fuzz_model", qn_fuzz_model};
static const target dataset = {"fuzz_dataset", qn_fuzz_dataset};
static const target safetensors = {"fuzz_safetensors", qn_fuzz_safetensors};
static const target raster = {"fuzz_raster", qn_fuzz_raster};
static const target results = {"fuzz_results", qn_fuzz_results};
static const target labels = {"fuzz_labels", qn_fuzz_labels};
static const target texts = {"fuzz_texts", qn_fuzz_texts};

typedef void qn_seed_fn(qn_test *t, qn_fuzz_fn *fuzz, const uint8_t *bytes, size_t n);

/* Calls fn for each file of the corpus, from a block of exactly its size. */
static void for_each_seed(qn_test *t, const target *of, qn_seed_fn *fn)
{
    char path[512];
    snprintf(path, sizeof path, CORPUS "%s", of->name);
    DIR *dir = opendir(path);
    REQUIRE(t, dir != NULL);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        size_t n = 0;
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, CORPUS "%s/%s", of->name, e->d_name);
        char *bytes = qn_get_file(t, path, &n);
        printf("    %s\n", e->d_name); /* seen when the process ends here */
        fflush(stdout);
        if (CHECK(t, bytes != NULL))
            fn(t, of->fuzz, memcpy(qn_exact(t, n), bytes, n), n);
    }
    closedir(dir);
}

static void replay(qn_test *t, qn_fuzz_fn *fuzz, const uint8_t *bytes, size_t n)
{
    CHECK_EQ(t, fuzz(bytes, n), 0);
}

void test_hostile_corpus(qn_test *t)
{
    for_each_seed(t, &model, replay);
}

static void cut(qn_test *t, qn_fuzz_fn *fuzz, const uint8_t *bytes, size_t n)
{
    if (n > 1500) return;
    for (size_t k = 0; k < n; k++) {
        uint8_t *part = malloc(k); /* exact, so that one byte too far is seen */
        if (k > 0) memcpy(part, bytes, k);
        fuzz(part, k);
        free(part);
    }
    CHECK(t, n > 0);
}

void test_hostile_cut(qn_test *t)
{
    for_each_seed(t, &model, cut);
}

static void flip(qn_test *t, qn_fuzz_fn *fuzz, const uint8_t *bytes, size_t n)
{
    uint8_t *copy = qn_exact(t, n);
    memcpy(copy, bytes, n);
    for (size_t k = 0; k < n && k < 600; k++) {
        copy[k] = bytes[k] ^ (uint8_t)(1u << qn_test_int(t, 0, 7));
        fuzz(copy, n);
        copy[k] = (uint8_t)qn_test_random(t);
        fuzz(copy, n);
        copy[k] = bytes[k];
    }
    CHECK(t, n > 0);
}

void test_hostile_flip(qn_test *t)
{
    for_each_seed(t, &model, flip);
}

void test_hostile_dataset(qn_test *t)
{
    for_each_seed(t, &dataset, replay);
    for_each_seed(t, &dataset, cut);
    for_each_seed(t, &dataset, flip);
}

void test_hostile_labels(qn_test *t)
{
    for_each_seed(t, &labels, replay);
    for_each_seed(t, &labels, cut);
    for_each_seed(t, &labels, flip);
}

void test_hostile_safetensors(qn_test *t)
{
    for_each_seed(t, &safetensors, replay);
    for_each_seed(t, &safetensors, cut);
    for_each_seed(t, &safetensors, flip);
}

void test_hostile_raster(qn_test *t)
{
    for_each_seed(t, &raster, replay);
    for_each_seed(t, &raster, flip);
}

void test_hostile_results(qn_test *t)
{
    for_each_seed(t, &results, replay);
    for_each_seed(t, &results, cut);
    for_each_seed(t, &results, flip);
}

void test_hostile_texts(qn_test *t)
{
    for_each_seed(t, &texts, replay);
    for_each_seed(t, &texts, cut);
    for_each_seed(t, &texts, flip);
}
