/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/cell_shape.c - the shape of one cell from its runs: moments in closed
 * form a run at a time, the hull from the ends of rows, the perimeter from patterns of
 * border pixels (Benkrid and Crookes 2000, as scikit-image's perimeter with
 * neighborhood 4).
 */
#include "engine/cells/crack.h"
#include "engine/cells/measure_parts.h"

#include <math.h>

#define PI 3.14159265358979323846

/* ---- moments ---- */

static void find_box(const qn_cell_pixels *p, qn_cell *c)
{
    double sum_x = 0, sum_y = 0;
    c->left = INT32_MAX;
    for (int64_t i = 0; i < p->n_runs; i++) {
        const qn_run *r = &p->run[i];
        const int64_t n = r->end - r->begin;
        c->area += n;
        sum_x += (double)n * 0.5 * ((double)r->begin + (double)r->end - 1);
        sum_y += (double)n * r->line;
        if (r->begin < c->left) c->left = r->begin;
        if (r->end > c->right) c->right = r->end;
    }
    c->top = p->run[0].line;
    c->bottom = p->run[p->n_runs - 1].line + 1;
    c->x = sum_x / (double)c->area;
    c->y = sum_y / (double)c->area;
    c->is_at_edge = c->top == 0 || c->left == 0 || c->bottom == p->labels->height ||
                    c->right == p->labels->width;
}

static void set_ellipse(qn_cell *c, double xx, double xy, double yy)
{
    const double mean = (xx + yy) / 2, apart = (xx - yy) / 2;
    const double root = sqrt(apart * apart + xy * xy);
    const double large = mean + root, small = fmax(0, mean - root);
    const double angle = -0.5 * atan2(2 * xy, xx - yy) * 180 / PI;
    c->major = 4 * sqrt(large);
    c->minor = 4 * sqrt(small);
    c->eccentricity = sqrt(fmax(0, 1 - small / large));
    c->orientation = angle < 0 ? angle + 180 : angle + 0; /* no -0 */
}

void qn_cell_moments(const qn_cell_pixels *p, qn_cell *c)
{
    double xx = 0, xy = 0, yy = 0;
    find_box(p, c);
    for (int64_t i = 0; i < p->n_runs; i++) {
        const qn_run *r = &p->run[i];
        const double n = (double)(r->end - r->begin);
        const double dx = 0.5 * ((double)r->begin + (double)r->end - 1) - c->x;
        const double dy = r->line - c->y;
        xx += n * (dx * dx + (n * n - 1) / 12);
        xy += n * dx * dy;
        yy += n * dy * dy;
    }
    const double area = (double)c->area;
    set_ellipse(c, xx / area + 1.0 / 12, xy / area, yy / area + 1.0 / 12);
    c->equiv_diameter = 2 * sqrt(area / PI);
    c->extent = area / ((double)(c->right - c->left) * (double)(c->bottom - c->top));
}

/* ---- convex hull ---- */

/* One side of the hull, from the top down; sign 1: the left one, -1: the right one. */
typedef struct side {
    int64_t *at; /* x, y in turns */
    int64_t n;   /* corners */
    int sign;
} side;

/* Whether corner b lies outside the line from a to (x, y). */
static bool is_outside(const side *s, int64_t x, int64_t y)
{
    const int64_t *a = s->at + 2 * (s->n - 2), *b = a + 2;
    return s->sign * ((b[0] - a[0]) * (y - a[1]) - (x - a[0]) * (b[1] - a[1])) < 0;
}

static void add_corner(side *s, int64_t x, int64_t y)
{
    if (s->n > 0 && s->at[2 * s->n - 1] == y) {
        if (s->sign * (x - s->at[2 * s->n - 2]) >= 0) return;
        s->n--;
    }
    while (s->n >= 2 && !is_outside(s, x, y))
        s->n--;
    s->at[2 * s->n] = x;
    s->at[2 * s->n + 1] = y;
    s->n++;
}

