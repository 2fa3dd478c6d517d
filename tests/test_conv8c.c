/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_conv8c.c - blocked convolution: every row of every slot against a naive
 * sum in double, element by element with the error that rounding allows; nothing but
 * rows and columns is written, the tail is zero, and parts make the same bits as the
 * whole.
 */
#include "tests/planes.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum kind { CONV, STEM, DW, WINO4, WINO2, TWICE, STRIDED };
static const char *const slot_names[] = {"conv8c_f32", "stem8c_f32", "dw8c_f32",
                                         "wino8c_f32", "wino8c_f32", "wino8c_f32",
                                         "wino8c_f32"};

typedef struct spec {
    enum kind kind;
    int n, ic, oc, h, w, kh, kw, stride, dilation, pad, groups;
    int act;
    bool bias;
    int add;  /* 2: each pixel of it stands twice */
    int halo; /* of x, more than the pad */
} spec;

/* Everything a case consists of, in plain and in blocked form. */
typedef struct job {
    spec s;
    qn_conv8c c;
    float *x, *w, *bias, *add; /* plain */
    qn_test_plane y;
    int64_t images;
    int64_t n_i, n_c; /* the whole task */
    double *want, *tol;
} job;

/* Largest sum of magnitudes that Winograd adds up for one filter plane and |x| <= 1. */
static double wino_mass(const qn_conv8c *c, const float *w)
{
    const int tile = c->tile, side = (int)qn_wino8c_side(c);
    const double r = sqrt(0.5), q = sqrt(2);
    const double at4[4][6] = {{1, 1, 1, 1, 1, 0},
                              {0, r, r, q, q, 0},
                              {0, .5, .5, 2, 2, 0},
                              {0, r / 2, r / 2, 2 * q, 2 * q, 1}};
    const double bt4[6] = {4.5,           3 + 3 * r,     3 + 3 * r,
                           1.5 + 1.5 * q, 1.5 + 1.5 * q, 4.5};
    const double g4[6][3] = {{1, 0, 0},
                             {2 / 3., 2 / 3. * r, 1 / 3.},
                             {2 / 3., 2 / 3. * r, 1 / 3.},
                             {1 / 6., q / 6, 1 / 3.},
                             {1 / 6., q / 6, 1 / 3.},
                             {0, 0, 1}};
    const double at2[4][6] = {{1, 1, 1, 0}, {0, 1, 1, 1}};
    const double bt2[6] = {2, 2, 2, 2};
    const double g2[6][3] = {{1, 0, 0}, {.5, .5, .5}, {.5, .5, .5}, {0, 0, 1}};
    const double att[4][6] = {{1, 1, 0, 1}, {0, 1, 1}, {0, 1, 0, 1}, {0, 1, 1, 0, 1}};
    const double btt[6] = {2, 2, 2, 2, 2};
    const double gt[6][3] = {
        {1, 0, 0}, {.5, .5, .5}, {.5, .5, .5}, {.5, .5, .5}, {0, 0, 1}};
    const double ats[4][6] = {{1, 1, 0}, {0, 1, 1}};
    const double gs[6][3] = {{2, 1, 0}, {1, 0, 1}, {0, 1, 2}}, bts[6] = {1, 1, 1};
    const bool strided = c->stride[0] == 2;
    const double(*at)[6] = strided ? ats : c->twice ? att : tile == 4 ? at4 : at2;
    const double(*g)[3] = strided ? gs : c->twice ? gt : tile == 4 ? g4 : g2;
    const double *bt = strided ? bts : c->twice ? btt : tile == 4 ? bt4 : bt2;
    double u[6][6] = {{0}}, worst = 0;
    for (int i = 0; i < side; i++)
        for (int j = 0; j < side; j++)
            for (int a = 0; a < 9; a++)
                u[i][j] += bt[i] * bt[j] * g[i][a / 3] * g[j][a % 3] * fabsf(w[a]);
    for (int o = 0; o < tile * tile; o++) {
        double sum = 0;
        for (int i = 0; i < side; i++)
            for (int j = 0; j < side; j++)
                sum += at[o / tile][i] * at[o % tile][j] * u[i][j];
        worst = fmax(worst, sum);
    }
    return worst;
}

