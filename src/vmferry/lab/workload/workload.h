/* The lab guest's only process. One file per duty; this header is all they share. */
#ifndef VMFERRY_WORKLOAD_H
#define VMFERRY_WORKLOAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BLOCK_BYTES = 4096, BLOCK_WORDS = BLOCK_BYTES / 8, MAX_DISKS = 8 };

struct settings { /* from the kernel command line: vmferry.NAME=VALUE */
    char name[64];
    char address[32]; /* a.b.c.d/prefix */
    uint64_t dirty_bytes_s;
    uint64_t working_set_bytes;
    uint64_t disk_bytes_s; /* written per disk; twice as much is read back */
};

struct memory_counters {
    _Atomic uint64_t dirtied_bytes, verified_pages, errors;
};

struct disk {
    char device[16];
    _Atomic uint64_t writes, verified, errors; /* blocks */
    _Atomic uint64_t cycles;                   /* times that every block was read back */
};

struct heartbeat {
    _Atomic uint64_t count, gap_max_ms;
};

extern struct settings settings;
extern struct memory_counters memory;
extern struct heartbeat heartbeat;
extern struct disk disks[MAX_DISKS];
extern int disk_count;

/* platform.c: what an init has to do */
void platform_init(void);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void start_thread(void *(*body)(void *), void *argument);
void be_nice(void);

/* pace.c: times by CLOCK_MONOTONIC, which stands still while the guest is paused */
uint64_t now_ms(void);
struct pace {
    uint64_t bytes_s, last_us;
    uint64_t owed; /* in millionths of a byte, so that a slow pace is not rounded away */
};
/* Sleeps until at least one UNIT is owed and says how many units are. A pause is caught up by at most 100 ms of work,
 * or one UNIT. */
uint64_t pace_wait(struct pace *pace, uint64_t unit_bytes);

/* block.c: 4 KiB that prove whose, which and how new they are */
enum block_state { BLOCK_OK, BLOCK_EMPTY, BLOCK_STALE, BLOCK_CORRUPT };
void block_fill(uint64_t *words, uint64_t owner, uint64_t index, uint64_t generation);
enum block_state block_check(const uint64_t *words, uint64_t owner, uint64_t index, uint64_t generation);
uint64_t block_generation(const uint64_t *words);
uint64_t owner_id(const char *name, const char *part);

void memory_start(void);
void disks_start(void);
void http_start(void);
uint64_t total_errors(void);

#endif
