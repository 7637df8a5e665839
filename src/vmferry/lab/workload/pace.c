#include <time.h>

#include "workload.h"

enum { TICK_US = 10000, CATCH_UP_US = 100000, MILLION = 1000000 };

static uint64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * MILLION + (uint64_t)t.tv_nsec / 1000;
}

uint64_t now_ms(void) { return now_us() / 1000; }

static void earn(struct pace *pace, uint64_t unit_bytes) {
    uint64_t now = now_us(), limit = pace->bytes_s * CATCH_UP_US;
    pace->owed += pace->bytes_s * (now - pace->last_us);
    pace->last_us = now;
    if (limit < unit_bytes * MILLION)
        limit = unit_bytes * MILLION;
    if (pace->owed > limit)
        pace->owed = limit;
}

uint64_t pace_wait(struct pace *pace, uint64_t unit_bytes) {
    const struct timespec tick = {.tv_nsec = TICK_US * 1000};
    if (pace->last_us == 0)
        pace->last_us = now_us();
    do {
        nanosleep(&tick, NULL);
        earn(pace, unit_bytes);
    } while (pace->owed < unit_bytes * MILLION);
    uint64_t units = pace->owed / (unit_bytes * MILLION);
    pace->owed -= units * unit_bytes * MILLION;
    return units;
}