/* The sum of products behind one output, and the sum of their magnitudes. */
static double exact_sum(const job *j, int n, int oc, const int *at, double *mass)
{
    const spec *s = &j->s;
    int icg = s->ic / s->groups, ocg = s->oc / s->groups;
    double sum = 0;
    *mass = 0;
    for (int i = 0; i < icg; i++)
        for (int k = 0; k < s->kh * s->kw; k++) {
            int r = at[0] * s->stride + k / s->kw * s->dilation - s->pad;
            int c = at[1] * s->stride + k % s->kw * s->dilation - s->pad;
            if (s->kind == TWICE) r = (r + 2) / 2 - 1, c = (c + 2) / 2 - 1;
            if (r < 0 || r >= s->h || c < 0 || c >= s->w) continue;
            int ic = oc / ocg * icg + i;
            double v = (double)j->x[((n * s->ic + ic) * s->h + r) * s->w + c] *
                       (double)j->w[(oc * icg + i) * s->kh * s->kw + k];
            sum += v;
            *mass += fabs(v);
        }
    return sum;
}

/* Where the addend of output e is. */
static size_t add_index(const job *j, size_t e)
{
    const size_t w = (size_t)j->c.y.w, h = (size_t)j->c.y.h;
    if (j->s.add < 2) return e;
    const size_t half_h = (h + 1) / 2, half_w = (w + 1) / 2;
    return (e / w / h * half_h + e / w % h / 2) * half_w + e % w / 2;
}

static void find_truth(qn_test *t, job *j)
{
    const spec *s = &j->s;
    int oh = (int)j->c.y.h, ow = (int)j->c.y.w, k = s->ic / s->groups * s->kh * s->kw;
    size_t total = (size_t)(j->c.y.h * j->c.y.w * s->n * s->oc);
    j->want = qn_exact(t, total * sizeof(double));
    j->tol = qn_exact(t, total * sizeof(double));
    double *filter_mass = qn_exact(t, (size_t)s->oc * sizeof(double));
    for (int oc = 0; s->kind >= WINO4 && oc < s->oc; oc++) {
        filter_mass[oc] = 0;
        for (int i = 0; i < s->ic; i++)
            filter_mass[oc] += pow(wino_mass(&j->c, j->w + (oc * s->ic + i) * 9), 2);
        filter_mass[oc] = sqrt(filter_mass[oc]);
    }
    for (size_t e = 0; e < total; e++) {
        const int at[2] = {(int)e / ow % oh, (int)e % ow};
        int oc = (int)e / (oh * ow) % s->oc;
        double mass, sum = exact_sum(j, (int)e / (oh * ow) / s->oc, oc, at, &mass);
        double tol = (k + 4) * mass;
        if (j->s.kind >= WINO4) {
            mass = 0;
            mass = filter_mass[oc];
            /* Terms of a sum; of either sign, seen: a tenth. */
            tol = 0.1 * sqrt(s->ic * (s->kind == STRIDED ? 4 : 1) + 32) * mass;
        }
        if (j->bias) sum += (double)j->bias[oc], tol += 4 * fabs((double)j->bias[oc]);
        if (j->add) {
            const double a = (double)j->add[add_index(j, e)];
            sum += a, tol += 4 * fabs(a);
        }
        j->want[e] = qn_exact_act(&j->c.act, sum);
        /* No activation is steeper than 1.5; their own errors are below 4 ulp. */
        j->tol[e] = FLT_EPSILON * (1.5 * tol + 4 * fmax(fabs(sum), 1));
    }
}

static float *pack(qn_test *t, qn_conv8c *c, enum kind kind, const float *w)
{
    int64_t n = kind == CONV   ? qn_conv8c_weight_size(c)
                : kind == STEM ? qn_stem8c_weight_size(c)
                : kind == DW   ? qn_dw8c_weight_size(c)
                               : qn_wino8c_weight_size(c);
    float *packed = qn_exact(t, (size_t)n * sizeof *packed);
    (kind == CONV   ? qn_conv8c_pack
     : kind == STEM ? qn_stem8c_pack
     : kind == DW   ? qn_dw8c_pack
                    : qn_wino8c_pack)(c, w, packed);
    if (kind == CONV || kind == STEM) {
        int64_t segs = kind == CONV ? qn_conv8c_n_segments(c) : qn_stem8c_n_segments(c);
        int64_t *segment = qn_exact(t, (size_t)segs * sizeof *segment);
        (kind == CONV ? qn_conv8c_segments : qn_stem8c_segments)(c, segment);
        c->segment = segment;
    }
    return packed;
}

