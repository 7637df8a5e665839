// A better assignment, by simulated annealing.
//
// Theory of operation. Four kinds of steps: a process goes to some machine, two swap, a process goes home (what has left
// a machine still holds its transient resources there, so room for others comes only by returns, which chance alone would
// hardly find), and a large process is pushed onto a machine that is too full for it, whose others make room. With shifts
// and swaps alone small processes keep all machines too full for large ones. Temperatures begin at some mean costs of a
// process and end where a step of cost one is refused. Threads cool in two ways by turns, each by itself from the same
// start (found by trial on the challenge's instances): fleets of large processes and transient resources are decided in
// the first two decades, with all four steps; others in the last four, by shifts and swaps alone, since returns and
// pushes draw all that is warm towards what they favour.

#include <chrono>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include "reassignment.hpp"

namespace vmferry {

struct Cooling {
    double hot, turn, before;    // where it begins, in mean costs of a process; where it turns, of that; and when
    double pushes, home, swaps;  // how many of the steps; the same; of the others, which are shifts else
};
constexpr Cooling COOLINGS[] = {{3, 1.0 / 50, 0.85, 0.02, 0.5, 0.75}, {10, 1e-3, 0.5, 0, 0, 0.5}};
constexpr Cooling EVENING = {0.1, 1e-2, 0.5, 0, 0.3, 0.3};  // where squares count: from nearby, with many ways home
constexpr double COLD = 0.2;          // where cooling ends: a cost
constexpr std::int64_t ROUND = 2000;  // steps between two looks at the clock

// splitmix64: even, fast, and the same on every machine.
class Draw {
public:
    explicit Draw(std::uint64_t seed) : state(seed * 0x9E3779B97F4A7C15ULL + 1) {}

    std::uint64_t next() {
        std::uint64_t z = (state += 0x9E3779B97F4A7C15ULL);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }
    std::int64_t below(std::int64_t most) {
        return static_cast<std::int64_t>((static_cast<unsigned __int128>(next()) * static_cast<std::uint64_t>(most)) >> 64);
    }
    double share() { return static_cast<double>(next() >> 11) * 0x1p-53; }

private:
    std::uint64_t state;
};

// Puts a process onto a machine that is too full for it, and those that are in its way onto others.
template <int W>
class Push {
public:
    Push(const Fleet &fleet, Assignment<W> &now, Draw &draw) : f(fleet), now(now), draw(draw) {}

    bool operator()(std::int64_t p, std::int64_t to, double limit, Cost &change) {
        trail.clear();
        change = 0;
        if (to == now.on(p) || now.price_leaving(p) + now.price_alone(p, to) > limit) return false;
        if (!step(p, to, true, change)) return false;
        for (std::int64_t lack = now.lacking(to); lack >= 0; lack = now.lacking(to))
            if (trail.size() > MOST || !make_room(p, lack, change)) return undo();
        return change <= limit || undo();
    }

private:
    static constexpr std::size_t MOST = 40;  // processes in its way
    static constexpr int LOOKED_AT = 4;

    // Of some that hold what is lacking, the one whose going costs least for what it gives back, to where it costs least.
    bool make_room(std::int64_t p, std::int64_t lack, Cost &change) {
        const std::vector<std::int64_t> &here = now.of(now.on(p));
        std::int64_t chosen = -1, where = -1;
        double least = INFINITY;
        for (int tried = 0, looked = 0; tried < 3 * LOOKED_AT && looked < LOOKED_AT; ++tried) {
            const std::int64_t victim = here[draw.below(static_cast<std::int64_t>(here.size()))];
            const Cost back = now.given_back(victim, lack);
            if (victim == p || back == 0 || back > now.needs(p, lack)) continue;
            ++looked;
            Cost cost = 0;
            const Cost leaving = now.price_leaving(victim);
            const std::int64_t skipped = draw.below(f.machines);  // so that it is not always the same
            for (std::int64_t place = 0; place < f.machines; ++place) {
                if (place == skipped || !now.price(victim, place, cost)) continue;
                const double rate = (cost + leaving) / back;
                if (rate < least && now.may(victim, place)) least = rate, chosen = victim, where = place;
            }
        }
        return chosen >= 0 && step(chosen, where, false, change);
    }

    bool step(std::int64_t p, std::int64_t to, bool squeeze, Cost &change) {
        const std::int64_t from = now.on(p);
        Cost cost = 0;
        if (!now.shift(p, to, INFINITY, cost, squeeze)) return false;
        change += cost;
        trail.emplace_back(p, from);
        return true;
    }

    bool undo() {
        Cost cost = 0;
        for (; !trail.empty(); trail.pop_back()) now.shift(trail.back().first, trail.back().second, INFINITY, cost, true);
        return false;
    }

