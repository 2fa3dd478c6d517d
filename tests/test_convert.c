/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_convert.c - element type conversion against a table of all codes: a value
 * must become the code nearest to it, the even one of two. */
#include "kernels/convert.h"
#include "tests/test.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef struct format {
    enum qn_elem type;
    int exp_bits, man_bits, bias, n_codes;
    bool has_infinity, nuz;
    double largest;
    const char *name;
} format;

static const format formats[] = {
    {QN_E_F16, 5, 10, 15, 65536, true, false, 65504, "float16"},
    {QN_E_BF16, 8, 7, 127, 65536, true, false, 0x1.fep127, "bfloat16"},
    {QN_E_F8E4M3FN, 4, 3, 7, 256, false, false, 448, "e4m3fn"},
    {QN_E_F8E4M3FNUZ, 4, 3, 8, 256, false, true, 240, "e4m3fnuz"},
    {QN_E_F8E5M2, 5, 2, 15, 256, true, false, 57344, "e5m2"},
    {QN_E_F8E5M2FNUZ, 5, 2, 16, 256, false, true, 57344, "e5m2fnuz"},
    {QN_E_F4E2M1, 2, 1, 1, 16, false, false, 6, "e2m1"},
};
#define N_FORMATS (sizeof formats / sizeof *formats)

/* What a code means, by the definition of the format; NaN past the largest. */
static double meaning(const format *f, unsigned code)
{
    unsigned sign = code >> (f->exp_bits + f->man_bits);
    int exp = (int)(code >> f->man_bits & ((1u << f->exp_bits) - 1));
    double man = code & ((1u << f->man_bits) - 1);
    man /= 1 << f->man_bits;
    double x = exp ? ldexp(1 + man, exp - f->bias) : ldexp(man, 1 - f->bias);
    if (f->nuz && sign && x == 0) return (double)NAN;
    if (x > f->largest) x = f->has_infinity && man == 0 ? HUGE_VAL : (double)NAN;
    return sign ? -x : x;
}

static double decoded(const format *f, unsigned code)
{
    uint16_t wide = (uint16_t)code;
    uint8_t byte = (uint8_t)code;
    double x;
    const void *p = f->n_codes > 256 ? (const void *)&wide : (const void *)&byte;
    qn_convert(p, f->type, &x, QN_E_F64, 1, 0);
    return x;
}

static unsigned encoded(const format *f, double x, unsigned flags)
{
    uint16_t wide = 0;
    uint8_t byte = 0;
    bool is_wide = f->n_codes > 256;
    qn_convert(&x, QN_E_F64, is_wide ? (void *)&wide : (void *)&byte, f->type, 1,
               flags);
    return is_wide ? wide : byte;
}

void test_convert_all_codes(qn_test *t)
{
    for (size_t k = 0; k < N_FORMATS; k++) {
        const format *f = &formats[k];
        qn_note(t, "%s", f->name);
        for (int code = 0; code < f->n_codes; code++) {
            double x = meaning(f, (unsigned)code);
            CHECK_WITHIN(t, decoded(f, (unsigned)code), x, 0);
            if (x == x && !isinf(x)) CHECK_EQ(t, encoded(f, x, 0), code);
        }
    }
}

/* Between neighbours: below the middle, on it (to even), above it. */
void test_convert_rounds_to_even(qn_test *t)
{
    for (size_t k = 0; k < N_FORMATS; k++) {
        const format *f = &formats[k];
        unsigned sign = 1u << (f->exp_bits + f->man_bits);
        qn_note(t, "%s", f->name);
        for (unsigned code = 0; meaning(f, code + 1) <= f->largest && code + 1 < sign;
             code++) {
            double middle = (meaning(f, code) + meaning(f, code + 1)) / 2;
            CHECK_EQ(t, encoded(f, nextafter(middle, 0), 0), code);
            CHECK_EQ(t, encoded(f, middle, 0), code + (code & 1));
            CHECK_EQ(t, encoded(f, nextafter(middle, HUGE_VAL), 0), code + 1);
            unsigned minus = f->nuz && code == 0 ? 0 : code | sign;
            CHECK_EQ(t, encoded(f, -nextafter(middle, 0), 0), minus);
        }
    }
}

