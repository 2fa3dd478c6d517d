/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/vbinary.h - functions of two operands, included once per type with T,
 * V(name) and IS_FLOAT defined, and for integers U (unsigned, at least as wide as int)
 * and for floats M(name).  All of it is undefined again at the end. */

/* One loop for each way the operands may lie: a row, or one value for all. */
QN_ALWAYS_INLINE void V(map)(const void *va, int64_t sa, const void *vb, int64_t sb,
                             void *vy, int64_t n, T (*f)(T, T))
{
    const T *a = va, *b = vb;
    T *y = vy;
    if (sa && sb) {
        QN_INDEPENDENT
        for (int64_t i = 0; i < n; i++)
            y[i] = f(a[i], b[i]);
    } else if (sa) {
        const T c = *b;
        QN_INDEPENDENT
        for (int64_t i = 0; i < n; i++)
            y[i] = f(a[i], c);
    } else {
        const T c = *a;
        QN_INDEPENDENT
        for (int64_t i = 0; i < n; i++)
            y[i] = f(c, b[i * sb]);
    }
}

QN_ALWAYS_INLINE void V(test)(const void *va, int64_t sa, const void *vb, int64_t sb,
                              void *vy, int64_t n, uint8_t (*f)(T, T))
{
    const T *a = va, *b = vb;
    uint8_t *y = vy;
    if (sa && sb) {
        QN_INDEPENDENT
        for (int64_t i = 0; i < n; i++)
            y[i] = f(a[i], b[i]);
    } else if (sa) {
        const T c = *b;
        QN_INDEPENDENT
        for (int64_t i = 0; i < n; i++)
            y[i] = f(a[i], c);
    } else {
        const T c = *a;
        QN_INDEPENDENT
        for (int64_t i = 0; i < n; i++)
            y[i] = f(c, b[i * sb]);
    }
}

/* clang-format off */
static inline uint8_t V(equal)(T a, T b) { return a == b; }
static inline uint8_t V(less)(T a, T b) { return a < b; }
static inline uint8_t V(less_equal)(T a, T b) { return a <= b; }
static inline uint8_t V(greater)(T a, T b) { return a > b; }
static inline uint8_t V(greater_equal)(T a, T b) { return a >= b; }

#if IS_FLOAT
static inline T V(add)(T a, T b) { return a + b; }
static inline T V(sub)(T a, T b) { return a - b; }
static inline T V(mul)(T a, T b) { return a * b; }
static inline T V(div)(T a, T b) { return a / b; }
static inline T V(fmod)(T a, T b) { return M(fmod)(a, b); }
static inline T V(pow)(T a, T b) { return M(pow)(a, b); }
static inline T V(prelu)(T a, T b) { return a < 0 ? a * b : a; }
static inline T V(max)(T a, T b) { return a > b || a != a ? a : b; }
static inline T V(min)(T a, T b) { return a < b || a != a ? a : b; }
/* clang-format on */

static inline T V(mod)(T a, T b)
{
    T r = M(fmod)(a, b);
    if (r == 0) return M(copysign)(r, b);
    return (r < 0) != (b < 0) ? r + b : r;
}
#else
/* clang-format off */
static inline T V(add)(T a, T b) { return (T)((U)a + (U)b); }
static inline T V(sub)(T a, T b) { return (T)((U)a - (U)b); }
static inline T V(mul)(T a, T b) { return (T)((U)a * (U)b); }
static inline T V(max)(T a, T b) { return a > b ? a : b; }
static inline T V(min)(T a, T b) { return a < b ? a : b; }
static inline T V(prelu)(T a, T b) { return a < 1 ? V(mul)(a, b) : a; }
static inline T V(bit_and)(T a, T b) { return a & b; }
static inline T V(bit_or)(T a, T b) { return a | b; }
static inline T V(bit_xor)(T a, T b) { return a ^ b; }
/* clang-format on */

enum { V(width) = 8 * (int)sizeof(T) };

static inline bool V(is_negative)(T a)
{
    return a > 0 ? false : a != 0;
}

static inline T V(shift_left)(T a, T b)
{
    return V(is_negative)(b) || b >= V(width) ? 0 : (T)((U)a << b);
}

static inline T V(shift_right)(T a, T b)
{
    bool negative = V(is_negative)(a);
    if (V(is_negative)(b) || b >= V(width)) return negative ? (T)-1 : 0;
    return negative ? (T) ~(~(U)a >> b) : (T)((U)a >> b);
}

static inline T V(div)(T a, T b)
{
    if (b == 0) return 0;
    return b == (T)-1 && (T)-1 < 1 ? (T)(0 - (U)a) : (T)(a / b);
}

static inline T V(fmod)(T a, T b)
{
    if (b == 0 || (b == (T)-1 && (T)-1 < 1)) return 0;
    return (T)(a % b);
}

static inline T V(mod)(T a, T b)
{
    T r = V(fmod)(a, b);
    return r != 0 && V(is_negative)(r) != V(is_negative)(b) ? (T)(r + b) : r;
}

static inline T V(pow)(T a, T b)
{
    if (V(is_negative)(b)) return a == 1 ? 1 : a == (T)-1 ? (b & 1 ? a : 1) : 0;
    U base = (U)a, r = 1;
    for (; b > 0; b = (T)(b >> 1), base *= base)
        if (b & 1) r *= base;
    return (T)r;
}
#endif

#define X(name)                                                                   \
    static void V(v_##name)(const void *a, int64_t sa, const void *b, int64_t sb, \
                            void *y, int64_t n)                                   \
    {                                                                             \
        V(map)(a, sa, b, sb, y, n, V(name));                                      \
    }
QN_BINARY_NUMBER_MAP(X)
#if !IS_FLOAT
QN_BINARY_INT_MAP(X)
QN_POW_MAP(X)
#endif
#undef X

#if IS_FLOAT
/* Networks raise to constants mostly; squares and roots need no logarithm. */
static void V(v_pow)(const void *va, int64_t sa, const void *vb, int64_t sb, void *vy,
                     int64_t n)
{
    const T *a = va, *b = vb;
    T *y = vy;
    if (sb == 0 && *b == 2) {
        V(map)(a, sa, a, sa, y, n, V(mul));
        return;
    }
    if (sb == 0 && *b == (T)0.5) {
        for (int64_t i = 0; i < n; i++) /* pow gives 0 for -0, infinity for -infinity */
            y[i] = a[i * sa] == -HUGE_VAL ? (T)HUGE_VAL : M(sqrt)(a[i * sa]) + 0;
        return;
    }
    V(map)(a, sa, b, sb, y, n, V(pow));
}
#endif

#define X(name)                                                                   \
    static void V(v_##name)(const void *a, int64_t sa, const void *b, int64_t sb, \
                            void *y, int64_t n)                                   \
    {                                                                             \
        V(test)(a, sa, b, sb, y, n, V(name));                                     \
    }
QN_COMPARE_MAP(X)
#undef X

static qn_binary_fn *const V(binary_table)[QN_BINARY_COUNT] = {
#define X(name) [QN_BINARY_##name] = V(v_##name),
    QN_BINARY_NUMBER_MAP(X) QN_COMPARE_MAP(X) QN_POW_MAP(X)
#if !IS_FLOAT
        QN_BINARY_INT_MAP(X)
#endif
#undef X
};

#undef T
#undef U
#undef V
#undef M
#undef IS_FLOAT