static void make_input(qn_test *t, job *j)
{
    const spec *s = &j->s;
    const int dims[] = {s->n, s->ic, s->h, s->w};
    int64_t plane = s->h * s->w;
    j->x = qn_random_floats(t, (size_t)(s->n * s->ic * plane));
    if (s->kind == STEM)
        j->c.x = (qn_plane8c){j->x, s->w, plane, s->ic * plane, s->ic, s->h, s->w};
    else
        j->c.x = qn_make_plane(t, j->x, dims, s->pad + s->halo).p;
}

static void make_job(qn_test *t, const spec *s, job *j)
{
    *j = (job){.s = *s, .images = s->n};
    qn_conv8c *c = &j->c;
    int oh = (s->h + 2 * s->pad - (s->kh - 1) * s->dilation - 1) / s->stride + 1;
    int ow = (s->w + 2 * s->pad - (s->kw - 1) * s->dilation - 1) / s->stride + 1;
    if (s->kind == TWICE) oh = 2 * s->h, ow = 2 * s->w;
    const int dims[] = {s->n, s->oc, oh, ow};
    *c = (qn_conv8c){
        .kernel = {s->kh, s->kw},
        .stride = {s->stride, s->stride},
        .dilation = {s->dilation, s->dilation},
        .pad = {s->pad, s->pad},
        .groups = s->groups,
        .y_step = 8,
        .tile = s->kind == WINO2 || s->kind == STRIDED ? 2 : 4,
        .twice = s->kind == TWICE,
        .add_shift = s->add == 2,
        .act = {(uint8_t)s->act, s->act == QN_ACT_CLIP ? -0.25f : 0.2f, 0.5f}};
    make_input(t, j);
    j->y = qn_make_plane(t, NULL, dims, 2);
    c->y = j->y.p;
    size_t ny = (size_t)(j->c.y.h * j->c.y.w * s->n * s->oc);
    if (s->add) {
        const int half[] = {s->n, s->oc, (oh + 1) / 2, (ow + 1) / 2};
        j->add = qn_random_floats(t, ny);
        c->add = qn_make_plane(t, j->add, s->add == 2 ? half : dims, 1).p;
    }
    int64_t nw = c->kernel[0] * c->kernel[1] * s->oc * (s->ic / s->groups);
    j->w = qn_random_floats(t, (size_t)nw);
    if (s->bias) {
        j->bias = qn_random_floats(t, (size_t)s->oc);
        size_t padded = (size_t)qn_blocks8c(s->oc) * 8;
        float *bias = qn_exact(t, padded * sizeof *bias);
        memset(bias, 0, padded * sizeof *bias);
        memcpy(bias, j->bias, (size_t)s->oc * sizeof *bias);
        c->bias = bias;
    }
    c->weight = pack(t, c, s->kind, j->w);
    j->n_i = s->kind == CONV    ? oh * ow
             : s->kind >= WINO4 ? qn_wino8c_tiles(c, s->n)
                                : oh;
    j->n_c = s->kind == DW ? qn_blocks8c(s->oc) : qn_conv8c_panels(c);
    if (s->kind >= WINO4) j->images = 1;
    find_truth(t, j);
}

/* All slots of this family have functions of one type. */
typedef qn_conv8c_f32_fn any_fn;

static void run_part(qn_test *t, const job *j, any_fn *fn, const int64_t *part)
{
    const qn_conv8c *c = &j->c;
    int64_t n = j->s.kind == STEM    ? qn_stem8c_scratch(c)
                : j->s.kind >= WINO4 ? qn_wino8c_scratch(c)
                                     : 0;
    float *scratch = qn_exact(t, (size_t)n * sizeof *scratch);
    for (int64_t e = 0; e < n; e++)
        scratch[e] = NAN;
    const qn_task8c task = {part[0], part[1], part[2], part[3], part[4], scratch};
    fn(c, &task);
}

/* The whole in one call an image, then in random parts: the same bits, which are
 * returned. */
static const float *check_row(qn_test *t, const job *j, any_fn *fn)
{
    int64_t n = j->s.n * j->c.y.image;
    for (int64_t i = 0; i < j->images; i++)
        run_part(t, j, fn, (int64_t[]){i, 0, j->n_i, 0, j->n_c});
    qn_check_plane(t, &j->y, j->want, j->tol);
    float *whole = qn_exact(t, (size_t)n * sizeof *whole);
    memcpy(whole, j->y.buffer, (size_t)n * sizeof *whole);
    qn_reset_plane(&j->y);
    for (int64_t i = 0; i < j->images; i++)
        for (int64_t a = 0, ea; a < j->n_i; a = ea) {
            ea = qn_test_int(t, a + 1, j->n_i);
            for (int64_t b = 0, eb; b < j->n_c; b = eb) {
                eb = qn_test_int(t, b + 1, j->n_c);
                run_part(t, j, fn, (int64_t[]){i, a, ea, b, eb});
            }
        }
    CHECK_EQ(t, memcmp(whole, j->y.buffer, (size_t)n * sizeof *whole), 0);
    qn_reset_plane(&j->y);
    return whole;
}

