/* SPDX-License-Identifier: Apache-2.0 */
/* bench/doctor.h - what about this machine may spoil figures. */
#ifndef QN_BENCH_DOCTOR_H
#define QN_BENCH_DOCTOR_H

typedef enum qn_doctor_mark {
    QN_DOCTOR_GOOD,
    QN_DOCTOR_NOTE,
    QN_DOCTOR_BAD
} qn_doctor_mark;

enum { QN_DOCTOR_FINDINGS = 24 };

typedef struct qn_doctor_report {
    int n;
    struct {
        const char *subject;
        qn_doctor_mark mark;
        char text[240]; /* one sentence */
    } finding[QN_DOCTOR_FINDINGS];
} qn_doctor_report;

/* Watches the machine for that many seconds. */
void qn_doctor_look(qn_doctor_report *d, double seconds);

#endif
