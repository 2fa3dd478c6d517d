/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/vnormgrad.h - the way back through a normalisation, included once per
 * type with T, ELEM (its qn_elem), V(name), an exported name of that type, and L(name),
 * a local one, defined. */

/* Elements that pass through an activation at a time. */
#define CHUNK 512

/* dy before the activation: dy itself, or room filled. */
static const T *L(through)(const qn_norm_map *m, const T *dy, const T *x, int64_t n,
                           T *room)
{
    const float p[2] = {(float)m->p[0], (float)m->p[1]};
    enum qn_unary_op act = (enum qn_unary_op)m->act;
    if (m->act < 0) return dy;
    V(affine)(room, x, n, m->mean, m->scale, m->bias);
    if (qn_unary_grad_from_value(act)) qn_unary(act, ELEM)(room, room, n, p);
    qn_unary_grad(act, ELEM)(dy, room, room, n, m->p);
    return room;
}

static qn_grad_sums L(sums_of)(const T *dy, const T *x, int64_t n, double mean)
{
    double s[8] = {0}, q[8] = {0};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int64_t j = 0; j < 8; j++) {
            double d = (double)dy[i + j];
            s[j] += d;
            q[j] += d * ((double)x[i + j] - mean);
        }
    for (int64_t j = 0; i < n; i++, j++) {
        double d = (double)dy[i];
        s[j] += d;
        q[j] += d * ((double)x[i] - mean);
    }
    return (qn_grad_sums){
        ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7])),
        ((q[0] + q[1]) + (q[2] + q[3])) + ((q[4] + q[5]) + (q[6] + q[7]))};
}

qn_grad_sums V(norm_grad_sums)(const T *dy, const T *x, int64_t n, const qn_norm_map *m)
{
    T room[CHUNK];
    qn_grad_sums total = {0, 0};
    for (int64_t k = 0, part; k < n; k += part) {
        part = n - k < CHUNK ? n - k : CHUNK;
        const T *g = L(through)(m, dy + k, x + k, part, room);
        qn_grad_sums s = L(sums_of)(g, x + k, part, m->mean);
        total.sum += s.sum;
        total.product += s.product;
    }
    return total;
}

void V(norm_grad)(T *dx, const T *dy, const T *x, int64_t n, const qn_norm_map *m,
                  const qn_norm_back *b)
{
    T room[CHUNK], mean = (T)m->mean, scale = (T)b->scale, shift = (T)b->shift;
    T slope = (T)b->slope;
    for (int64_t k = 0, part; k < n; k += part) {
        part = n - k < CHUNK ? n - k : CHUNK;
        const T *g = L(through)(m, dy + k, x + k, part, room), *from = x + k;
        T *to = dx + k;
        QN_INDEPENDENT
        for (int64_t i = 0; i < part; i++)
            to[i] = scale * ((g[i] - shift) - (from[i] - mean) * slope);
    }
}
#undef CHUNK

/* Sums of u = dy * scale and of u h, in eight lanes. */
static qn_grad_sums L(row_sums)(const T *dy, const T *x, int64_t n,
                                const qn_row_back *r)
{
    const T *scale = r->scale, mean = (T)r->mean, factor = (T)r->factor;
    double s[8] = {0}, q[8] = {0};
    for (int64_t k = 0; k < n; k += 8)
        for (int64_t j = 0; j < 8 && k + j < n; j++) {
            const T u = dy[k + j] * scale[k + j];
            s[j] += (double)u;
            q[j] += (double)(u * ((x[k + j] - mean) * factor));
        }
    return (qn_grad_sums){
        ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7])),
        ((q[0] + q[1]) + (q[2] + q[3])) + ((q[4] + q[5]) + (q[6] + q[7]))};
}

void V(norm_row_back)(T *dx, const T *dy, const T *x, int64_t n, const qn_row_back *r)
{
    const T *scale = r->scale, mean = (T)r->mean, factor = (T)r->factor;
    T *dscale = r->dscale, *dbias = r->dbias;
    for (int64_t i = 0; dscale && i < n; i++)
        dscale[i] += dy[i] * ((x[i] - mean) * factor);
    for (int64_t i = 0; dbias && i < n; i++)
        dbias[i] += dy[i];
    if (!dx) return;
    const qn_grad_sums sums = L(row_sums)(dy, x, n, r);
    const T shift = r->about_zero ? 0 : (T)(sums.sum / (double)n);
    const T slope = (T)(sums.product / (double)n);
    for (int64_t i = 0; i < n; i++)
        dx[i] = factor * ((dy[i] * scale[i] - shift) - (x[i] - mean) * factor * slope);
}

void V(norm_mix)(T *dx, const T *dy, const T *x, int64_t n, const qn_norm_mix *m)
{
    const T a = (T)m->a, b = (T)m->b, c = (T)m->c, mean = (T)m->mean;
    for (int64_t i = 0; i < n; i++)
        dx[i] = a * dy[i] + (b * (x[i] - mean) + c);
}
