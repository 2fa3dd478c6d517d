/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/convert_ref.c - element type conversion.  Pairs that networks use much
 * have their own loop; every other pair goes through a block of double (when a float
 * type takes part) or of int64, so that n types need 4n loops, not n*n. */
#include "kernels/convert.h"

#include <math.h>
#include <string.h>

static inline uint32_t bits_of(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static inline float float_of(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* ---- float16 and bfloat16, without branches ---- */

static inline float half_to_float(uint16_t h)
{
    uint32_t u = (uint32_t)(h & 0x7fff) << 13, exp = u & 0x0f800000;
    uint32_t normal = u + (112u << 23);
    uint32_t special = u + (224u << 23);
    uint32_t tiny = bits_of(float_of(u + (113u << 23)) - float_of(113u << 23));
    uint32_t r = exp == 0x0f800000 ? special : exp == 0 ? tiny : normal;
    return float_of(r | (uint32_t)(h & 0x8000) << 16);
}

static inline uint16_t float_to_half(float f)
{
    uint32_t u = bits_of(f), sign = u >> 16 & 0x8000;
    u &= 0x7fffffff;
    uint32_t special = u > 0x7f800000 ? 0x7e00 | (u >> 13 & 0x3ff) : 0x7c00;
    /* adding 0.5 lets the addition round at 2^-24, the last bit of a subnormal half */
    uint32_t tiny = bits_of(float_of(u) + 0.5f) - (126u << 23);
    uint32_t normal = (u - (112u << 23) + 0xfff + (u >> 13 & 1)) >> 13;
    uint32_t r = u >= 0x47800000 ? special : u < 0x38800000 ? tiny : normal;
    return (uint16_t)(r | sign);
}

static inline uint16_t float_to_bf16(float f)
{
    uint32_t u = bits_of(f);
    uint32_t nan = u >> 16 | 0x40, rounded = (u + 0x7fff + (u >> 16 & 1)) >> 16;
    return (uint16_t)((u & 0x7fffffff) > 0x7f800000 ? nan : rounded);
}

void qn_half_to_f32(const uint16_t *src, float *dst, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        dst[i] = half_to_float(src[i]);
}

void qn_f32_to_half(const float *src, uint16_t *dst, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        dst[i] = float_to_half(src[i]);
}

void qn_bf16_to_f32(const uint16_t *src, float *dst, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        dst[i] = float_of((uint32_t)src[i] << 16);
}

void qn_f32_to_bf16(const float *src, uint16_t *dst, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        dst[i] = float_to_bf16(src[i]);
}

/* ---- floats of up to 16 bits, one at a time ---- */

/* A format: mantissa bits, bias of the exponent, and the codes (without sign) of the
 * largest finite number, of infinity and of NaN.  nuz: no -0, its code is the NaN. */
typedef struct small_float {
    int sign_shift, man, bias;
    unsigned largest, infinity, nan;
    bool nuz, has_infinity;
} small_float;

static const small_float small_floats[QN_E_COUNT] = {
    [QN_E_F16] = {15, 10, 15, 0x7bff, 0x7c00, 0x7e00, false, true},
    [QN_E_BF16] = {15, 7, 127, 0x7f7f, 0x7f80, 0x7fc0, false, true},
    [QN_E_F8E4M3FN] = {7, 3, 7, 0x7e, 0x7f, 0x7f, false, false},
    [QN_E_F8E4M3FNUZ] = {7, 3, 8, 0x7f, 0x80, 0x80, true, false},
    [QN_E_F8E5M2] = {7, 2, 15, 0x7b, 0x7c, 0x7e, false, true},
    [QN_E_F8E5M2FNUZ] = {7, 2, 16, 0x7f, 0x80, 0x80, true, false},
    [QN_E_F4E2M1] = {3, 1, 1, 0x7, 0x7, 0x8, false, false},
};

static double small_decode(const small_float *f, unsigned code)
{
    unsigned sign = code >> f->sign_shift & 1, u = code & ((1u << f->sign_shift) - 1);
    if (f->nuz && code == 1u << f->sign_shift) return (double)NAN;
    if (!f->nuz && u > f->largest)
        return f->has_infinity && u == f->infinity ? (sign ? -HUGE_VAL : HUGE_VAL)
                                                   : (double)NAN;
    int exp = (int)(u >> f->man), man = (int)(u & ((1u << f->man) - 1));
    if (exp > 0) man += 1 << f->man;
    double x = ldexp(man, (exp > 0 ? exp : 1) - f->bias - f->man);
    return sign ? -x : x;
}

/* Rounds a finite a >= 0 to the nearest code, ties to even; may lie past the largest.
 */
static unsigned small_round(const small_float *f, double a)
{
    int exp;
    if (a == 0) return 0;
    frexp(a, &exp); /* a = m * 2^exp, 0.5 <= m < 1 */
    int e = exp - 1 + f->bias > 1 ? exp - 1 + f->bias : 1;
    /* units of the last place: below 2^(man+1), exact but for the rounding */
    unsigned m = (unsigned)nearbyint(ldexp(a, f->man + f->bias - e));
    return ((unsigned)(e - 1) << f->man) + m;
}

static unsigned small_encode(const small_float *f, double x, bool saturate)
{
    unsigned sign = signbit(x) ? 1u << f->sign_shift : 0;
    if (x != x) return f->nan | (f->nuz ? 0 : sign);
    double a = fabs(x), most = small_decode(f, f->largest);
    unsigned u = a <= 2 * most ? small_round(f, a) : f->largest + 1;
    if (u > f->largest) {
        if (!saturate) return f->nuz ? f->nan : f->infinity | sign;
        u = f->largest;
    }
    return f->nuz && u == 0 ? 0 : u | sign;
}

static uint8_t e8m0_encode(double x, unsigned flags)
{
    int exp;
    if (x != x) return 0xff;
    bool saturate = !(flags & QN_CVT_WRAP);
    if (x <= 0) return saturate ? 0 : 0xff;
    if (x > 0x1p128) return saturate ? 0xfe : 0xff;
    double m = 2 * frexp(x, &exp); /* x = m * 2^(exp-1), 1 <= m < 2 */
    bool up = flags & QN_CVT_NEAREST ? m >= 1.5 : flags & QN_CVT_DOWN ? false : m > 1;
    int code = exp - 1 + 127 + up;
    if (code > 0xfe) return saturate ? 0xfe : 0xff;
    if (code < 0) return saturate ? 0 : 0xff;
    return (uint8_t)code;
}

/* ---- blocks of double and of int64 ---- */

typedef void load_real_fn(const void *src, double *d, int64_t n);
typedef void load_int_fn(const void *src, int64_t *d, int64_t n);
typedef void store_real_fn(const double *d, void *dst, int64_t n);
typedef void store_int_fn(const int64_t *d, void *dst, int64_t n);

/*  name, C type, smallest, largest: the integers that have a C type of their own */
#define INTS(X)                           \
    X(i8, int8_t, INT8_MIN, INT8_MAX)     \
    X(u8, uint8_t, 0, UINT8_MAX)          \
    X(i16, int16_t, INT16_MIN, INT16_MAX) \
    X(u16, uint16_t, 0, UINT16_MAX)       \
    X(i32, int32_t, INT32_MIN, INT32_MAX) \
    X(u32, uint32_t, 0, UINT32_MAX)       \
    X(i64, int64_t, INT64_MIN, INT64_MAX) \
    X(u64, uint64_t, 0, UINT64_MAX)

/* The whole part of a v of floating type F, within the limits. */
#define SATURATE(v, F, T, lo, hi) \
    ((v) > (F)(lo) ? (v) < (F)(hi) ? (T)(v) : (hi) : (v) == (v) ? (lo) : 0)

#define X(name, T, lo, hi)                                               \
    static void load_real_##name(const void *src, double *d, int64_t n)  \
    {                                                                    \
        const T *p = src;                                                \
        for (int64_t i = 0; i < n; i++)                                  \
            d[i] = (double)p[i];                                         \
    }                                                                    \
    static void load_int_##name(const void *src, int64_t *d, int64_t n)  \
    {                                                                    \
        const T *p = src;                                                \
        for (int64_t i = 0; i < n; i++)                                  \
            d[i] = (int64_t)p[i];                                        \
    }                                                                    \
    static void store_int_##name(const int64_t *d, void *dst, int64_t n) \
    {                                                                    \
        T *p = dst;                                                      \
        for (int64_t i = 0; i < n; i++)                                  \
            p[i] = (T)d[i];                                              \
    }                                                                    \
    static void store_real_##name(const double *d, void *dst, int64_t n) \
    {                                                                    \
        T *p = dst;                                                      \
        for (int64_t i = 0; i < n; i++)                                  \
            p[i] = SATURATE(d[i], double, T, lo, hi);                    \
    }                                                                    \
    static void pair_f32_##name(const void *src, void *dst, int64_t n)   \
    {                                                                    \
        const float *d = src;                                            \
        T *p = dst;                                                      \
        for (int64_t i = 0; i < n; i++)                                  \
            p[i] = SATURATE(d[i], float, T, lo, hi);                     \
    }
INTS(X)
#undef X

static void load_real_f32(const void *src, double *d, int64_t n)
{
    const float *p = src;
    for (int64_t i = 0; i < n; i++)
        d[i] = (double)p[i];
}

static void store_real_f32(const double *d, void *dst, int64_t n)
{
    float *p = dst;
    for (int64_t i = 0; i < n; i++)
        p[i] = (float)d[i];
}

static void load_real_f64(const void *src, double *d, int64_t n)
{
    memcpy(d, src, (size_t)n * sizeof *d);
}

static void store_real_f64(const double *d, void *dst, int64_t n)
{
    memcpy(dst, d, (size_t)n * sizeof *d);
}

static void store_real_bool(const double *d, void *dst, int64_t n)
{
    uint8_t *p = dst;
    for (int64_t i = 0; i < n; i++)
        p[i] = d[i] != 0;
}

static void store_int_bool(const int64_t *d, void *dst, int64_t n)
{
    uint8_t *p = dst;
    for (int64_t i = 0; i < n; i++)
        p[i] = d[i] != 0;
}

/* The low bits, sign-extended where the type is signed. */
static inline uint8_t low_bits(int64_t v, int bits, bool is_signed)
{
    unsigned u = (unsigned)(uint64_t)v & ((1u << bits) - 1), top = 1u << (bits - 1);
    return (uint8_t)(is_signed ? (u ^ top) - top : u);
}

/*  name, bits, signed: the integers narrower than a byte */
#define NARROW(X) X(i4, 4, true) X(u4, 4, false) X(i2, 2, true) X(u2, 2, false)

#define X(name, bits, sign)                                              \
    static void store_int_##name(const int64_t *d, void *dst, int64_t n) \
    {                                                                    \
        uint8_t *p = dst;                                                \
        for (int64_t i = 0; i < n; i++)                                  \
            p[i] = low_bits(d[i], bits, sign);                           \
    }                                                                    \
    static void store_real_##name(const double *d, void *dst, int64_t n) \
    {                                                                    \
        for (int64_t i = 0; i < n; i++) {                                \
            int64_t v;                                                   \
            store_real_i64(d + i, &v, 1);                                \
            store_int_##name(&v, (uint8_t *)dst + i, 1);                 \
        }                                                                \
    }
NARROW(X)
#undef X

typedef struct elem_row {
    uint8_t size;
    bool is_float;
    load_real_fn *load_real;
    load_int_fn *load_int;
    store_real_fn *store_real;
    store_int_fn *store_int;
} elem_row;

#define INT_ROW(name, size)                                                \
    {                                                                      \
        size, false, load_real_##name, load_int_##name, store_real_##name, \
            store_int_##name                                               \
    }
#define NARROW_ROW(name, as)                                                         \
    {                                                                                \
        1, false, load_real_##as, load_int_##as, store_real_##name, store_int_##name \
    }

/* A floating row without loops is a small_float or float8e8m0. */
static const elem_row rows[QN_E_COUNT] = {
    [QN_E_F32] = {4, true, load_real_f32, NULL, store_real_f32, NULL},
    [QN_E_F64] = {8, true, load_real_f64, NULL, store_real_f64, NULL},
    [QN_E_U8] = INT_ROW(u8, 1),
    [QN_E_I8] = INT_ROW(i8, 1),
    [QN_E_U16] = INT_ROW(u16, 2),
    [QN_E_I16] = INT_ROW(i16, 2),
    [QN_E_U32] = INT_ROW(u32, 4),
    [QN_E_I32] = INT_ROW(i32, 4),
    [QN_E_U64] = INT_ROW(u64, 8),
    [QN_E_I64] = INT_ROW(i64, 8),
    [QN_E_BOOL] = NARROW_ROW(bool, u8),
    [QN_E_U4] = NARROW_ROW(u4, u8),
    [QN_E_I4] = NARROW_ROW(i4, i8),
    [QN_E_U2] = NARROW_ROW(u2, u8),
    [QN_E_I2] = NARROW_ROW(i2, i8),
    [QN_E_F16] = {2, true, NULL, NULL, NULL, NULL},
    [QN_E_BF16] = {2, true, NULL, NULL, NULL, NULL},
    [QN_E_F8E4M3FN] = {1, true, NULL, NULL, NULL, NULL},
    [QN_E_F8E4M3FNUZ] = {1, true, NULL, NULL, NULL, NULL},
    [QN_E_F8E5M2] = {1, true, NULL, NULL, NULL, NULL},
    [QN_E_F8E5M2FNUZ] = {1, true, NULL, NULL, NULL, NULL},
    [QN_E_F8E8M0] = {1, true, NULL, NULL, NULL, NULL},
    [QN_E_F4E2M1] = {1, true, NULL, NULL, NULL, NULL},
};

bool qn_elem_is_float(enum qn_elem type)
{
    return (unsigned)type < QN_E_COUNT && rows[type].is_float;
}

static void load_real(const void *src, enum qn_elem from, double *d, int64_t n)
{
    if (rows[from].load_real) {
        rows[from].load_real(src, d, n);
        return;
    }
    const small_float *f = &small_floats[from];
    for (int64_t i = 0; i < n; i++) {
        unsigned code = rows[from].size == 2 ? ((const uint16_t *)src)[i]
                                             : ((const uint8_t *)src)[i];
        if (from != QN_E_F8E8M0)
            d[i] = small_decode(f, code);
        else
            d[i] = code == 0xff ? (double)NAN : ldexp(1, (int)code - 127);
    }
}

static void store_real(const double *d, void *dst, enum qn_elem to, int64_t n,
                       unsigned flags)
{
    if (rows[to].store_real) {
        rows[to].store_real(d, dst, n);
        return;
    }
    bool wide = rows[to].size == 2, wrap = (flags & QN_CVT_WRAP) && to != QN_E_F4E2M1;
    for (int64_t i = 0; i < n; i++) {
        if (to == QN_E_F8E8M0)
            ((uint8_t *)dst)[i] = e8m0_encode(d[i], flags);
        else if (wide)
            ((uint16_t *)dst)[i] =
                (uint16_t)small_encode(&small_floats[to], d[i], false);
        else
            ((uint8_t *)dst)[i] = (uint8_t)small_encode(&small_floats[to], d[i], !wrap);
    }
}

/* ---- pairs with their own loop ---- */

/*  name, from, to, C types: plain conversions that C defines for every value */
#define PLAIN(X)                                       \
    X(u8_f32, QN_E_U8, QN_E_F32, uint8_t, float)       \
    X(i8_f32, QN_E_I8, QN_E_F32, int8_t, float)        \
    X(bool_f32, QN_E_BOOL, QN_E_F32, uint8_t, float)   \
    X(i32_f32, QN_E_I32, QN_E_F32, int32_t, float)     \
    X(i64_f32, QN_E_I64, QN_E_F32, int64_t, float)     \
    X(u32_f32, QN_E_U32, QN_E_F32, uint32_t, float)    \
    X(u64_f32, QN_E_U64, QN_E_F32, uint64_t, float)    \
    X(i32_i64, QN_E_I32, QN_E_I64, int32_t, int64_t)   \
    X(i64_i32, QN_E_I64, QN_E_I32, int64_t, int32_t)   \
    X(bool_i64, QN_E_BOOL, QN_E_I64, uint8_t, int64_t) \
    X(f32_f64, QN_E_F32, QN_E_F64, float, double)      \
    X(f64_f32, QN_E_F64, QN_E_F32, double, float)

#define X(name, from, to, A, B)                                    \
    static void pair_##name(const void *src, void *dst, int64_t n) \
    {                                                              \
        const A *a = src;                                          \
        B *b = dst;                                                \
        for (int64_t i = 0; i < n; i++)                            \
            b[i] = (B)a[i];                                        \
    }
PLAIN(X)
#undef X

static void pair_f16_f32(const void *src, void *dst, int64_t n)
{
    qn_half_to_f32(src, dst, n);
}

static void pair_f32_f16(const void *src, void *dst, int64_t n)
{
    qn_f32_to_half(src, dst, n);
}

static void pair_bf16_f32(const void *src, void *dst, int64_t n)
{
    qn_bf16_to_f32(src, dst, n);
}

static void pair_f32_bf16(const void *src, void *dst, int64_t n)
{
    qn_f32_to_bf16(src, dst, n);
}

static void pair_f32_bool(const void *src, void *dst, int64_t n)
{
    const float *a = src;
    uint8_t *b = dst;
    for (int64_t i = 0; i < n; i++)
        b[i] = a[i] != 0;
}

static const struct pair {
    enum qn_elem from, to;
    void (*fn)(const void *src, void *dst, int64_t n);
} pairs[] = {
#define X(name, from, to, A, B) {from, to, pair_##name},
    PLAIN(X)
#undef X
        {QN_E_F16, QN_E_F32, pair_f16_f32},
    {QN_E_F32, QN_E_F16, pair_f32_f16},
    {QN_E_BF16, QN_E_F32, pair_bf16_f32},
    {QN_E_F32, QN_E_BF16, pair_f32_bf16},
    {QN_E_F32, QN_E_BOOL, pair_f32_bool},
    {QN_E_F32, QN_E_U8, pair_f32_u8},
    {QN_E_F32, QN_E_I8, pair_f32_i8},
    {QN_E_F32, QN_E_I16, pair_f32_i16},
    {QN_E_F32, QN_E_U16, pair_f32_u16},
    {QN_E_F32, QN_E_I32, pair_f32_i32},
    {QN_E_F32, QN_E_U32, pair_f32_u32},
    {QN_E_F32, QN_E_I64, pair_f32_i64},
    {QN_E_F32, QN_E_U64, pair_f32_u64},
};

enum { BLOCK = 256 };

static void through_real(const char *src, enum qn_elem from, char *dst, enum qn_elem to,
                         int64_t n, unsigned flags)
{
    double block[BLOCK];
    for (int64_t i = 0; i < n; i += BLOCK) {
        int64_t m = n - i < BLOCK ? n - i : BLOCK;
        load_real(src + i * rows[from].size, from, block, m);
        store_real(block, dst + i * rows[to].size, to, m, flags);
    }
}

static void through_int(const char *src, enum qn_elem from, char *dst, enum qn_elem to,
                        int64_t n)
{
    int64_t block[BLOCK];
    for (int64_t i = 0; i < n; i += BLOCK) {
        int64_t m = n - i < BLOCK ? n - i : BLOCK;
        rows[from].load_int(src + i * rows[from].size, block, m);
        rows[to].store_int(block, dst + i * rows[to].size, m);
    }
}

static bool convert_complex(const void *src, enum qn_elem from, void *dst,
                            enum qn_elem to, int64_t n)
{
    if (from == to) {
        memcpy(dst, src, (size_t)n * (from == QN_E_C64 ? 8 : 16));
        return true;
    }
    if (from == QN_E_C64 && to == QN_E_C128) {
        pair_f32_f64(src, dst, 2 * n);
        return true;
    }
    if (from == QN_E_C128 && to == QN_E_C64) {
        pair_f64_f32(src, dst, 2 * n);
        return true;
    }
    return false;
}

bool qn_convert(const void *src, enum qn_elem from, void *dst, enum qn_elem to,
                int64_t n, unsigned flags)
{
    if ((unsigned)from >= QN_E_COUNT || (unsigned)to >= QN_E_COUNT) return false;
    if (rows[from].size == 0 || rows[to].size == 0)
        return convert_complex(src, from, dst, to, n);
    if (from == to) {
        memcpy(dst, src, (size_t)n * rows[from].size);
        return true;
    }
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (pairs[i].from == from && pairs[i].to == to) {
            pairs[i].fn(src, dst, n);
            return true;
        }
    if (rows[from].is_float || rows[to].is_float)
        through_real(src, from, dst, to, n, flags);
    else
        through_int(src, from, dst, to, n);
    return true;
}