void test_convert_out_of_range(qn_test *t)
{
    for (size_t k = 0; k < N_FORMATS; k++) {
        const format *f = &formats[k];
        bool narrow = f->n_codes <= 256, four = f->n_codes == 16;
        qn_note(t, "%s", f->name);
        const double most = narrow ? f->largest : HUGE_VAL;
        CHECK_WITHIN(t, meaning(f, encoded(f, 1e300, 0)), most, 0);
        CHECK_WITHIN(t, meaning(f, encoded(f, -HUGE_VAL, 0)), -most, 0);
        const double over = four              ? f->largest
                            : f->has_infinity ? HUGE_VAL
                                              : (double)NAN;
        CHECK_WITHIN(t, meaning(f, encoded(f, 1e300, QN_CVT_WRAP)), over, 0);
        CHECK_WITHIN(t, meaning(f, encoded(f, -HUGE_VAL, QN_CVT_WRAP)), -over, 0);
        if (!four) CHECK(t, isnan(meaning(f, encoded(f, (double)NAN, 0))));
    }
}

/* The loops for float32 give what the general path gives for double. */
void test_convert_fast_halves(qn_test *t)
{
    enum { N = 4096 };
    float *x = qn_hard_floats(t, N), *back = qn_exact(t, N * sizeof *back);
    uint16_t *fast = qn_exact(t, N * sizeof *fast),
             *slow = qn_exact(t, N * sizeof *slow);
    double *wide = qn_exact(t, N * sizeof *wide);
    for (int i = 0; i < N / 2; i++) {
        uint32_t bits = (uint32_t)qn_test_random(t);
        memcpy(&x[i], &bits, sizeof bits);
    }
    CHECK(t, qn_convert(x, QN_E_F32, wide, QN_E_F64, N, 0));
    for (int k = 0; k < 2; k++) {
        enum qn_elem type = k ? QN_E_BF16 : QN_E_F16;
        (k ? qn_f32_to_bf16 : qn_f32_to_half)(x, fast, N);
        qn_convert(wide, QN_E_F64, slow, type, N, 0);
        (k ? qn_bf16_to_f32 : qn_half_to_f32)(fast, back, N);
        for (int i = 0; i < N; i++) {
            double a, b;
            qn_convert(&slow[i], type, &b, QN_E_F64, 1, 0);
            a = (double)back[i];
            CHECK_WITHIN(t, a, b, 0);
            CHECK(t, isnan(a) || signbit(a) == signbit(b));
        }
    }
}

void test_convert_e8m0(qn_test *t)
{
    for (int code = 0; code < 256; code++) {
        uint8_t byte = (uint8_t)code, again;
        double x;
        qn_convert(&byte, QN_E_F8E8M0, &x, QN_E_F64, 1, 0);
        CHECK_WITHIN(t, x, code == 255 ? (double)NAN : ldexp(1, code - 127), 0);
        qn_convert(&x, QN_E_F64, &again, QN_E_F8E8M0, 1, 0);
        CHECK_EQ(t, again, code);
    }
    static const struct {
        double x;
        unsigned flags;
        int code;
    } cases[] = {
        {1.25, 0, 128},
        {1.25, QN_CVT_DOWN, 127},
        {1.25, QN_CVT_NEAREST, 127},
        {1.5, QN_CVT_NEAREST, 128},
        {0, 0, 0},
        {0, QN_CVT_WRAP, 255},
        {1e300, 0, 254},
        {1e300, QN_CVT_WRAP, 255},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t byte;
        qn_convert(&cases[i].x, QN_E_F64, &byte, QN_E_F8E8M0, 1, cases[i].flags);
        CHECK_EQ(t, byte, cases[i].code);
    }
}

static int64_t low(int64_t v, int bits, bool is_signed)
{
    int64_t u = v & ((1 << bits) - 1);
    return is_signed && u >> (bits - 1) ? u - (1 << bits) : u;
}

