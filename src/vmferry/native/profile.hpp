// What of a capacity is in use, over time.
#pragma once

#include <vector>

#include "problem.hpp"

namespace vmferry {

// A step function from 0 to infinity that only grows: `used[k]` holds from `from[k]` to `from[k + 1]`, the last for ever.
class Profile {
public:
    Profile() : from{0.0}, used{0.0} {}

    std::size_t size() const { return from.size(); }

    // The step that holds at `time`.
    std::size_t at(double time) const {
        return static_cast<std::size_t>(std::upper_bound(from.begin(), from.end(), time) - from.begin()) - 1;
    }

    double end(std::size_t step) const { return step + 1 < from.size() ? from[step + 1] : NEVER; }

    void add(double start, double stop, double amount) {
        const std::size_t first = cut(start), last = cut(stop);
        for (std::size_t step = first; step < last; ++step) used[step] += amount;
    }

    std::vector<double> from, used;

private:
    // Makes a step begin at `time`, and says which.
    std::size_t cut(double time) {
        const std::size_t step = at(time);
        if (from[step] == time) return step;
        from.insert(from.begin() + static_cast<std::ptrdiff_t>(step) + 1, time);
        used.insert(used.begin() + static_cast<std::ptrdiff_t>(step) + 1, used[step]);
        return step + 1;
    }
};

// A host's free memory over time, from what comes and goes; each stays for good.
class Room {
public:
    void open(double free_bytes, double to_come_bytes) {
        times.clear();
        changes.clear();
        first = free_bytes;
        tight = to_come_bytes > free_bytes;
    }

    // The earliest time, not before `time`, from which so much stays free; NEVER: not with what is known so far.
    double from(double time, double bytes) const {
        if (!tight) return time;
        double free = first;
        for (double change : changes) free += change;
        if (free < bytes) return NEVER;
        for (std::size_t place = times.size(); place > 0 && times[place - 1] > time; --place) {
            free -= changes[place - 1];
            if (free < bytes) return times[place - 1];
        }
        return time;
    }

    void change(double time, double bytes) {
        if (!tight) return;
        // What leaves at an instant is gone before what comes then.
        std::size_t place = times.size();
        while (place > 0 && (times[place - 1] > time || (times[place - 1] == time && bytes > 0 && changes[place - 1] < 0)))
            --place;
        times.insert(times.begin() + static_cast<std::ptrdiff_t>(place), time);
        changes.insert(changes.begin() + static_cast<std::ptrdiff_t>(place), bytes);
    }

private:
    std::vector<double> times, changes;
    double first = 0;
    bool tight = false;
};

}  // namespace vmferry