/* Rows in the order of kernels.def; AVX-512 gives the bits of AVX2. */
static void check_spec(qn_test *t, const spec *s)
{
    job j;
    make_job(t, s, &j);
    int n_rows;
    const qn_kernel_row *rows = qn_kernel_rows(&n_rows);
    const float *before = NULL;
    for (int r = 0; r < n_rows; r++) {
        if (strcmp(rows[r].slot, slot_names[s->kind]) != 0) continue;
        if ((qn_cpu_isa() & rows[r].need) != rows[r].need) continue;
        qn_note(t, "%s n%d ic%d oc%d %dx%d k%dx%d s%d d%d p%d g%d act%d bias%d add%d",
                rows[r].name, s->n, s->ic, s->oc, s->h, s->w, s->kh, s->kw, s->stride,
                s->dilation, s->pad, s->groups, s->act, s->bias, s->add);
        const float *y = check_row(t, &j, (any_fn *)rows[r].fn);
        const size_t bytes = (size_t)(s->n * j.c.y.image) * sizeof *y;
        if (rows[r].need & QN_ISA_AVX512)
            CHECK(t, before && memcmp(before, y, bytes) == 0);
        before = y;
    }
}

static void check_specs(qn_test *t, const spec *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check_spec(t, s + i);
}
#define CHECK_SPECS(t, specs) check_specs((t), (specs), sizeof(specs) / sizeof *(specs))

static void check_random(qn_test *t, enum kind kind)
{
    spec s = {.kind = kind,
              .n = (int)qn_test_int(t, 1, 2),
              .ic = (int)qn_test_int(t, 1, 40),
              .oc = (int)qn_test_int(t, 1, 60),
              .h = (int)qn_test_int(t, 7, 15),
              .w = (int)qn_test_int(t, 7, 15),
              .kh = (int)qn_test_int(t, 1, 5),
              .kw = (int)qn_test_int(t, 1, 5),
              .stride = (int)qn_test_int(t, 1, 3),
              .dilation = (int)qn_test_int(t, 1, 2),
              .pad = (int)qn_test_int(t, 0, 2),
              .groups = 1,
              .act = (int)qn_test_int(t, QN_ACT_NONE, QN_ACT_GELU),
              .bias = qn_test_int(t, 0, 1),
              .add = (int)qn_test_int(t, 0, kind == DW ? 1 : 2),
              .halo = (int)qn_test_int(t, 0, 1)};
    if (kind == TWICE) s.pad = 1;
    if (kind == DW) s.oc = s.groups = s.ic;
    if (kind >= WINO4) s.kh = s.kw = 3, s.stride = s.dilation = 1;
    if (kind == STRIDED) s.stride = 2;
    if ((s.kh - 1) * s.dilation >= s.h) s.dilation = 1;
    if ((s.kw - 1) * s.dilation >= s.w) s.dilation = 1;
    check_spec(t, &s);
}

void test_conv8c_direct(qn_test *t)
{
    /* kind  n  ic  oc   h   w kh kw  s  d  p  g  act bias add halo */
    static const spec specs[] = {
        {CONV, 1, 8, 16, 1, 1, 1, 1, 1, 1, 0, 1, QN_ACT_NONE, false, false, 0},
        {CONV, 1, 64, 64, 7, 7, 1, 1, 1, 1, 0, 1, QN_ACT_RELU, true, true, 0},
        {CONV, 2, 16, 24, 9, 7, 3, 3, 1, 1, 1, 1, QN_ACT_NONE, true, false, 0},
        {CONV, 1, 16, 40, 13, 5, 3, 3, 2, 1, 1, 1, QN_ACT_CLIP, false, true, 1},
        {CONV, 1, 24, 8, 6, 6, 5, 3, 1, 2, 3, 1, QN_ACT_RELU, true, false, 0},
        {CONV, 2, 32, 32, 5, 9, 3, 3, 1, 1, 1, 4, QN_ACT_SILU, true, true, 0},
        {CONV, 1, 48, 144, 4, 5, 3, 3, 1, 1, 1, 3, QN_ACT_NONE, true, false, 0},
        {CONV, 1, 16, 48, 4, 5, 3, 3, 1, 1, 1, 2, QN_ACT_GELU, true, false, 0},
        {CONV, 1, 600, 16, 23, 24, 1, 1, 1, 1, 0, 1, QN_ACT_NONE, true, false, 0},
        {CONV, 1, 3, 5, 8, 8, 3, 3, 1, 1, 1, 1, QN_ACT_SIGMOID, true, false, 0},
    };
    CHECK_SPECS(t, specs);
    for (int i = 0; i < 40; i++)
        check_random(t, CONV);
}

