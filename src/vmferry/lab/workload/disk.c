/* Writes 256 extents of 64 KiB, spread evenly over each disk, with O_DIRECT, and reads all of them back in a cycle.
 * A write counts only once it was acknowledged; from then on nothing older may ever be read. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "workload.h"

enum { EXTENT_BLOCKS = 16, EXTENT_BYTES = EXTENT_BLOCKS * BLOCK_BYTES, MAX_EXTENTS = 256, READS_PER_WRITE = 2 };

struct disk disks[MAX_DISKS];
int disk_count;

static const char *const FAULTS[] = {"", "is empty", "is old", "is corrupt"};

struct area { /* one thread's own view of one disk */
    struct disk *disk;
    int fd;
    uint64_t *buffer;
    uint64_t owner, extents, stride_bytes;
    uint64_t generations[MAX_EXTENTS]; /* 0: never written, nothing to expect */
    uint64_t next_write, next_read;
};

static uint64_t offset_of(const struct area *a, uint64_t extent) { return extent * a->stride_bytes; }

static uint64_t index_of(const struct area *a, uint64_t extent, int block) {
    return offset_of(a, extent) / BLOCK_BYTES + (uint64_t)block;
}

static void fault(struct area *a, uint64_t extent, const char *what) {
    a->disk->errors++;
    say("%s extent %lu: %s", a->disk->device, extent, what);
}

static bool read_extent(struct area *a, uint64_t extent) {
    if (pread(a->fd, a->buffer, EXTENT_BYTES, (off_t)offset_of(a, extent)) == EXTENT_BYTES)
        return true;
    fault(a, extent, "read failed");
    return false;
}

static void write_extent(struct area *a, uint64_t extent) {
    uint64_t generation = a->generations[extent] + 1;
    for (int i = 0; i < EXTENT_BLOCKS; i++)
        block_fill(a->buffer + i * BLOCK_WORDS, a->owner, index_of(a, extent, i), generation);
    if (pwrite(a->fd, a->buffer, EXTENT_BYTES, (off_t)offset_of(a, extent)) != EXTENT_BYTES) {
        fault(a, extent, "write failed");
        a->generations[extent] = 0; /* old or new: either may be there */
        return;
    }
    a->generations[extent] = generation;
    a->disk->writes += EXTENT_BLOCKS;
}

static void verify_extent(struct area *a, uint64_t extent) {
    if (a->generations[extent] == 0 || !read_extent(a, extent))
        return;
    for (int i = 0; i < EXTENT_BLOCKS; i++) {
        const uint64_t *block = a->buffer + i * BLOCK_WORDS;
        enum block_state state = block_check(block, a->owner, index_of(a, extent, i), a->generations[extent]);
        if (state != BLOCK_OK)
            fault(a, extent, FAULTS[state]);
    }
    a->disk->verified += EXTENT_BLOCKS;
}

/* What an earlier boot left is expected from now on; an extent that its end tore in two is not. */
static void recall_extent(struct area *a, uint64_t extent) {
    if (!read_extent(a, extent))
        return;
    uint64_t generation = block_generation(a->buffer);
    for (int i = 0; i < EXTENT_BLOCKS; i++)
        if (block_check(a->buffer + i * BLOCK_WORDS, a->owner, index_of(a, extent, i), generation) != BLOCK_OK)
            return;
    a->generations[extent] = generation;
}

static void verify_next(struct area *a) {
    verify_extent(a, a->next_read);
    a->next_read = (a->next_read + 1) % a->extents;
    if (a->next_read == 0)
        a->disk->cycles++;
}

static bool open_area(struct area *a) {
    char path[32];
    uint64_t size_bytes = 0;
    snprintf(path, sizeof path, "/dev/%s", a->disk->device);
    a->fd = open(path, O_RDWR | O_DIRECT);
    if (a->fd < 0 || ioctl(a->fd, BLKGETSIZE64, &size_bytes) < 0 || size_bytes < EXTENT_BYTES)
        return false;
    a->extents = size_bytes / EXTENT_BYTES < MAX_EXTENTS ? size_bytes / EXTENT_BYTES : MAX_EXTENTS;
    a->stride_bytes = size_bytes / a->extents / BLOCK_BYTES * BLOCK_BYTES;
    a->owner = owner_id(settings.name, a->disk->device);
    return posix_memalign((void **)&a->buffer, BLOCK_BYTES, EXTENT_BYTES) == 0;
}

static void *run(void *argument) {
    struct area *a = argument;
    struct pace pace = {.bytes_s = settings.disk_bytes_s};
    if (!open_area(a)) {
        fault(a, 0, "cannot be opened or is smaller than 64 KiB");
        return NULL;
    }
    for (uint64_t i = 0; i < a->extents; i++)
        recall_extent(a, i);
    for (;;)
        for (uint64_t left = pace_wait(&pace, EXTENT_BYTES); left > 0; left--) {
            write_extent(a, a->next_write);
            a->next_write = (a->next_write + 1) % a->extents;
            for (int i = 0; i < READS_PER_WRITE; i++)
                verify_next(a);
        }
    return NULL;
}

static void start_disk(const char *device) {
    struct disk *disk = &disks[disk_count++];
    snprintf(disk->device, sizeof disk->device, "%.15s", device);
    struct area *a = calloc(1, sizeof *a);
    a->disk = disk;
    start_thread(run, a);
}

void disks_start(void) {
    struct dirent **entries;
    int count = scandir("/sys/block", &entries, NULL, alphasort);
    for (int i = 0; i < count; i++)
        if (strncmp(entries[i]->d_name, "vd", 2) == 0 && disk_count < MAX_DISKS)
            start_disk(entries[i]->d_name);
}