    const Fleet &f;
    Assignment<W> &now;
    Draw &draw;
    std::vector<std::pair<std::int64_t, std::int64_t>> trail;
};

// How much of the effort is spent, by the clock or by a number of steps.
class Effort {
public:
    Effort(double seconds, std::int64_t steps) : seconds(seconds), most(steps), began(now_s()) {}
    double spent(std::int64_t steps) const {
        return most > 0 ? static_cast<double>(steps) / static_cast<double>(most) : (now_s() - began) / seconds;
    }

private:
    static double now_s() {
        return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    }
    const double seconds;
    const std::int64_t most;
    const double began;
};

struct Best {
    std::mutex lock;
    std::vector<std::int64_t> assignment;
    Cost cost = 0;
};

template <int W>
class Annealing {
public:
    Annealing(const Fleet &fleet, const std::int64_t *start, const Effort &effort, const Cooling &cooling,
              std::uint64_t seed)
        : best(start, start + fleet.processes), f(fleet), effort(effort), cooling(cooling), draw(seed), now(fleet, start),
          push(fleet, now, draw), size(fleet.processes, 0.0), heights(1 << 16) {
        cost = least = now.total();
        for (std::size_t k = 0; k < heights.size(); ++k)
            heights[k] = -std::log((static_cast<double>(k) + 0.5) / static_cast<double>(heights.size()));
        for (std::int64_t r = 0; r < f.resources; ++r) {
            double all = 1;
            for (std::int64_t m = 0; m < f.machines; ++m) all += static_cast<double>(f.capacity[m * f.resources + r]);
            for (std::int64_t p = 0; p < f.processes; ++p) size[p] = std::max(size[p], now.needs(p, r) / all);
        }
    }

    std::vector<std::int64_t> best;
    Cost least;

    void run() {
        const double hot = std::max(1.0, cooling.hot * cost / static_cast<double>(f.processes));
        const double turn = std::max(COLD, hot * cooling.turn);
        std::int64_t steps = 0;
        for (double share = 0; share < 1; share = effort.spent(steps)) {
            temperature = share < cooling.before
                              ? hot * std::pow(turn / hot, share / cooling.before)
                              : turn * std::pow(COLD / turn, (share - cooling.before) / (1 - cooling.before));
            for (std::int64_t k = 0; k < ROUND; ++k) step();
            steps += ROUND;
        }
    }

private:
    void step() {
        const double limit = temperature * heights[draw.next() >> 48], kind = draw.share();
        const std::int64_t p = draw.below(f.processes);
        Cost change = 0;
        if (move(p, kind, limit, change) && change != 0) {
            cost += change;
            if (cost < least) least = cost, best = now.all();
        }
    }

    bool move(std::int64_t p, double kind, double limit, Cost &change) {
        if (kind < cooling.pushes) return push(larger(p), draw.below(f.machines), limit, change);
        if (kind < cooling.pushes + cooling.home) return now.shift(p, f.origin[p], limit, change);
        if (draw.share() < cooling.swaps) return now.swap(p, draw.below(f.processes), limit, change);
        return now.shift(p, draw.below(f.machines), limit, change);
    }

    // The largest of some.
    std::int64_t larger(std::int64_t p) {
        for (int k = 0; k < 3; ++k)
            if (const std::int64_t other = draw.below(f.processes); size[other] > size[p]) p = other;
        return p;
    }

    const Fleet &f;
    const Effort &effort;
    const Cooling &cooling;
    Draw draw;
    Assignment<W> now;
    Push<W> push;
    std::vector<double> size;     // of a process: its largest share of a resource
    std::vector<double> heights;  // how far above the present cost a step may go, in temperatures: drawn evenly
    Cost cost = 0;
    double temperature = 0;
};

template <int W>
void anneal(const Fleet &fleet, const std::int64_t *start, const Effort &effort, std::int64_t number, std::uint64_t seed,
            Best &best) {
    const Cooling &cooling = fleet.curve == nullptr ? COOLINGS[number % 2] : EVENING;
    Annealing<W> annealing(fleet, start, effort, cooling, seed * 1000003 + static_cast<std::uint64_t>(number));
    annealing.run();
    const std::lock_guard<std::mutex> guard(best.lock);
    if (annealing.least < best.cost) best.cost = annealing.least, best.assignment.swap(annealing.best);
}

constexpr int WIDEST = 64;

auto annealer(std::int64_t resources) {
    return resources <= 4 ? anneal<4> : resources <= 8 ? anneal<8> : resources <= 12 ? anneal<12> : anneal<WIDEST>;
}

}  // namespace vmferry

// Puts the best assignment that was found into `assignment`, which has the first one. Its cost; -1: the first one breaks
// a constraint; -2: there are more than 64 resources. The effort is a time, or a number of steps of each thread where that
// is not 0; with steps the same seed gives the same answer.
extern "C" double vmferry_reassign(const vmferry::Fleet *fleet, std::int64_t *assignment, double seconds,
                                   std::int64_t steps, std::uint64_t seed, std::int64_t threads) {
    using namespace vmferry;
    if (fleet->resources > WIDEST) return -2;
    const Effort effort(seconds, steps);
    Best best;
    best.assignment.assign(assignment, assignment + fleet->processes);
    {
        const Assignment<WIDEST> first(*fleet, assignment);
        if (!first.feasible()) return -1;
        best.cost = first.total();
    }
    std::vector<std::thread> workers;
    if (fleet->processes > 0 && fleet->machines > 0)
        for (std::int64_t k = 0; k < threads; ++k)
            workers.emplace_back(annealer(fleet->resources), std::cref(*fleet), assignment, std::cref(effort), k, seed,
                                 std::ref(best));
    for (std::thread &worker : workers) worker.join();
    std::copy(best.assignment.begin(), best.assignment.end(), assignment);
    return best.cost;
}
