// One move after the other, each where it ends earliest beside those that have a place already.
//
// Theory of operation. A move may begin once what it waits for has ended, its target keeps room for it, and every lane of
// its path has room at one rate from its start to its end. At full rate it costs the fewest bytes, for what the guest
// dirties meanwhile is least; a lower rate is looked for only where full rate would end after the target.
#pragma once

#include <vector>

#include "profile.hpp"

namespace vmferry {

class Insertion {
public:
    explicit Insertion(const Problem &problem)
        : spots(problem.moves), p(problem), lanes(problem.lanes), rooms(problem.hosts) {}

    std::vector<Spot> spots;
    std::int64_t steps = 0;

    // How many were left without a place, since they wait for each other.
    std::size_t pass(const std::vector<std::size_t> &order, double target) {
        begin();
        std::vector<std::size_t> left(order), later;
        while (!left.empty()) {
            later.clear();
            for (std::size_t move : left)
                if (!place(move, target)) later.push_back(move);
            if (later.size() == left.size()) break;
            left.swap(later);
        }
        return left.size();
    }

private:
    struct Segment {
        double from, end, free;
    };

    void begin() {
        for (Profile &lane : lanes) lane = Profile();
        std::vector<double> coming(p.hosts, 0.0);
        for (std::int64_t move = 0; move < p.moves; ++move)
            if (p.target[move] >= 0) coming[p.target[move]] += p.held_bytes[move];
        for (std::int64_t host = 0; host < p.hosts; ++host) rooms[host].open(p.free_bytes[host], coming[host]);
        std::fill(spots.begin(), spots.end(), Spot());
    }

    // False: it has to wait for one that has no place yet.
    bool place(std::size_t move, double target) {
        double ready = 0;
        for (std::int64_t before : after(p, move)) ready = std::max(ready, spots[before].end);
        if (p.target[move] >= 0 && ready < NEVER) ready = rooms[p.target[move]].from(ready, p.held_bytes[move]);
        if (ready == NEVER) return false;
        const Spot found = search(move, ready, target);
        spots[move] = found;
        for (std::int64_t lane : path(p, move)) lanes[lane].add(found.start, found.end, demand(p, lane, found.rate));
        if (p.target[move] >= 0) rooms[p.target[move]].change(found.start, -p.held_bytes[move]);
        if (p.source[move] >= 0) rooms[p.source[move]].change(found.end, p.held_bytes[move]);
        return true;
    }

    Spot search(std::size_t move, double ready, double target) {
        const Spot full = at_full_rate(move, ready);
        if (full.end <= target || p.length[move] >= 0) return full;
        return at_any_rate(move, ready, full);
    }

    Spot at_full_rate(std::size_t move, double ready) {
        const double rate = full_rate(p, move), took = duration(p, move, rate);
        rewind(move, ready);
        double start = ready;
        for (Segment step = next(move, ready);; step = next(move, step.end)) {
            if (step.free < rate)
                start = step.end;
            else if (step.end >= start + took)
                return {start, start + took, rate};
        }
    }

    // The earliest end with any rate; `full` where none is earlier.
    Spot at_any_rate(std::size_t move, double ready, const Spot &full) {
        const double fastest = duration(p, move, full_rate(p, move));
        Spot found = full;
        segments.clear();
        rewind(move, ready);
        for (double time = ready; time + fastest < found.end; time = segments.back().end)
            segments.push_back(next(move, time));
        for (std::size_t first = 0; first < segments.size(); ++first) {
            const double start = segments[first].from;
            if (start + fastest >= found.end) break;
            double rate = full_rate(p, move);
            for (std::size_t last = first; last < segments.size(); ++last) {
                rate = std::min(rate, segments[last].free * SLACK);
                if (rate < p.least_rate[move]) break;
                const double end = start + duration(p, move, rate);
                ++steps;
                if (end >= found.end) break;
                if (end <= segments[last].end) found = {start, end, rate};
            }
        }
        return found;
    }

    void rewind(std::size_t move, double time) {
        cursors.clear();
        for (std::int64_t lane : path(p, move)) cursors.push_back(lanes[lane].at(time));
    }

    // What the whole path has free from `time` to where one of its lanes changes. Times only grow between two rewinds.
    Segment next(std::size_t move, double time) {
        Segment step{time, NEVER, NEVER};
        std::size_t place = 0;
        for (std::int64_t lane : path(p, move)) {
            const Profile &profile = lanes[lane];
            std::size_t &cursor = cursors[place++];
            for (; profile.end(cursor) <= time; ++cursor) ++steps;
            step.end = std::min(step.end, profile.end(cursor));
            const double free = p.capacity[lane] - profile.used[cursor];
            step.free = std::min(step.free, !p.counted[lane] ? free : free >= 1 - 1e-9 ? NEVER : 0.0);
        }
        ++steps;
        return step;
    }

    const Problem &p;
    std::vector<Profile> lanes;
    std::vector<Room> rooms;
    std::vector<std::size_t> cursors;
    std::vector<Segment> segments;
};

}  // namespace vmferry
