/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/act_words.h - the activations of kernels/tmpl/act8c.h for vectors of one
 * width, included once per width: QN_W_V is the vector, QN_W(name) the word of that
 * name.  Every width does the same operations in the same order, so a lane has the same
 * bits in each. */

/* 2^(n + f), |f| <= 1/2; n is in the low bits of t. */
static inline QN_W_V QN_W(two_to)(QN_W_V f, QN_W_V t)
{
    QN_W_V p = QN_W(fma)(f, QN_W(set)(0x1.5c08e6p-10f), QN_W(set)(0x1.3d0c52p-7f));
    p = QN_W(fma)(f, p, QN_W(set)(0x1.c6b6e4p-5f));
    p = QN_W(fma)(f, p, QN_W(set)(0x1.ebf918p-3f));
    p = QN_W(fma)(f, p, QN_W(set)(0x1.62e428p-1f));
    p = QN_W(fma)(f, p, QN_W(set)(1));
    return QN_W(scale)(p, t);
}

/* exp(x) = 2^n 2^f, |f| <= 1/2, for -86 <= x <= 88; others are taken as the nearer end;
 * NaN gives NaN.  Relative error at most 2e-7 + 1.5e-8 |x|. */
static inline QN_W_V QN_W(exp)(QN_W_V x)
{
    const QN_W_V magic = QN_W(set)(0x1.8p23f), per_two = QN_W(set)(0x1.715476p+0f);
    x = QN_W(max)(QN_W(set)(-86), QN_W(min)(QN_W(set)(88), x));
    QN_W_V t = QN_W(fma)(x, per_two, magic); /* its low bits are n */
    return QN_W(two_to)(QN_W(fms)(x, per_two, QN_W(sub)(t, magic)), t);
}

static inline QN_W_V QN_W(sigmoid)(QN_W_V x)
{
    QN_W_V e = QN_W(exp)(QN_W(neg)(x));
    return QN_W(div)(QN_W(set)(1), QN_W(add)(QN_W(set)(1), e));
}

static inline QN_W_V QN_W(silu)(QN_W_V x)
{
    QN_W_V e = QN_W(exp)(QN_W(neg)(x));
    return QN_W(div)(x, QN_W(add)(QN_W(set)(1), e));
}

static inline QN_W_V QN_W(tanh)(QN_W_V x)
{
    QN_W_V a = QN_W(abs)(x), z = QN_W(mul)(x, x);
    QN_W_V p = QN_W(fma)(z, QN_W(set)(-0x1.76abf6p-8f), QN_W(set)(0x1.5256cep-6f));
    p = QN_W(fma)(z, p, QN_W(set)(-0x1.b84448p-5f));
    p = QN_W(fma)(z, p, QN_W(set)(0x1.110768p-3f));
    p = QN_W(fma)(z, p, QN_W(set)(-0x1.555534p-2f));
    QN_W_V near = QN_W(fma)(QN_W(mul)(x, z), p, x);
    QN_W_V e = QN_W(add)(QN_W(exp)(QN_W(add)(a, a)), QN_W(set)(1));
    QN_W_V far = QN_W(sub)(QN_W(set)(1), QN_W(div)(QN_W(set)(2), e));
    far = QN_W(sign)(far, x);
    return QN_W(if_ge)(a, QN_W(set)(0.625f), far, near);
}

