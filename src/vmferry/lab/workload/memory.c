/* Dirties the working set in order, page by page, at the set rate; each page is checked against its last
 * generation before it is rewritten, so a page that a migration lost or delivered old is found one sweep later. */
#include <sys/mman.h>

#include "workload.h"

struct memory_counters memory;

static const char *const FAULTS[] = {"", "is zero", "is old", "is corrupt"};

static uint64_t *working_set;

static void dirty(uint64_t index, uint64_t pass, uint64_t owner) {
    uint64_t *page = working_set + index * BLOCK_WORDS;
    enum block_state state = block_check(page, owner, index, pass - 1);
    if (state != BLOCK_OK) {
        memory.errors++;
        say("memory page %lu %s: generation %lu, expected %lu", index, FAULTS[state], block_generation(page), pass - 1);
    }
    block_fill(page, owner, index, pass);
    memory.verified_pages++;
    memory.dirtied_bytes += BLOCK_BYTES;
}

static void *run(void *unused) {
    (void)unused;
    be_nice();
    const uint64_t owner = owner_id(settings.name, "memory");
    const uint64_t pages = settings.working_set_bytes / BLOCK_BYTES;
    struct pace pace = {.bytes_s = settings.dirty_bytes_s};
    for (uint64_t i = 0; i < pages; i++)
        block_fill(working_set + i * BLOCK_WORDS, owner, i, 0);
    for (uint64_t next = 0;;)
        for (uint64_t left = pace_wait(&pace, BLOCK_BYTES); left > 0; left--, next++)
            dirty(next % pages, next / pages + 1, owner);
    return NULL;
}

void memory_start(void) {
    if (settings.working_set_bytes < BLOCK_BYTES || settings.dirty_bytes_s == 0)
        return;
    working_set = mmap(NULL, settings.working_set_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (working_set == MAP_FAILED) {
        memory.errors++;
        say("no memory for a working set of %lu bytes", settings.working_set_bytes);
        return;
    }
    start_thread(run, NULL);
}