void test_conv8c_stem(qn_test *t)
{
    static const spec specs[] = {
        {STEM, 1, 3, 64, 21, 23, 7, 7, 2, 1, 3, 1, QN_ACT_RELU, true, false, 0},
        {STEM, 2, 3, 32, 12, 13, 3, 3, 1, 1, 1, 1, QN_ACT_HARD_SWISH, true, true, 0},
        {STEM, 1, 1, 6, 28, 28, 5, 5, 1, 1, 2, 1, QN_ACT_NONE, true, false, 0},
        {STEM, 1, 4, 24, 9, 9, 3, 3, 1, 3, 3, 1, QN_ACT_NONE, false, false, 0},
        {STEM, 1, 2, 16, 70, 300, 3, 3, 2, 1, 1, 1, QN_ACT_RELU, true, false, 0},
        {STEM, 1, 3, 8, 3, 2, 1, 1, 1, 1, 4, 1, QN_ACT_NONE, true, false, 0},
    };
    CHECK_SPECS(t, specs);
    for (int i = 0; i < 20; i++)
        check_random(t, STEM);
}

static void check_wino(qn_test *t, enum kind kind)
{
    const spec specs[] = {
        {kind, 1, 8, 8, 4, 4, 3, 3, 1, 1, 1, 1, QN_ACT_NONE, false, false, 0},
        {kind, 1, 16, 32, 12, 8, 3, 3, 1, 1, 1, 1, QN_ACT_RELU, true, true, 0},
        {kind, 2, 24, 40, 7, 7, 3, 3, 1, 1, 1, 1, QN_ACT_CLIP, true, false, 1},
        {kind, 3, 8, 20, 5, 6, 3, 3, 1, 1, 0, 1, QN_ACT_SIGMOID, true, true, 0},
        {kind, 1, 64, 64, 23, 25, 3, 3, 1, 1, 1, 1, QN_ACT_SILU, true, false, 0},
        {kind, 1, 4, 3, 3, 30, 3, 3, 1, 1, 2, 1, QN_ACT_NONE, true, false, 0},
    };
    CHECK_SPECS(t, specs);
}

void test_conv8c_wino4(qn_test *t)
{
    check_wino(t, WINO4);
    for (int i = 0; i < 10; i++)
        check_random(t, WINO4);
}

void test_conv8c_wino2(qn_test *t)
{
    check_wino(t, WINO2);
    for (int i = 0; i < 10; i++)
        check_random(t, WINO2);
}

void test_conv8c_twice(qn_test *t)
{
    static const spec specs[] = {
        {TWICE, 1, 8, 8, 1, 1, 3, 3, 1, 1, 1, 1, QN_ACT_NONE, false, false, 0},
        {TWICE, 1, 16, 32, 6, 4, 3, 3, 1, 1, 1, 1, QN_ACT_RELU, true, 2, 0},
        {TWICE, 2, 24, 40, 7, 5, 3, 3, 1, 1, 1, 1, QN_ACT_CLIP, true, 2, 1},
        {TWICE, 3, 8, 20, 3, 6, 3, 3, 1, 1, 1, 1, QN_ACT_SIGMOID, true, true, 0},
        {TWICE, 1, 64, 64, 13, 11, 3, 3, 1, 1, 1, 1, QN_ACT_SILU, true, false, 0},
    };
    CHECK_SPECS(t, specs);
    for (int i = 0; i < 10; i++)
        check_random(t, TWICE);
}

/* Tiles cut off on neither, one and both axes, of rows that end in a last column of x
 * and of rows that leave one unread. */
