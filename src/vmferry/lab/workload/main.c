#include <time.h>

#include "workload.h"

enum { BEAT_MS = 10, REPORT_MS = 5000 };

struct heartbeat heartbeat;

uint64_t total_errors(void) {
    uint64_t sum = memory.errors;
    for (int i = 0; i < disk_count; i++)
        sum += disks[i].errors;
    return sum;
}

static void report(void) {
    say("%s heartbeat %lu, longest gap %lu ms, %lu MiB dirtied, %lu errors", settings.name, heartbeat.count,
        heartbeat.gap_max_ms, memory.dirtied_bytes >> 20, total_errors());
}

/* Beats for ever: the heartbeat is process 1's own thread, so its end would panic the kernel and be seen. */
static void beat(void) {
    const struct timespec pause = {.tv_nsec = BEAT_MS * 1000000};
    uint64_t last = now_ms(), reported = last;
    for (;;) {
        nanosleep(&pause, NULL);
        uint64_t now = now_ms(), gap = now - last;
        last = now;
        heartbeat.count++;
        if (gap > heartbeat.gap_max_ms)
            heartbeat.gap_max_ms = gap;
        if (now - reported >= REPORT_MS) {
            reported = now;
            report();
        }
    }
}

int main(void) {
    platform_init();
    say("%s is up after %lu ms at %s", settings.name, now_ms(), settings.address);
    http_start();
    disks_start();
    memory_start();
    beat();
    return 0;
}
