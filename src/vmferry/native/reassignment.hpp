// Which machine each process runs on: costs, constraints, and what one or two moves would change of them.
//
// The problem is that of the Google/ROADEF-EURO challenge of 2012, in its terms. For vmferry a machine is a host and a
// process a guest; a transient resource is what a guest that moves holds on both hosts until it has moved.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace vmferry {

using Cost = double;  // whole numbers below 2^53, which doubles hold exactly, and compare several at a time

// Shared with placement/reassignment.py, field by field.
struct Fleet {
    std::int64_t machines, processes, services, resources, balances, locations, neighbourhoods;
    const std::uint8_t *transient;                   // of a resource
    const std::int64_t *load_weight;                 // of a resource
    const std::int64_t *capacity, *soft_capacity;    // machines x resources
    const std::int64_t *location, *neighbourhood;    // of a machine
    const std::int64_t *machine_move;                // machines x machines: from, to
    const std::int64_t *service;                     // of a process
    const std::int64_t *need;                        // processes x resources
    const std::int64_t *process_move;                // of a process
    const std::int64_t *spread;                      // of a service: locations at the least
    const std::int64_t *needs_from, *needs;          // services + 1 offsets into services it depends on
    const std::int64_t *balance;                     // balances x 4: resource, resource, target, weight
    const double *curve;                             // machines x resources: the cost of the squared distance from the
                                                     // soft capacity; null: of none
    const std::uint8_t *allowed;                     // processes x machines; null: each may be anywhere
    std::int64_t process_weight, service_weight, machine_weight;
    const std::int64_t *origin;                      // of a process
};

// `W`: resources, filled up with ones that nobody needs, so that loops over them have a length that the compiler knows.
template <int W>
class Assignment {
public:
    Assignment(const Fleet &fleet, const std::int64_t *start)
        : f(fleet), at(start, start + fleet.processes), used(fleet.machines * W, 0), held(used),
          need(fleet.processes * W, 0), room(fleet.machines * W, INFINITY), soft(room), weight(W, 0), transient(W, 0),
          curve(fleet.curve == nullptr ? 0 : fleet.machines * W, 0),
          there(fleet.services * fleet.machines, 0), in_location(fleet.services * fleet.locations, 0),
          in_neighbourhood(fleet.services * fleet.neighbourhoods, 0), locations(fleet.services, 0),
          moved(fleet.services, 0), with_moved(fleet.processes + 2, 0), machine_cost(fleet.machines),
          wanted_by(fleet.services), residents(fleet.machines), seat(fleet.processes) {
        for (std::int64_t r = 0; r < f.resources; ++r) {
            weight[r] = static_cast<Cost>(f.load_weight[r]);
            transient[r] = f.transient[r];
            for (std::int64_t p = 0; p < f.processes; ++p) need[p * W + r] = static_cast<Cost>(f.need[p * f.resources + r]);
            for (std::int64_t m = 0; m < f.machines; ++m) {
                room[m * W + r] = static_cast<Cost>(f.capacity[m * f.resources + r]);
                soft[m * W + r] = static_cast<Cost>(f.soft_capacity[m * f.resources + r]);
                if (f.curve != nullptr) curve[m * W + r] = f.curve[m * f.resources + r];
            }
        }
        for (std::int64_t s = 0; s < f.services; ++s)
            for (std::int64_t k = f.needs_from[s]; k < f.needs_from[s + 1]; ++k) wanted_by[f.needs[k]].push_back(s);
        with_moved[0] = f.services;
        for (std::int64_t p = 0; p < f.processes; ++p) {
            enter(p, at[p]);
            if (at[p] != f.origin[p]) hold_origin(p, +1), count_moved(f.service[p], +1), moves_cost += move_cost(p, at[p]);
        }
        for (std::int64_t m = 0; m < f.machines; ++m) machine_cost[m] = cost_of(m, &used[m * W]);
    }

    Cost total() const {
        Cost sum = moves_cost + static_cast<Cost>(f.service_weight * most_moved);
        for (Cost each : machine_cost) sum += each;
        return sum;
    }

    std::int64_t on(std::int64_t process) const { return at[process]; }
    const std::vector<std::int64_t> &all() const { return at; }

