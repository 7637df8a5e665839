// The first few of many hosts by what each could be worth at best for one guest; see placement/choice.py.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

struct Ranked {
    double key;
    std::int64_t host;

    bool operator<(const Ranked &other) const { return key != other.key ? key > other.key : host < other.host; }
};

} // namespace

// Fields of which nothing is known are NaN. `loss`: what a host loses by what its own check left open; infinite where it
// takes nobody. Writes at most `most` of them, best first, and says how many.
extern "C" std::int64_t vmferry_rank(std::int64_t hosts, const double *room, const double *memory, const double *given,
                                     const double *cpus, const double *loss, double guest_memory, double guest_cpus,
                                     double memory_weight, double cpu_weight, double least_loss, std::int64_t most,
                                     std::int64_t *order, double *keys) {
    const double weights = memory_weight + cpu_weight;
    std::vector<Ranked> found;
    found.reserve(static_cast<std::size_t>(hosts));
    for (std::int64_t host = 0; host < hosts; ++host) {
        if (std::isinf(loss[host])) {
            continue;
        }
        double free = 0.0, idle = 0.0;
        if (room[host] == room[host] && memory[host] > 0.0) {
            free = std::min(1.0, std::max(0.0, room[host] - guest_memory) / memory[host]);
        }
        if (given[host] == given[host] && cpus[host] > 0.0) {
            idle = 1.0 / (1.0 + (given[host] + guest_cpus) / cpus[host]);
        }
        const double mean = weights > 0.0 ? (free * memory_weight + idle * cpu_weight) / weights : 0.0;
        const double worth = mean - std::max(loss[host], least_loss);
        found.push_back({std::nearbyint(worth * 1e4) / 1e4, host});
    }
    const auto end = found.begin() + std::min<std::int64_t>(most, static_cast<std::int64_t>(found.size()));
    std::partial_sort(found.begin(), end, found.end());
    for (auto each = found.begin(); each != end; ++each) {
        order[each - found.begin()] = each->host;
        keys[each - found.begin()] = each->key;
    }
    return end - found.begin();
}