void test_conv8c_wino_strided(qn_test *t)
{
    static const spec specs[] = {
        {STRIDED, 1, 8, 8, 4, 4, 3, 3, 2, 1, 1, 1, QN_ACT_NONE, false, false, 0},
        {STRIDED, 1, 16, 32, 14, 14, 3, 3, 2, 1, 1, 1, QN_ACT_RELU, true, true, 0},
        {STRIDED, 2, 24, 40, 13, 8, 3, 3, 2, 1, 1, 1, QN_ACT_CLIP, true, false, 1},
        {STRIDED, 3, 8, 20, 9, 12, 3, 3, 2, 1, 0, 1, QN_ACT_SIGMOID, true, true, 0},
        {STRIDED, 1, 64, 64, 33, 31, 3, 3, 2, 1, 1, 1, QN_ACT_SILU, true, false, 0},
        {STRIDED, 2, 4, 3, 3, 30, 3, 3, 2, 1, 2, 1, QN_ACT_NONE, true, false, 0},
        {STRIDED, 1, 8, 16, 1, 1, 3, 3, 2, 1, 1, 1, QN_ACT_NONE, true, false, 0},
    };
    CHECK_SPECS(t, specs);
    for (int i = 0; i < 20; i++)
        check_random(t, STRIDED);
}

void test_conv8c_depthwise(qn_test *t)
{
    for (int k = 1; k <= 7; k++)
        for (int stride = 1; stride <= 3; stride++)
            for (int w = 7; w <= 18; w += 11) {
                const spec s = {DW,
                                1,
                                16,
                                16,
                                9,
                                w,
                                k,
                                k,
                                stride,
                                1,
                                k / 2,
                                16,
                                k % 3 ? QN_ACT_RELU : QN_ACT_HARD_SWISH,
                                k % 2 == 1,
                                stride == 1,
                                0};
                check_spec(t, &s);
            }
    static const spec specs[] = {
        {DW, 2, 21, 21, 8, 9, 3, 3, 1, 2, 2, 21, QN_ACT_CLIP, true, true, 1},
        {DW, 1, 8, 8, 8, 1, 3, 1, 1, 1, 0, 8, QN_ACT_NONE, false, false, 0},
        {DW, 1, 5, 5, 7, 40, 3, 3, 2, 1, 1, 5, QN_ACT_SIGMOID, true, false, 0},
    };
    CHECK_SPECS(t, specs);
    for (int i = 0; i < 20; i++)
        check_random(t, DW);
}

/* Written to every second pixel of a larger tensor, as a transposed convolution does:
 * the bits of the same convolution alone, and nothing in between. */
void test_conv8c_strided_output(qn_test *t)
{
    const spec s = {CONV, 1, 16, 20, 7,           9,    2,     2,
                    1,    1, 1,  1,  QN_ACT_SILU, true, false, 0};
    job j;
    make_job(t, &s, &j);
    int n_rows, oh = (int)j.c.y.h, ow = (int)j.c.y.w;
    const int dims[] = {1, s.oc, 2 * oh, 2 * ow};
    qn_test_plane large = qn_make_plane(t, NULL, dims, 0);
    qn_conv8c wide = j.c;
    wide.y.data = large.p.data + large.p.row + 8;
    wide.y.row = 2 * large.p.row, wide.y.plane = large.p.plane, wide.y_step = 16;
    const qn_task8c all = {0, 0, j.n_i, 0, j.n_c, NULL};
    const qn_kernel_row *rows = qn_kernel_rows(&n_rows);
    for (int r = 0; r < n_rows; r++) {
        if (strcmp(rows[r].slot, "conv8c_f32") != 0) continue;
        if ((qn_cpu_isa() & rows[r].need) != rows[r].need) continue;
        ((any_fn *)rows[r].fn)(&j.c, &all);
        qn_reset_plane(&large);
        float before = large.buffer[0];
        int64_t bad = 0;
        ((any_fn *)rows[r].fn)(&wide, &all);
        for (int e = 0; e < 3 * 4 * oh * ow * 8; e++) {
            int b = e / (4 * oh * ow * 8), row = e / (16 * ow) % (2 * oh);
            int col = e / 8 % (2 * ow);
            float want = row % 2 == 1 && col % 2 == 1
                             ? j.c.y.data[b * j.c.y.plane + row / 2 * j.c.y.row +
                                          col / 2 * 8 + e % 8]
                             : before;
            float got =
                large.p.data[b * large.p.plane + row * large.p.row + col * 8 + e % 8];
            bad += got != want;
        }
        CHECK_EQ(t, bad, 0);
    }
}