    const std::vector<std::int64_t> &of(std::int64_t machine) const { return residents[machine]; }

    // Moves a process if it may, and if `change`, which is what it costs, is no more than `limit`. With `squeeze` its new
    // machine may be overfull after it.
    bool shift(std::int64_t p, std::int64_t to, double limit, Cost &change, bool squeeze = false) {
        const std::int64_t from = at[p], s = f.service[p];
        if (from == to || !allowed(p, to) || count(s, to) > 0 || (!squeeze && !fits(p, to))) return false;
        const Cost *mine = &need[p * W];
        const Cost left = cost_with(from, mine, -1), entered = cost_with(to, mine, +1);
        change = left + entered - machine_cost[from] - machine_cost[to] + move_cost(p, to) - move_cost(p, from);
        if (change > limit) return false;
        const std::int64_t before = most_moved;
        relocate(p, to);
        change += static_cast<Cost>(f.service_weight * (most_moved - before));
        if (change > limit || !sound(s, from, to)) {
            relocate(p, from);
            return false;
        }
        machine_cost[from] = left;
        machine_cost[to] = entered;
        moves_cost += move_cost(p, to) - move_cost(p, from);
        return true;
    }

    // What a shift would cost, its constraints of services left out; false: it does not fit.
    bool price(std::int64_t p, std::int64_t to, Cost &change) const {
        const std::int64_t from = at[p];
        if (from == to || !allowed(p, to) || count(f.service[p], to) > 0 || !fits(p, to)) return false;
        const Cost *mine = &need[p * W];
        change = cost_with(to, mine, +1) - machine_cost[to] + move_cost(p, to) - move_cost(p, from);
        return true;
    }

    // What its going would change on its own machine: mostly less than nothing.
    Cost price_leaving(std::int64_t p) const {
        return cost_with(at[p], &need[p * W], -1) - machine_cost[at[p]];
    }

    // What it would cost on a machine at the least, with nothing else there.
    Cost price_alone(std::int64_t p, std::int64_t to) const {
        Cost sum = move_cost(p, to) - move_cost(p, at[p]);
        bool fits_alone = true;
        for (int r = 0; r < W; ++r) {
            fits_alone &= need[p * W + r] <= room[to * W + r];
            sum += weight[r] * std::max<Cost>(0, need[p * W + r] - soft[to * W + r]);
        }
        return fits_alone ? sum : INFINITY;
    }

    // Whether its service may be there instead of where it is: a quick look, that `shift` makes again.
    bool may(std::int64_t p, std::int64_t to) const {
        const std::int64_t s = f.service[p], here = f.location[at[p]], there_ = f.location[to];
        const std::int64_t after = locations[s] - (here != there_ && in_location[s * f.locations + here] == 1) +
                                   (here != there_ && in_location[s * f.locations + there_] == 0);
        return after >= f.spread[s] && (f.neighbourhood[at[p]] == f.neighbourhood[to] || served(s, f.neighbourhood[to]));
    }

    // The same of two processes that take each other's place.
    bool swap(std::int64_t p, std::int64_t q, double limit, Cost &change) {
        const std::int64_t a = at[p], b = at[q], s = f.service[p], t = f.service[q];
        if (a == b || !allowed(p, b) || !allowed(q, a) || (s != t && (count(s, b) > 0 || count(t, a) > 0))) return false;
        if (!fits_instead(p, q, b) || !fits_instead(q, p, a)) return false;
        const Cost *in = &need[q * W], *out = &need[p * W];
        const Cost at_a = cost_between(a, in, out), at_b = cost_between(b, out, in);
        const Cost moves = move_cost(p, b) - move_cost(p, a) + move_cost(q, a) - move_cost(q, b);
        change = at_a + at_b - machine_cost[a] - machine_cost[b] + moves;
        if (change > limit) return false;
        const std::int64_t before = most_moved;
        relocate(p, b);
        relocate(q, a);
        change += static_cast<Cost>(f.service_weight * (most_moved - before));
        if (change > limit || !sound(s, a, b) || !sound(t, b, a)) {
            relocate(q, b);
            relocate(p, a);
            return false;
        }
        machine_cost[a] = at_a;
        machine_cost[b] = at_b;
        moves_cost += moves;
        return true;
    }

