// In the order of time: whenever lanes become free, what is most pressing begins.
//
// Theory of operation. A lane with much left to carry for the time that is left presses most (the rule of most work
// remaining, as for open shops), and a move presses as its lanes do together. So lanes that are equally full are worn
// down side by side and end together, where Insertion would pack one after the other. Nothing is placed ahead of time:
// a free lane is never kept free for a move that cannot begin yet.
#pragma once

#include <cmath>
#include <queue>
#include <utility>
#include <vector>

#include "problem.hpp"

namespace vmferry {

// What makes one pass differ from the next.
struct Manner {
    double power = 2;        // how much more the fullest lane of a path counts than the others
    double length = 0.3;     // how much a long move is pressing by itself
    double least_share = 1;  // of the full rate: below it a move rather waits
    double most_share = 1;   // of the full rate, for moves that cost hardly more when slower: leaves room for others beside
};

class Dispatch {
public:
    explicit Dispatch(const Problem &problem)
        : spots(problem.moves), noise(problem.moves, 0.0), p(problem), over(problem.lanes), into(problem.hosts),
          followers(problem.moves), took(problem.moves), seen(problem.moves), easy(problem.moves) {
        for (std::size_t move = 0; move < spots.size(); ++move) {
            took[move] = duration(p, move, full_rate(p, move));
            easy[move] = p.length[move] < 0 && HALF * duration(p, move, HALF * full_rate(p, move)) < 1.02 * took[move];
            for (std::int64_t lane : path(p, move)) over[lane].push_back(move);
            for (std::int64_t before : after(p, move)) followers[before].push_back(move);
            if (p.target[move] >= 0) into[p.target[move]].push_back(move);
        }
    }

    std::vector<Spot> spots;
    std::vector<double> noise;  // of a move: added to how pressing it is
    std::int64_t steps = 0;

    // How many were left without a place, since they wait for each other.
    std::size_t pass(const Manner &now, double until) {
        manner = now;
        target = until;
        begin();
        for (std::size_t left = spots.size();;) {
            left -= begin_moves();
            if (running.empty()) return left;
            end_moves();
        }
    }

private:
    static constexpr double HALF = 0.5;
    using Ending = std::pair<double, std::size_t>;

    void begin() {
        time = 0;
        std::fill(spots.begin(), spots.end(), Spot());
        used.assign(p.lanes, 0.0);
        load.assign(p.lanes, 0.0);
        waits.assign(spots.size(), 0);
        free.assign(p.free_bytes, p.free_bytes + p.hosts);
        waiting = over;
        candidates.clear();
        for (std::size_t move = 0; move < spots.size(); ++move) {
            waits[move] = static_cast<std::size_t>(after(p, move).last - after(p, move).first);
            for (std::int64_t lane : path(p, move)) load[lane] += share(move, lane);
            candidates.push_back(move);
        }
    }

    // Of the lane's time, at full rate.
    double share(std::size_t move, std::int64_t lane) const {
        return took[move] * demand(p, lane, p.most_rate[move]) / p.capacity[lane];
    }

    std::size_t begin_moves() {
        order.clear();
        for (std::size_t move : candidates)
            if (rate_now(move) > 0) order.emplace_back(-pressing(move), move);
        std::sort(order.begin(), order.end());
        std::size_t begun = 0;
        for (const auto &[_, move] : order)
            if (const double rate = rate_now(move); rate > 0) ++begun, start(move, rate);
        return begun;
    }

    // 0: it cannot begin now.
    double rate_now(std::size_t move) {
        ++steps;
        if (spots[move].start < NEVER || waits[move] > 0) return 0;
        if (p.target[move] >= 0 && free[p.target[move]] < p.held_bytes[move]) return 0;
        double rate = full_rate(p, move) * (easy[move] ? manner.most_share : 1);
        const double least = std::max(rate * manner.least_share * SLACK, p.least_rate[move]);
        for (std::int64_t lane : path(p, move)) {
            const double left = p.capacity[lane] - used[lane];
            rate = std::min(rate, !p.counted[lane] ? left * SLACK : left >= 1 - 1e-9 ? rate : 0.0);
            if (rate < least) return 0;
        }
        return rate;
    }

    double pressing(std::size_t move) const {
        const double left = std::max(target - time, 1e-3 * target);
        double sum = 0;
        for (std::int64_t lane : path(p, move)) sum += std::pow(load[lane] / left, manner.power);
        return std::pow(sum, 1 / manner.power) + manner.length * took[move] / left + noise[move];
    }

    void start(std::size_t move, double rate) {
        spots[move] = {time, time + duration(p, move, rate), rate};
        for (std::int64_t lane : path(p, move)) used[lane] += demand(p, lane, rate);
        if (p.target[move] >= 0) free[p.target[move]] -= p.held_bytes[move];
        running.emplace(spots[move].end, move);
    }

    // Goes on to the next instant at which something ends, and notes what may begin then.
    void end_moves() {
        time = running.top().first;
        candidates.clear();
        ++round;
        for (; !running.empty() && running.top().first <= time; running.pop()) {
            const std::size_t move = running.top().second;
            for (std::int64_t lane : path(p, move)) {
                used[lane] -= demand(p, lane, spots[move].rate);
                if (used[lane] < p.capacity[lane] * 1e-12) used[lane] = 0;
                load[lane] -= share(move, lane);
                consider_waiting(lane);
            }
            for (std::size_t next : followers[move]) --waits[next];
            consider(followers[move]);
            if (p.source[move] >= 0) {
                free[p.source[move]] += p.held_bytes[move];
                consider(into[p.source[move]]);
            }
        }
    }

    void consider(const std::vector<std::size_t> &moves) {
        for (std::size_t move : moves)
            if (spots[move].start == NEVER && seen[move] != round) seen[move] = round, candidates.push_back(move);
    }

    // A lane's list is walked again and again: what has begun leaves it.
    void consider_waiting(std::int64_t lane) {
        std::vector<std::size_t> &moves = waiting[lane];
        const auto begun = [&](std::size_t move) { return spots[move].start < NEVER; };
        moves.erase(std::remove_if(moves.begin(), moves.end(), begun), moves.end());
        consider(moves);
    }

    const Problem &p;
    std::vector<std::vector<std::size_t>> over, into, followers, waiting;
    std::vector<double> took, used, load, free;
    std::vector<std::size_t> waits, candidates;
    std::vector<std::uint64_t> seen;
    std::vector<char> easy;
    std::uint64_t round = 0;
    std::vector<std::pair<double, std::size_t>> order;
    std::priority_queue<Ending, std::vector<Ending>, std::greater<Ending>> running;
    Manner manner;
    double time = 0, target = 0;
};

}  // namespace vmferry
