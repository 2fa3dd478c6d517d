/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_protobuf.c - the wire format both ways, and every way to break it. */
#include "tests/test.h"

#include "formats/protobuf.h"

#include <string.h>

static qn_span span(qn_test *t, const void *bytes, size_t n)
{
    uint8_t *p = qn_exact(t, n);
    if (n) memcpy(p, bytes, n);
    return (qn_span){p, n, 0};
}

void test_protobuf_round_trip(qn_test *t)
{
    static const uint64_t numbers[] = {0, 1, 127, 128, 300, 1ull << 35, UINT64_MAX};
    qn_mem mem;
    qn_buf b;
    qn_mem_init(&mem, NULL, 0);
    qn_buf_init(&b, &mem);
    for (int i = 0; i < 7; i++)
        qn_pb_put_varint(&b, (uint32_t)i + 1, numbers[i]);
    qn_pb_put_float(&b, 536870911, 1.5f);
    size_t outer = qn_pb_begin(&b, 9), inner = qn_pb_begin(&b, 2);
    char text[300];
    memset(text, 'q', sizeof text);
    qn_pb_put_bytes(&b, 1, text, sizeof text);
    qn_pb_end(&b, inner);
    qn_pb_end(&b, outer);
    quern_error err;
    REQUIRE_OK(t, qn_buf_status(&b, &err), &err);

    qn_span s = span(t, b.p, b.n);
    qn_buf_done(&b);
    qn_pb_field f;
    for (int i = 0; i < 7; i++) {
        REQUIRE_OK(t, qn_pb_next(&s, &f, &err), &err);
        CHECK(t, f.number == (uint32_t)i + 1 && f.u == numbers[i]);
    }
    REQUIRE_OK(t, qn_pb_next(&s, &f, &err), &err);
    CHECK(t, f.number == 536870911 && f.wire == QN_WIRE_I32 && f.u == 0x3FC00000);
    REQUIRE_OK(t, qn_pb_next(&s, &f, &err), &err);
    s = f.bytes;
    REQUIRE_OK(t, qn_pb_next(&s, &f, &err), &err);
    s = f.bytes;
    REQUIRE_OK(t, qn_pb_next(&s, &f, &err), &err);
    CHECK(t, f.number == 1 && f.bytes.n == sizeof text);
    CHECK(t, !memcmp(f.bytes.p, text, sizeof text));
    REQUIRE_OK(t, qn_pb_next(&s, &f, &err), &err);
    CHECK_EQ(t, f.number, 0);
}