void test_convert_narrow_integers(qn_test *t)
{
    static const struct {
        enum qn_elem type;
        int bits;
        bool is_signed;
    } narrow[] = {
        {QN_E_I4, 4, true},
        {QN_E_U4, 4, false},
        {QN_E_I2, 2, true},
        {QN_E_U2, 2, false},
    };
    for (size_t k = 0; k < sizeof narrow / sizeof *narrow; k++)
        for (int v = -40; v <= 40; v++) {
            int64_t want = low(v, narrow[k].bits, narrow[k].is_signed), back;
            int64_t whole = v;
            float real = (float)v;
            uint8_t element;
            qn_convert(&whole, QN_E_I64, &element, narrow[k].type, 1, 0);
            qn_convert(&element, narrow[k].type, &back, QN_E_I64, 1, 0);
            CHECK_EQ(t, back, want);
            qn_convert(&real, QN_E_F32, &element, narrow[k].type, 1, 0);
            qn_convert(&element, narrow[k].type, &real, QN_E_F32, 1, 0);
            CHECK_EQ(t, (int64_t)real, want);
        }
}

void test_convert_saturates_integers(qn_test *t)
{
    static const struct {
        enum qn_elem type;
        int64_t lo, hi;
    } ints[] = {
        {QN_E_I8, INT8_MIN, INT8_MAX},    {QN_E_U8, 0, UINT8_MAX},
        {QN_E_I16, INT16_MIN, INT16_MAX}, {QN_E_U16, 0, UINT16_MAX},
        {QN_E_I32, INT32_MIN, INT32_MAX}, {QN_E_U32, 0, UINT32_MAX},
        {QN_E_I64, INT64_MIN, INT64_MAX}, {QN_E_U64, 0, -1},
    };
    const double reals[] = {-HUGE_VAL, HUGE_VAL, (double)NAN, -3.99, 2.99};
    for (size_t k = 0; k < sizeof ints / sizeof *ints; k++)
        for (int i = 0; i < 10; i++) {
            uint64_t element = 0;
            int64_t back;
            float single = (float)reals[i / 2];
            if (i % 2)
                qn_convert(&single, QN_E_F32, &element, ints[k].type, 1, 0);
            else
                qn_convert(&reals[i / 2], QN_E_F64, &element, ints[k].type, 1, 0);
            qn_convert(&element, ints[k].type, &back, QN_E_I64, 1, 0);
            const int64_t want[] = {ints[k].lo, ints[k].hi, 0, ints[k].lo ? -3 : 0, 2};
            qn_note(t, "type %d case %d", (int)ints[k].type, i);
            CHECK_EQ(t, back, want[i / 2]);
        }
}

/* Every pair of types, sizes around the block; numbers that all of them hold. */
void test_convert_every_pair(qn_test *t)
{
    static const int64_t sizes[] = {0, 1, 255, 256, 257, 600};
    for (int from = 1; from < QN_E_COUNT; from++)
        for (int to = 1; to < QN_E_COUNT; to++)
            for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
                bool complex_one = (from == QN_E_C64 || from == QN_E_C128 ||
                                    to == QN_E_C64 || to == QN_E_C128);
                if (complex_one || from == 8 || to == 8) continue;
                int64_t n = sizes[k];
                double *x = qn_exact(t, (size_t)n * 8), *y = qn_exact(t, (size_t)n * 8);
                char *a = qn_exact(t, (size_t)n * 8), *b = qn_exact(t, (size_t)n * 8);
                for (int64_t i = 0; i < n; i++)
                    x[i] = 1;
                qn_convert(x, QN_E_F64, a, (enum qn_elem)from, n, 0);
                qn_convert(a, (enum qn_elem)from, b, (enum qn_elem)to, n, 0);
                qn_convert(b, (enum qn_elem)to, y, QN_E_F64, n, 0);
                qn_note(t, "%d to %d", from, to);
                int64_t n_wrong = 0;
                for (int64_t i = 0; i < n; i++)
                    n_wrong += y[i] != 1;
                CHECK_EQ(t, n_wrong, 0);
            }
}