/* Twice the area between the side and the y axis. */
static int64_t side_area2(const side *s)
{
    int64_t sum = 0;
    for (int64_t i = 0; i + 1 < s->n; i++) {
        const int64_t *a = s->at + 2 * i;
        sum += (a[0] + a[2]) * (a[3] - a[1]);
    }
    return sum;
}

static double longest(const side *a, const side *b)
{
    int64_t most = 0;
    for (int64_t i = 0; i < a->n; i++)
        for (int64_t k = 0; k < b->n; k++) {
            const int64_t dx = a->at[2 * i] - b->at[2 * k];
            const int64_t dy = a->at[2 * i + 1] - b->at[2 * k + 1];
            if (dx * dx + dy * dy > most) most = dx * dx + dy * dy;
        }
    return sqrt((double)most);
}

void qn_cell_hull(const qn_cell_pixels *p, const qn_hull_room *room, qn_cell *c)
{
    side left = {room->left, 0, 1}, right = {room->right, 0, -1};
    for (int64_t i = 0; i < p->n_runs; i++) {
        const qn_run *r = &p->run[i];
        const bool is_first = i == 0 || r[-1].line != r->line;
        const bool is_last = i + 1 == p->n_runs || r[1].line != r->line;
        if (is_first) add_corner(&left, r->begin, r->line);
        if (is_first) add_corner(&left, r->begin, (int64_t)r->line + 1);
        if (is_last) add_corner(&right, r->end, r->line);
        if (is_last) add_corner(&right, r->end, (int64_t)r->line + 1);
    }
    const int64_t area2 = side_area2(&right) - side_area2(&left);
    c->solidity = 2 * (double)c->area / (double)area2;
    c->feret = fmax(longest(&left, &right),
                    fmax(longest(&left, &left), longest(&right, &right)));
}

/* ---- perimeter ---- */

/* A pixel of the cell with a neighbour of four that is none. */
static bool is_border(const qn_cell_pixels *p, int32_t x, int32_t y)
{
    return qn_label_at(p->labels, p->label, x, y) &&
           !(qn_label_at(p->labels, p->label, x - 1, y) &&
             qn_label_at(p->labels, p->label, x + 1, y) &&
             qn_label_at(p->labels, p->label, x, y - 1) &&
             qn_label_at(p->labels, p->label, x, y + 1));
}

/* 1 for the pixel, 2 for each border pixel beside it, 10 for each across a corner. */
static int pattern(const qn_cell_pixels *p, int32_t x, int32_t y)
{
    int code = 1;
    for (int32_t dy = -1; dy <= 1; dy++)
        for (int32_t dx = -1; dx <= 1; dx++)
            if ((dx || dy) && is_border(p, x + dx, y + dy)) code += dx && dy ? 10 : 2;
    return code;
}

void qn_cell_perimeter(const qn_cell_pixels *p, qn_cell *c)
{
    /* 1: a step along a side; 2: across a corner; 3: half of each */
    static const uint8_t kind[50] = {[5] = 1,  [7] = 1,  [15] = 1, [17] = 1, [25] = 1,
                                     [27] = 1, [21] = 2, [33] = 2, [13] = 3, [23] = 3};
    int64_t steps[4] = {0};
    for (int64_t i = 0; i < p->n_runs; i++)
        for (int32_t x = p->run[i].begin; x < p->run[i].end; x++)
            if (is_border(p, x, p->run[i].line))
                steps[kind[pattern(p, x, p->run[i].line)]]++;
    c->perimeter = (double)steps[1] + sqrt(2) * (double)steps[2] +
                   (1 + sqrt(2)) / 2 * (double)steps[3];
    const double round = 4 * PI * (double)c->area / (c->perimeter * c->perimeter);
    c->circularity = c->perimeter > 0 ? fmin(1, round) : 0;
}
