/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_text.c - numbers as text, JSON as it is written, buffers that grow. */
#include "tests/test.h"

#include "engine/text.h"
#include "formats/json_write.h"

#include <math.h>
#include <string.h>

static double real_of(qn_test *t, const char *text)
{
    double value = 0;
    CHECK(t, qn_text_to_real(text, strlen(text), &value));
    return value;
}

void test_text_to_real(qn_test *t)
{
    static const char *const none[] = {"",   "+",  ".",  "e5", "1e",
                                       "1x", " 1", "1 ", "0x1"};
    double value;
    CHECK(t, real_of(t, "1") == 1 && real_of(t, "-.5e-3") == -.5e-3);
    CHECK(t, real_of(t, "5.") == 5 && real_of(t, "1e400") == (double)INFINITY);
    CHECK(t, isnan(real_of(t, "NaN")) && real_of(t, "-Infinity") == -(double)INFINITY);
    /* halfway cases round to even, a digit behind them upwards */
    CHECK(t, real_of(t, "9007199254740993") == 9007199254740992.0);
    CHECK(t,
          real_of(t, "9007199254740993.00000000000000000000001") == 9007199254740994.0);
    CHECK(t, real_of(t, "2.4703282292062327e-324") == 0);
    CHECK(t, real_of(t, "2.4703282292062328e-324") == 0x1p-1074);
    CHECK(t, real_of(t, "1.7976931348623158e308") == 0x1.fffffffffffffp1023);
    CHECK(t, real_of(t, "1.7976931348623159e308") == (double)INFINITY);
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        qn_note(t, "'%s'", none[i]);
        CHECK(t, !qn_text_to_real(none[i], strlen(none[i]), &value));
    }
}

void test_text_round_trip(qn_test *t)
{
    char text[QN_REAL_TEXT];
    for (int i = 0; i < 2000; i++) {
        const uint64_t bits = qn_test_random(t);
        double value;
        float single;
        memcpy(&value, &bits, sizeof value);
        memcpy(&single, &bits, sizeof single);
        if (isfinite(value)) CHECK(t, real_of(t, qn_real_text(text, value)) == value);
        if (isfinite(single))
            CHECK(t, (float)real_of(t, qn_single_text(text, single)) == single);
    }
    CHECK_STR(t, qn_real_text(text, 0.1), "0.1");
    CHECK_STR(t, qn_single_text(text, 0.1f), "0.1");
}

void test_text_to_int(qn_test *t)
{
    int64_t value = 0;
    CHECK(t, qn_text_to_int("-9223372036854775808", 20, &value) && value == INT64_MIN);
    CHECK(t, qn_text_to_int("+17", 3, &value) && value == 17);
    CHECK(t, !qn_text_to_int("9223372036854775808", 19, &value));
    CHECK(t, !qn_text_to_int("-", 1, &value) && !qn_text_to_int("", 0, &value));
}

void test_json_write(qn_test *t)
{
    qn_mem mem;
    qn_buf out;
    qn_json j;
    qn_mem_init(&mem, NULL, 0);
    qn_buf_init(&out, &mem);
    qn_json_begin(&j, &out);
    qn_json_text(&j, "a\"b", "x\\\n\x01\xff\xc3\xa9");
    qn_json_array(&j, "list");
    qn_json_int(&j, NULL, -5);
    qn_json_int(&j, NULL, 0);
    qn_json_int(&j, NULL, INT64_MIN);
    qn_json_int(&j, NULL, INT64_MAX);
    qn_json_real(&j, NULL, (double)NAN);
    qn_json_single(&j, NULL, 0.1f);
    qn_json_close(&j);
    qn_json_object(&j, "o");
    qn_json_bool(&j, "yes", true);
    qn_json_text(&j, "none", NULL);
    qn_json_end(&j);
    CHECK_STR(t, out.p,
              "{\"schema\":1,\"a\\\"b\":\"x\\\\\\n\\u0001\xef\xbf\xbd\xc3\xa9\","
              "\"list\":[-5,0,-9223372036854775808,9223372036854775807,null,0.1],\"o\":"
              "{\"yes\":true,\"none\":null}}\n");
    qn_buf_done(&out);
    CHECK_EQ(t, (int64_t)mem.used, 0);
}

void test_buffer_runs_dry(qn_test *t)
{
    qn_mem mem;
    qn_buf out;
    quern_error err;
    qn_mem_init(&mem, NULL, 1000);
    qn_buf_init(&out, &mem);
    for (int i = 0; i < 1000; i++)
        qn_buf_format(&out, "%d ", i);
    CHECK_FAILS(t, qn_buf_status(&out, &err), QUERN_LIMIT, &err, "1000");
    qn_buf_done(&out);
    CHECK_EQ(t, (int64_t)mem.used, 0);
}