    // The resource that a machine has too little of, by the largest share; negative: it has enough of all.
    std::int64_t lacking(std::int64_t m) const {
        std::int64_t worst = -1;
        double most = 0;
        for (std::int64_t r = 0; r < f.resources; ++r) {
            const Cost over = held[m * W + r] - room[m * W + r];
            if (over <= 0) continue;
            const double share = over / (room[m * W + r] + 1);
            if (worst < 0 || share > most) worst = r, most = share;
        }
        return worst;
    }

    // What of a resource a machine would get back if a process left it.
    Cost given_back(std::int64_t p, std::int64_t r) const {
        return f.transient[r] && f.origin[p] == at[p] ? 0 : need[p * W + r];
    }

    Cost needs(std::int64_t p, std::int64_t r) const { return need[p * W + r]; }

    // Whether all constraints hold, looked at afresh: for the start.
    bool feasible() const {
        for (std::size_t k = 0; k < held.size(); ++k)
            if (held[k] > room[k]) return false;
        for (std::uint16_t each : there)
            if (each > 1) return false;
        for (std::int64_t p = 0; p < f.processes; ++p)
            if (!allowed(p, at[p])) return false;
        for (std::int64_t s = 0; s < f.services; ++s) {
            if (locations[s] < f.spread[s]) return false;
            for (std::int64_t n = 0; n < f.neighbourhoods; ++n)
                if (near(s, n) && !served(s, n)) return false;
        }
        return true;
    }

private:
    bool allowed(std::int64_t p, std::int64_t m) const { return f.allowed == nullptr || f.allowed[p * f.machines + m]; }
    std::uint16_t count(std::int64_t s, std::int64_t m) const { return there[s * f.machines + m]; }
    std::int32_t near(std::int64_t s, std::int64_t n) const { return in_neighbourhood[s * f.neighbourhoods + n]; }

    bool served(std::int64_t s, std::int64_t n) const {
        for (std::int64_t k = f.needs_from[s]; k < f.needs_from[s + 1]; ++k)
            if (!near(f.needs[k], n)) return false;
        return true;
    }

    // After a process of `s` went from one machine to another one.
    bool sound(std::int64_t s, std::int64_t from, std::int64_t to) const {
        if (locations[s] < f.spread[s]) return false;
        const std::int64_t left = f.neighbourhood[from], entered = f.neighbourhood[to];
        if (left == entered) return true;
        if (!served(s, entered)) return false;
        if (near(s, left) == 0)
            for (std::int64_t other : wanted_by[s])
                if (near(other, left)) return false;
        return true;
    }

    bool fits(std::int64_t p, std::int64_t m) const {
        const Cost *mine = &need[p * W], *most = &room[m * W], *now = &held[m * W];
        bool fit = true;
        if (f.origin[p] == m)
            for (int r = 0; r < W; ++r) fit &= now[r] + (1 - transient[r]) * mine[r] <= most[r];
        else
            for (int r = 0; r < W; ++r) fit &= now[r] + mine[r] <= most[r];
        return fit;
    }

    // `p` on machine `m`, from which `q` goes.
    bool fits_instead(std::int64_t p, std::int64_t q, std::int64_t m) const {
        const Cost *in = &need[p * W], *out = &need[q * W], *most = &room[m * W], *now = &held[m * W];
        const Cost home = f.origin[p] == m, stays = f.origin[q] == m;
        bool fit = true;
        for (int r = 0; r < W; ++r)
            fit &= now[r] + (1 - home * transient[r]) * in[r] - (1 - stays * transient[r]) * out[r] <= most[r];
        return fit;
    }

    Cost move_cost(std::int64_t p, std::int64_t m) const {
        const std::int64_t home = f.origin[p];
        if (home == m) return 0;
        return static_cast<Cost>(f.process_weight * f.process_move[p] +
                                 f.machine_weight * f.machine_move[home * f.machines + m]);
    }

