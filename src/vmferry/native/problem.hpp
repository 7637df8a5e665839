// Moves over lanes, as arrays. A lane is a link, or a limit on how many run at once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace vmferry {

constexpr double NEVER = std::numeric_limits<double>::infinity();
constexpr double SLACK = 1 - 1e-12;  // rates stay below what is free, whatever the rounding
constexpr double LATE = 1 + 1e-9;    // a time this little over the target is not late

// Shared with native/schedule.py, field by field.
struct Problem {
    std::int64_t moves, lanes, hosts;
    const double *capacity;                  // of a lane: bytes a second, or how many at once
    const std::uint8_t *counted;             // of a lane: it limits how many
    const double *length;                    // of a move that sends nothing: seconds; negative: what it sends decides
    const double *fixed_bytes;               // sent once, at any rate
    const double *memory_bytes;              // the first round of the guest's memory
    const double *dirty_rate;                // bytes a second
    const double *working_set;               // bytes: the most that a round finds dirty
    const double *least_rate, *most_rate;    // bytes a second
    const std::int64_t *path_from, *path;    // moves + 1 offsets into lanes
    const std::int64_t *after_from, *after;  // moves + 1 offsets into moves
    const std::int64_t *source, *target;     // hosts; negative: none
    const double *held_bytes;                // what the guest holds of a host
    const double *free_bytes;                // of a host, at the start
};

// Seconds at this rate. The same as schedule/arithmetic.py, where it is explained.
inline double duration(const Problem &p, std::size_t move, double rate) {
    if (p.length[move] >= 0) return p.length[move];
    const double memory = p.memory_bytes[move], dirty = p.dirty_rate[move];
    const double again = dirty > 0 ? std::min(dirty * memory / rate, p.working_set[move]) : 0;
    return (p.fixed_bytes[move] + memory) / rate + (again > 0 ? again / (rate - dirty) : 0);
}

inline double full_rate(const Problem &p, std::size_t move) { return p.most_rate[move] * SLACK; }

// What a running move takes of a lane.
inline double demand(const Problem &p, std::int64_t lane, double rate) { return p.counted[lane] ? 1.0 : rate; }

struct Lanes {
    const std::int64_t *first, *last;
    const std::int64_t *begin() const { return first; }
    const std::int64_t *end() const { return last; }
};

inline Lanes path(const Problem &p, std::size_t move) {
    return {p.path + p.path_from[move], p.path + p.path_from[move + 1]};
}

inline Lanes after(const Problem &p, std::size_t move) {
    return {p.after + p.after_from[move], p.after + p.after_from[move + 1]};
}

struct Spot {
    double start = NEVER, end = NEVER, rate = 0;
};

}  // namespace vmferry