void test_protobuf_broken(qn_test *t)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *part;
    } bad[] = {
        {"\x08", 1, "byte 1 is cut off after 0 bytes"},
        {"\x08\xFF\xFF", 3, "byte 1 is cut off after 2 bytes"},
        {"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", 11, "longer than 64 bits"},
        {"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 12, "longer than 64 bits"},
        {"\x00\x01", 2, "field number 0"},
        {"\x80\x80\x80\x80\x10\x01", 6, "field number 536870912"},
        {"\x0B\x0C", 2, "wire type 3"},
        {"\x0C", 1, "wire type 4"},
        {"\x0E", 1, "wire type 6"},
        {"\x0F", 1, "wire type 7"},
        {"\x0D\x00\x00\x00", 4, "takes 4 bytes, 3 left"},
        {"\x09\x00", 2, "takes 8 bytes, 1 left"},
        {"\x0A\x03\x61\x62", 4, "says 3 bytes, 2 left"},
        {"\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 11,
         "says 18446744073709551615 bytes, 0 left"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        qn_span s = span(t, bad[i].bytes, bad[i].n);
        qn_pb_field f;
        quern_error err;
        qn_note(t, "case %zu", i);
        CHECK_FAILS(t, qn_pb_next(&s, &f, &err), QUERN_FORMAT, &err, bad[i].part);
    }
}

/* The sum of a repeated field of int64, however it is written. */
static int64_t sum(qn_test *t, qn_span s, qn_wire element)
{
    int64_t total = 0, n = 0, counted = 0;
    for (;;) {
        qn_pb_field f;
        qn_pb_run run;
        quern_error err;
        bool more = true;
        if (!CHECK_OK(t, qn_pb_next(&s, &f, &err), &err) || !f.number) break;
        if (!CHECK_OK(t, qn_pb_numbers(&f, element, "list", &run, &err), &err)) break;
        counted += (int64_t)qn_pb_count(&run);
        while (more) {
            uint64_t v = 0;
            if (!CHECK_OK(t, qn_pb_take(&run, &v, &more, &err), &err)) break;
            total += (int64_t)v;
            n += more;
        }
    }
    CHECK_EQ(t, counted, n);
    return total;
}

void test_protobuf_repeated(qn_test *t)
{
    /* unpacked 5, packed 1 300 2, packed nothing, unpacked -1 */
    static const char varints[] = "\x08\x05\x0A\x04\x01\xAC\x02\x02\x0A\x00"
                                  "\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01";
    static const char fixed[] = "\x0D\x05\0\0\0\x0A\x08\x01\0\0\0\x02\0\0\0";
    CHECK_EQ(t, sum(t, span(t, varints, sizeof varints - 1), QN_WIRE_VARINT), 307);
    CHECK_EQ(t, sum(t, span(t, fixed, sizeof fixed - 1), QN_WIRE_I32), 8);
    qn_pb_field f;
    qn_pb_run run;
    quern_error err;
    qn_span s = span(t, "\x0A\x03\x01\x02\x03", 5);
    REQUIRE_OK(t, qn_pb_next(&s, &f, &err), &err);
    CHECK_FAILS(t, qn_pb_numbers(&f, QN_WIRE_I32, "list", &run, &err), QUERN_FORMAT,
                &err, "list at byte 0 has 3 bytes, no multiple of 4");
    s = span(t, "\x09\x01\0\0\0\0\0\0\0", 9);
    REQUIRE_OK(t, qn_pb_next(&s, &f, &err), &err);
    CHECK_FAILS(t, qn_pb_numbers(&f, QN_WIRE_VARINT, "list", &run, &err), QUERN_FORMAT,
                &err, "wire type 1, not 2");
}

/* A message in pieces is the pieces after each other; too many are refused. */
void test_protobuf_join(qn_test *t)
{
    qn_mem mem;
    qn_arena arena;
    quern_error err;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    qn_span have = {0}, a = span(t, "abc", 3), b = span(t, "de", 2);
    int pieces = 0;
    CHECK_OK(t, qn_pb_join(&arena, &have, &pieces, &a, &err), &err);
    CHECK(t, have.p == a.p);
    CHECK_OK(t, qn_pb_join(&arena, &have, &pieces, &b, &err), &err);
    CHECK(t, qn_span_equal(&have, "abcde"));
    while (pieces < 16)
        CHECK_OK(t, qn_pb_join(&arena, &have, &pieces, &b, &err), &err);
    CHECK_FAILS(t, qn_pb_join(&arena, &have, &pieces, &b, &err), QUERN_LIMIT, &err,
                "more than 16 pieces");
    qn_arena_done(&arena);
}

void test_utf8(qn_test *t)
{
    static const char *const good[] = {"", "grain", "M\xC3\xBChle", "\xE2\x82\xAC",
                                       "\xF0\x9F\x8C\xBE"};
    static const char *const bad[] = {
        "\x80",         "\xC0\xAF",         "\xC3",
        "\xED\xA0\x80", "\xE0\x80\x80",     "\xF4\x90\x80\x80",
        "\xFF",         "\xF0\x80\x80\x80", "a\xE2\x82"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        qn_span s = span(t, good[i], strlen(good[i]));
        CHECK(t, qn_span_is_utf8(&s));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        qn_span s = span(t, bad[i], strlen(bad[i]));
        qn_note(t, "case %zu", i);
        CHECK(t, !qn_span_is_utf8(&s));
    }
    qn_span zero = span(t, "a\0b", 3);
    CHECK(t, !qn_span_is_utf8(&zero));
    quern_error err;
    qn_fail(&err, QUERN_FORMAT, "name '%s'", "\x1B[2Jquern\xC2\x9B \xC3\xBC\xFF");
    CHECK_STR(t, err.text, "name '\\x1b[2Jquern\\xc2\\x9b \xC3\xBC\\xff'");
}