    Cost cost_of(std::int64_t m, const Cost *load) const {
        const Cost *limit = &soft[m * W];
        Cost sum = 0;
        for (int r = 0; r < W; ++r) sum += weight[r] * std::max<Cost>(0, load[r] - limit[r]);
        for (std::int64_t b = 0; b < f.balances; ++b) {
            const std::int64_t *each = &f.balance[4 * b];
            const Cost one = room[m * W + each[0]] - load[each[0]], other = room[m * W + each[1]] - load[each[1]];
            sum += static_cast<Cost>(each[3]) * std::max<Cost>(0, static_cast<Cost>(each[2]) * one - other);
        }
        if (!curve.empty())
            for (std::int64_t r = 0; r < f.resources; ++r) sum += curve[m * W + r] * (load[r] - limit[r]) * (load[r] - limit[r]);
        return sum;
    }

    Cost cost_with(std::int64_t m, const Cost *mine, Cost sign) const {
        Cost load[W];
        for (int r = 0; r < W; ++r) load[r] = used[m * W + r] + sign * mine[r];
        return cost_of(m, load);
    }

    Cost cost_between(std::int64_t m, const Cost *in, const Cost *out) const {
        Cost load[W];
        for (int r = 0; r < W; ++r) load[r] = used[m * W + r] + in[r] - out[r];
        return cost_of(m, load);
    }

    // All but the costs of machines and moves.
    void relocate(std::int64_t p, std::int64_t to) {
        const std::int64_t from = at[p];
        leave(p, from);
        if (from == f.origin[p]) hold_origin(p, +1), count_moved(f.service[p], +1);
        if (to == f.origin[p]) hold_origin(p, -1), count_moved(f.service[p], -1);
        enter(p, to);
        at[p] = to;
    }

    void enter(std::int64_t p, std::int64_t m) {
        take(p, m, +1);
        seat[p] = static_cast<std::int64_t>(residents[m].size());
        residents[m].push_back(p);
        const std::int64_t s = f.service[p];
        ++there[s * f.machines + m];
        locations[s] += in_location[s * f.locations + f.location[m]]++ == 0;
        ++in_neighbourhood[s * f.neighbourhoods + f.neighbourhood[m]];
    }

    void leave(std::int64_t p, std::int64_t m) {
        take(p, m, -1);
        const std::int64_t last = residents[m].back();
        residents[m][seat[p]] = last;
        seat[last] = seat[p];
        residents[m].pop_back();
        const std::int64_t s = f.service[p];
        --there[s * f.machines + m];
        locations[s] -= --in_location[s * f.locations + f.location[m]] == 0;
        --in_neighbourhood[s * f.neighbourhoods + f.neighbourhood[m]];
    }

    void take(std::int64_t p, std::int64_t m, Cost sign) {
        for (int r = 0; r < W; ++r) used[m * W + r] += sign * need[p * W + r], held[m * W + r] += sign * need[p * W + r];
    }

    void hold_origin(std::int64_t p, Cost sign) {
        const std::int64_t home = f.origin[p];
        for (int r = 0; r < W; ++r) held[home * W + r] += sign * transient[r] * need[p * W + r];
    }

    void count_moved(std::int64_t s, std::int64_t sign) {
        --with_moved[moved[s]];
        moved[s] += sign;
        ++with_moved[moved[s]];
        most_moved = std::max(most_moved, moved[s]);
        while (most_moved > 0 && with_moved[most_moved] == 0) --most_moved;
    }

    const Fleet &f;
    std::vector<std::int64_t> at;
    std::vector<Cost> used, held;        // machines x W; held counts what those that left still hold
    std::vector<Cost> need, room, soft;  // processes x W, machines x W
    std::vector<Cost> weight, transient, curve;
    std::vector<std::uint16_t> there;
    std::vector<std::int32_t> in_location, in_neighbourhood;
    std::vector<std::int64_t> locations, moved, with_moved;
    std::vector<Cost> machine_cost;
    std::vector<std::vector<std::int64_t>> wanted_by, residents;
    std::vector<std::int64_t> seat;  // of a process: its place among the residents of its machine
    std::int64_t most_moved = 0;
    Cost moves_cost = 0;
};

}  // namespace vmferry
