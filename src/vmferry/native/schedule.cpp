// When each of many moves runs: passes of two kinds, the best of which is kept.
//
// The first part of the effort goes to passes in the order of time, each in another manner; the rest to insertion, from
// the order of the best: what ends after the target is moved forward (squeaky wheel optimisation: Joslin and Clements,
// JAIR 1999), and an order that is no worse is gone on from. The same arguments give the same plan.

#include <numeric>
#include <random>

#include "dispatch.hpp"
#include "insertion.hpp"

namespace vmferry {

class Search {
public:
    Search(const Problem &problem, double bound, std::int64_t effort, std::uint64_t seed)
        : best(problem.moves), p(problem), bound(bound), effort(effort), draw(seed) {}

    std::vector<Spot> best;
    std::size_t stuck = 0;

    void run() {
        in_time();
        if (!done() && spent < effort) by_insertion();
    }

private:
    void in_time() {
        Dispatch dispatch(p);
        Manner manner;
        do {
            note(dispatch.spots, dispatch.pass(manner, bound));
            spent = dispatch.steps;
            manner.power = chance() < 0.5 ? 2 : 8;
            manner.length = chance();
            manner.least_share = chance() < 0.5 ? 1 : 0.5 + 0.5 * chance();
            manner.most_share = chance() < 0.75 ? 1 : 0.5;
            const double spread = 0.1 * chance();
            for (double &noise : dispatch.noise) noise = spread * (2 * chance() - 1);
        } while (!done() && spent < effort * 0.4);
    }

    void by_insertion() {
        Insertion insertion(p);
        std::vector<double> ends(p.moves), keys(p.moves), kept(p.moves);
        std::vector<std::size_t> order(p.moves);
        std::iota(order.begin(), order.end(), 0);
        for (std::size_t move = 0; move < kept.size(); ++move) kept[move] = best[move].start, ends[move] = best[move].end;
        double current = best_end;
        std::size_t left = stuck;
        while (!done() && spent < effort) {
            const double target = bound + std::max(0.0, current - bound) * chance(), spread = 0.02 * bound * chance();
            for (std::size_t move = 0; move < keys.size(); ++move) {
                keys[move] = kept[move] + spread * (chance() - 0.5);
                if (ends[move] > target * LATE) keys[move] -= kept[move] < NEVER ? kept[move] * chance() : 0;
            }
            std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return keys[a] < keys[b]; });
            const std::size_t now = insertion.pass(order, target);
            spent += insertion.steps + 4 * p.moves;
            insertion.steps = 0;
            if (const double end = note(insertion.spots, now); now < left || (now == left && end <= current)) {
                left = now;
                current = end;
                kept = keys;
                for (std::size_t move = 0; move < ends.size(); ++move) ends[move] = insertion.spots[move].end;
            }
        }
    }

    // When the last of those with a place ends.
    double note(const std::vector<Spot> &spots, std::size_t left) {
        double last = 0;
        for (const Spot &spot : spots)
            if (spot.end < NEVER) last = std::max(last, spot.end);
        if (best_end == NEVER || left < stuck || (left == stuck && last < best_end)) {
            best = spots;
            best_end = last;
            stuck = left;
        }
        return last;
    }

    bool done() const { return stuck == 0 && best_end <= bound * LATE; }
    double chance() { return std::uniform_real_distribution<double>(0, 1)(draw); }

    const Problem &p;
    const double bound;
    const std::int64_t effort;
    std::int64_t spent = 0;
    double best_end = NEVER;
    std::mt19937_64 draw;
};

}  // namespace vmferry

// Fills `start`, `end` and `rate` with the best that was found before so many steps were made, or `bound` was reached.
// How many moves were left without a place (their start is infinite), since they wait for each other.
extern "C" std::int64_t vmferry_schedule(const vmferry::Problem *problem, double bound, std::int64_t effort,
                                         std::uint64_t seed, double *start, double *end, double *rate) {
    vmferry::Search search(*problem, bound, effort, seed);
    search.run();
    for (std::int64_t move = 0; move < problem->moves; ++move) {
        start[move] = search.best[move].start;
        end[move] = search.best[move].end;
        rate[move] = search.best[move].rate;
    }
    return static_cast<std::int64_t>(search.stuck);
}
