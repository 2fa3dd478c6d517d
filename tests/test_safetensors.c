/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_safetensors.c - named arrays in a file: what is written reads back, and
 * what is wrong is refused with a sentence. */
#include "tests/test.h"

#include "formats/safetensors.h"

#include <stdio.h>
#include <string.h>

typedef struct kit {
    qn_mem mem;
    qn_arena arena;
    quern_error err;
    qn_safetensors file;
} kit;

static void kit_init(kit *k)
{
    *k = (kit){0};
    qn_mem_init(&k->mem, NULL, (size_t)16 << 20);
    qn_arena_init(&k->arena, &k->mem);
}

static void kit_done(kit *k, qn_test *t)
{
    qn_arena_done(&k->arena);
    CHECK_EQ(t, (int64_t)k->mem.used, 0);
}

/* A matrix, a number, nothing, and two pairs of metadata. */
static void write_sample(qn_test *t, kit *k, qn_buf *to)
{
    static float matrix[6] = {1, -2, 3.5f, 0, 1e-30f, -1e30f};
    static int64_t number = INT64_MIN;
    static qn_safe_pair pairs[] = {{"steps", "17"}, {"config", "{\"a\":\"\\u00e9\"}"}};
    qn_named_tensor three[] = {
        {"layer \"1\"", {.dtype = QUERN_FLOAT, .rank = 2, .dim = {2, 3}}},
        {"n", {.dtype = QUERN_INT64}},
        {"none", {.dtype = QUERN_BOOL, .rank = 1, .dim = {0}}}};
    three[0].t.data = matrix;
    three[1].t.data = &number;
    const qn_safetensors file = {three, 3, pairs, 2};
    CHECK_OK(t, qn_safetensors_write(to, &file, &k->err), &k->err);
}

void test_safetensors_round_trip(qn_test *t)
{
    kit k;
    qn_buf bytes;
    kit_init(&k);
    qn_buf_init(&bytes, &k.mem);
    write_sample(t, &k, &bytes);
    uint64_t header;
    memcpy(&header, bytes.p, sizeof header);
    CHECK_EQ(t, (int64_t)((header + 8) % 64), 0);
    CHECK_EQ(t, (int64_t)(bytes.n - header - 8), 24 + 8);
    if (CHECK_OK(t, qn_safetensors_parse(&k.arena, bytes.p, bytes.n, &k.file, &k.err),
                 &k.err)) {
        const qn_tensor *m = qn_safetensors_find(&k.file, "layer \"1\"");
        CHECK_EQ(t, k.file.n_tensors, 3);
        CHECK(t, m && m->dtype == QUERN_FLOAT && m->rank == 2 && m->dim[1] == 3);
        CHECK(t, m && memcmp(m->data, (float[]){1, -2, 3.5f}, 12) == 0);
        CHECK(t, qn_safetensors_find(&k.file, "layer") == NULL);
        CHECK_STR(t, qn_safetensors_text(&k.file, "steps"), "17");
        CHECK_STR(t, qn_safetensors_text(&k.file, "config"), "{\"a\":\"\\u00e9\"}");
        CHECK(t, qn_safetensors_text(&k.file, "step") == NULL);
    }
    qn_buf_done(&bytes);
    kit_done(&k, t);
}

/* A file that lost its end, wherever, is no file. */
void test_safetensors_cut(qn_test *t)
{
    kit k;
    qn_buf bytes;
    kit_init(&k);
    qn_buf_init(&bytes, &k.mem);
    write_sample(t, &k, &bytes);
    for (size_t n = 0; n < bytes.n; n++) {
        uint8_t *part = qn_exact(t, n);
        if (n) memcpy(part, bytes.p, n);
        k.err = (quern_error){0};
        qn_note(t, "%zu of %zu bytes", n, bytes.n);
        CHECK(t,
              qn_safetensors_parse(&k.arena, part, n, &k.file, &k.err) == QUERN_FORMAT);
        CHECK(t, k.err.text[0] != 0);
    }
    qn_buf_byte(&bytes, 0);
    CHECK_FAILS(t, qn_safetensors_parse(&k.arena, bytes.p, bytes.n, &k.file, &k.err),
                QUERN_FORMAT, &k.err, "33 bytes of data, tensors take 32");
    qn_buf_done(&bytes);
    kit_done(&k, t);
}

#define HALF(from, to) \
    "{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[" from "," to "]}"
#define ONE(dtype, shape, from, to)                                               \
    "{\"w\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" from \
    "," to "]}}"

void test_safetensors_bad(qn_test *t)
{
    static const struct {
        const char *header, *says;
        quern_status status;
    } cases[] = {
        {"[]", "no JSON object", QUERN_FORMAT},
        {"{\"w\":", "no JSON object", QUERN_FORMAT},
        {"{\"w\":1}", "tensor 'w': element type '' is not known", QUERN_UNSUPPORTED},
        {ONE("F33", "[2]", "0", "8"), "element type 'F33'", QUERN_UNSUPPORTED},
        {ONE("F32", "[2]", "0", "9"), "do not lie in 8 bytes", QUERN_FORMAT},
        {ONE("F32", "[2]", "8", "0"), "do not lie in 8 bytes", QUERN_FORMAT},
        {ONE("F32", "[2]", "-8", "0"), "do not lie in 8 bytes", QUERN_FORMAT},
        {ONE("F32", "[2]", "0", "4"), "it has 4 bytes, its shape needs 8",
         QUERN_FORMAT},
        {ONE("F32", "[-2]", "0", "8"), "dim 0 of its shape is no size", QUERN_FORMAT},
        {ONE("F32", "[2.5]", "0", "8"), "dim 0 of its shape is no size", QUERN_FORMAT},
        {ONE("F32", "2", "0", "8"), "shape is no list", QUERN_FORMAT},
        {ONE("F32", "[1,1,1,1,1,1,1,1,1,1,1,1,2]", "0", "8"), "shape is no list",
         QUERN_FORMAT},
        {ONE("F32", "[4611686018427387904,4]", "0", "8"), "tensor 'w': ", QUERN_LIMIT},
        {ONE("U8", "[4]", "4", "8"), "data at byte 4 begin where 0 is expected",
         QUERN_FORMAT},
        {ONE("U8", "[4]", "0", "4"), "8 bytes of data, tensors take 4", QUERN_FORMAT},
        {"{\"__metadata__\":{\"k\":1}}", "metadata 'k' is no text", QUERN_FORMAT},
        {"{\"w\":" HALF("0", "4") ",\"w\":" HALF("4", "8") "}", "duplicate object key",
         QUERN_FORMAT},
        {"{\"w\\u0000\":1}", "NUL byte", QUERN_FORMAT},
    };
    kit k;
    kit_init(&k);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const size_t n = strlen(cases[i].header);
        uint8_t *bytes = qn_exact(t, 16 + n);
        memset(bytes, 0, 16 + n);
        bytes[0] = (uint8_t)n;
        memcpy(bytes + 8, cases[i].header, n);
        qn_note(t, "%s", cases[i].header);
        k.err = (quern_error){0};
        CHECK_FAILS(t, qn_safetensors_parse(&k.arena, bytes, 16 + n, &k.file, &k.err),
                    cases[i].status, &k.err, cases[i].says);
    }
    kit_done(&k, t);
}
