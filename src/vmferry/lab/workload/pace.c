#include <time.h>

#include "workload.h"

enum { TICK_US = 10000, CATCH_UP_US = 100000 };

static uint64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t now_ms(void) { return now_us() / 1000; }

static void earn(struct pace *pace) {
    uint64_t now = now_us(), elapsed = now - pace->last_us;
    pace->last_us = now;
    uint64_t limit = pace->bytes_s * CATCH_UP_US / 1000000;
    pace->owed_bytes += pace->bytes_s * (elapsed < CATCH_UP_US ? elapsed : CATCH_UP_US) / 1000000;
    if (pace->owed_bytes > limit && limit > 0)
        pace->owed_bytes = limit;
}

uint64_t pace_wait(struct pace *pace, uint64_t unit_bytes) {
    const struct timespec tick = {.tv_nsec = TICK_US * 1000};
    if (pace->last_us == 0)
        pace->last_us = now_us();
    do {
        nanosleep(&tick, NULL);
        earn(pace);
    } while (pace->owed_bytes < unit_bytes);
    uint64_t units = pace->owed_bytes / unit_bytes;
    pace->owed_bytes -= units * unit_bytes;
    return units;
}
