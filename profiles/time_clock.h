/* The clock of every timed number: CLOCK_MONOTONIC_RAW, which no NTP adjustment speeds up or slows down. */
#ifndef BITJOULE_TIME_CLOCK_H
#define BITJOULE_TIME_CLOCK_H

/* Seconds since some fixed point. A double keeps 1 ns apart for uptimes up to 52 days and 2 ns up to 104:
 * spacing of doubles in [2^22, 2^23) s is 2^-30 s = 0.93 ns. */
double time_now_s(void);

struct time_clock_info {
    double resolution_s; /* smallest step that was seen between two different readings */
    double cost_s;       /* of one time_now_s(), median of batches */
};

/* Measures both in about a millisecond. */
void time_clock_measure(struct time_clock_info *out);

#endif