static inline QN_W_V QN_W(erf)(QN_W_V x)
{
    QN_W_V a = QN_W(abs)(x), z = QN_W(mul)(x, x);
    QN_W_V t = QN_W(min)(QN_W(set)(4), a);
    QN_W_V p = QN_W(fma)(z, QN_W(set)(0x1.496a28p-14f), QN_W(set)(-0x1.a3f6fcp-11f));
    p = QN_W(fma)(z, p, QN_W(set)(0x1.5405b2p-8f));
    p = QN_W(fma)(z, p, QN_W(set)(-0x1.b7f90cp-6f));
    p = QN_W(fma)(z, p, QN_W(set)(0x1.ce2cf8p-4f));
    p = QN_W(fma)(z, p, QN_W(set)(-0x1.81273ep-2f));
    p = QN_W(fma)(z, p, QN_W(set)(0x1.20dd74p+0f));
    QN_W_V near = QN_W(mul)(x, p);
    QN_W_V g = QN_W(fma)(t, QN_W(set)(0x1.919d80p-13f), QN_W(set)(-0x1.89282cp-9f));
    g = QN_W(fma)(t, g, QN_W(set)(0x1.694cecp-6f));
    g = QN_W(fma)(t, g, QN_W(set)(-0x1.a835d4p-4f));
    g = QN_W(fma)(t, g, QN_W(set)(-0x1.467380p-1f));
    g = QN_W(fma)(t, g, QN_W(set)(-0x1.209f00p+0f));
    g = QN_W(fma)(t, g, QN_W(set)(-0x1.0ce49ap-12f));
    QN_W_V far = QN_W(sub)(QN_W(set)(1), QN_W(exp)(g));
    far = QN_W(sign)(far, x);
    return QN_W(if_ge)(a, QN_W(set)(1), far, near);
}

/* x/2 erfc(-x / sqrt(2)) = max(x, 0) - |x| 2^g(|x|): g is smooth, so that one
 * polynomial does; from 6.5 on the second part is nothing. */
static inline QN_W_V QN_W(gelu)(QN_W_V x)
{
    const QN_W_V a = QN_W(min)(QN_W(set)(6.5f), QN_W(abs)(x));
    QN_W_V g = QN_W(fma)(a, QN_W(set)(0x1.293d2ap-17f), QN_W(set)(-0x1.e3ff8ep-15f));
    g = QN_W(fma)(a, g, QN_W(set)(-0x1.aabfd8p-12f));
    g = QN_W(fma)(a, g, QN_W(set)(0x1.e28cbcp-8f));
    g = QN_W(fma)(a, g, QN_W(set)(-0x1.af71e2p-5f));
    g = QN_W(fma)(a, g, QN_W(set)(-0x1.d62f2cp-2f));
    g = QN_W(fma)(a, g, QN_W(set)(-0x1.26af12p+0f));
    g = QN_W(fma)(a, g, QN_W(set)(-1));
    const QN_W_V t = QN_W(add)(g, QN_W(set)(0x1.8p23f)); /* its low bits are n */
    const QN_W_V f = QN_W(sub)(g, QN_W(sub)(t, QN_W(set)(0x1.8p23f)));
    return QN_W(fnma)(a, QN_W(two_to)(f, t), QN_W(max)(QN_W(set)(0), x));
}

static inline QN_W_V QN_W(unit)(QN_W_V x) /* between 0 and 1 */
{
    return QN_W(max)(QN_W(set)(0), QN_W(min)(QN_W(set)(1), x));
}

static inline QN_W_V QN_W(hard_swish)(QN_W_V x)
{
    QN_W_V s = QN_W(fma)(x, QN_W(set)(0x1.555556p-3f), QN_W(set)(0.5f));
    return QN_W(mul)(x, QN_W(unit)(s));
}

/* The activation of that kind, which is a constant where it is called; bounds are the
 * caller's. */
static inline __attribute__((always_inline)) QN_W_V QN_W(act)(const int kind, QN_W_V a,
                                                              QN_W_V b, QN_W_V x)
{
    switch (kind) {
    case QN_ACT_LEAKY_RELU:
        return QN_W(if_sign)(x, QN_W(mul)(x, a), x);
    case QN_ACT_HARD_SIGMOID:
        return QN_W(unit)(QN_W(fma)(x, a, b));
    case QN_ACT_HARD_SWISH:
        return QN_W(hard_swish)(x);
    case QN_ACT_SIGMOID:
        return QN_W(sigmoid)(x);
    case QN_ACT_SILU:
        return QN_W(silu)(x);
    case QN_ACT_TANH:
        return QN_W(tanh)(x);
    case QN_ACT_GELU:
        return QN_W(gelu)(x);
    default:
        return x;
    }
}

#undef QN_W
#undef QN_W_V
