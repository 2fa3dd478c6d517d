/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_onnx_cut.c - good models cut off at every byte, flipped at every bit and
 * read while memory runs out.  Each gives an error (or a result) within a second and 64
 * MB, and nothing leaks. */
#include "tests/onnx_kit.h"
#include "tests/test.h"

#include <string.h>

/* Tries n bytes of the kit in a block of exactly that size. */
static quern_status try_exact(qn_test *t, uint8_t *exact, size_t n, quern_error *err)
{
    double start = qn_effort();
    memset(err, 0, sizeof *err);
    quern_status status = qn_kit_try(exact, n, err);
    CHECK(t, qn_effort() - start < 1);
    CHECK(t, status == QUERN_OK || err->text[0]);
    return status;
}

void test_bad_truncation(qn_test *t)
{
    for (int i = 0; i < qn_kit_seeds(); i++) {
        qn_kit k;
        quern_error err;
        qn_kit_seed(&k, i);
        for (size_t n = 0; n < k.buf.n; n++) {
            qn_note(t, "seed %d cut to %zu of %zu bytes", i, n, k.buf.n);
            uint8_t *exact = memcpy(qn_exact(t, n), k.buf.p, n);
            try_exact(t, exact, n, &err);
        }
        qn_kit_done(&k);
    }
}

void test_bad_bit_flips(qn_test *t)
{
    for (int i = 0; i < qn_kit_seeds(); i++) {
        qn_kit k;
        quern_error err;
        qn_kit_seed(&k, i);
        uint8_t *exact = memcpy(qn_exact(t, k.buf.n), k.buf.p, k.buf.n);
        for (size_t bit = 0; bit < 8 * k.buf.n; bit++) {
            qn_note(t, "seed %d bit %zu", i, bit);
            exact[bit / 8] ^= (uint8_t)(1u << bit % 8);
            try_exact(t, exact, k.buf.n, &err);
            exact[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        qn_kit_done(&k);
    }
}

/* Several bytes at once, by a repeatable dice. */
void test_bad_noise(qn_test *t)
{
    static const uint8_t nasty[] = {0, 1, 0x7F, 0x80, 0xFF};
    for (int i = 0; i < qn_kit_seeds(); i++) {
        qn_kit k;
        quern_error err;
        qn_kit_seed(&k, i);
        uint8_t *exact = qn_exact(t, k.buf.n);
        for (int round = 0; round < 500; round++) {
            qn_note(t, "seed %d round %d", i, round);
            memcpy(exact, k.buf.p, k.buf.n);
            for (int64_t n = qn_test_int(t, 1, 4); n > 0; n--)
                exact[qn_test_int(t, 0, (int64_t)k.buf.n - 1)] =
                    nasty[qn_test_int(t, 0, sizeof nasty - 1)];
            try_exact(t, exact, k.buf.n, &err);
        }
        qn_kit_done(&k);
    }
}

/* What is no model at all. */
void test_bad_headings(qn_test *t)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *part;
    } cases[] = {
        {"", 0, "no ONNX model"},
        {"\x89PNG\r\n\x1A\n", 8, "byte"},
        {"PK\x03\x04", 4, "byte"},
        {"\x08\x08", 2, "the model has no graph"},
        {"\x08\x02\x3A\x00", 4, "ir_version is 2, at least 3 is needed"},
        {"\x08\x08\x3A\x7F", 4, "says 127 bytes, 0 left"},
        {"\x08\x08\x42\x02\x10\x00\x3A\x00", 8, "opset of domain '' is 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        quern_error err;
        qn_note(t, "case %zu", i);
        uint8_t *exact = qn_exact(t, cases[i].n);
        if (cases[i].n) memcpy(exact, cases[i].bytes, cases[i].n);
        CHECK(t, try_exact(t, exact, cases[i].n, &err) != QUERN_OK);
        CHECK_HAS(t, err.text, cases[i].part);
    }
}

/* Each allocation of opening a model fails once; nothing leaks. */
void test_bad_out_of_memory(qn_test *t)
{
    for (int i = 0; i < qn_kit_seeds(); i++) {
        qn_kit k;
        qn_kit_seed(&k, i);
        quern_status status = QUERN_MEMORY;
        for (int64_t n = 1; status != QUERN_OK && n < 1000; n++) {
            qn_heap heap = {.fail_at = n};
            quern_allocator a = qn_heap_allocator(&heap);
            quern_model_options opt = {.size = sizeof opt, .allocator = &a};
            quern_model *model = NULL;
            quern_error err;
            qn_note(t, "seed %d allocation %d", i, (int)n);
            status = quern_model_parse(k.buf.p, k.buf.n, &opt, &model, &err);
            CHECK(t, status == QUERN_OK || status == QUERN_MEMORY);
            quern_model_free(model);
            CHECK_EQ(t, heap.blocks, 0);
        }
        CHECK_EQ(t, status, QUERN_OK);
        qn_kit_done(&k);
    }
}
