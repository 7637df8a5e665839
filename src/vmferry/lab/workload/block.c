/* Every word of a block follows from its owner, its index and its generation, so a lost write, a write that went
 * elsewhere, another guest's data and a flipped bit all show. */
#include "workload.h"

static const uint64_t MAGIC = 0x79727265666d7600; /* "\0vmferry" */
static const uint64_t STEP = 0x9e3779b97f4a7c15;

enum { MAGIC_WORD, OWNER_WORD, INDEX_WORD, GENERATION_WORD, FIRST_BODY_WORD };

static uint64_t mix(uint64_t value) { /* splitmix64 */
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

static uint64_t seed_of(uint64_t owner, uint64_t index, uint64_t generation) {
    return mix(owner ^ mix(index + STEP * generation));
}

void block_fill(uint64_t *words, uint64_t owner, uint64_t index, uint64_t generation) {
    words[MAGIC_WORD] = MAGIC;
    words[OWNER_WORD] = owner;
    words[INDEX_WORD] = index;
    words[GENERATION_WORD] = generation;
    uint64_t value = seed_of(owner, index, generation);
    for (int i = FIRST_BODY_WORD; i < BLOCK_WORDS; i++, value += STEP)
        words[i] = value;
}

static bool intact(const uint64_t *words, uint64_t owner, uint64_t index) {
    if (words[MAGIC_WORD] != MAGIC || words[OWNER_WORD] != owner || words[INDEX_WORD] != index)
        return false;
    uint64_t value = seed_of(owner, index, words[GENERATION_WORD]), difference = 0;
    for (int i = FIRST_BODY_WORD; i < BLOCK_WORDS; i++, value += STEP)
        difference |= words[i] ^ value;
    return difference == 0;
}

static bool empty(const uint64_t *words) {
    uint64_t any = 0;
    for (int i = 0; i < BLOCK_WORDS; i++)
        any |= words[i];
    return any == 0;
}

enum block_state block_check(const uint64_t *words, uint64_t owner, uint64_t index, uint64_t generation) {
    if (intact(words, owner, index))
        return words[GENERATION_WORD] == generation ? BLOCK_OK : BLOCK_STALE;
    return empty(words) ? BLOCK_EMPTY : BLOCK_CORRUPT;
}

uint64_t block_generation(const uint64_t *words) { return words[GENERATION_WORD]; }

uint64_t owner_id(const char *name, const char *part) {
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
    for (const char *c = name; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3;
    hash = (hash ^ '/') * 0x100000001b3;
    for (const char *c = part; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3;
    return hash;
}
