#include "tests/prove/comparison_timing.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <stdexcept>
#include <vector>

namespace tests::prove {
namespace {

constexpr std::size_t comparisons = 400'000;
// Interrupts and other processes make a long tail that hides what is looked for.
constexpr std::size_t kept_percent = 80;

struct Sample {
    bool is_last = false;
    double ns = 0;
};

struct Moments {
    double count = 0, sum = 0, squares = 0;
    void add(double value) { ++count, sum += value, squares += value * value; }
    double mean() const { return sum / count; }
    double variance() const { return (squares - sum * mean()) / (count - 1); }
};

// Of the same kind, so that decoding it takes the same way: what is presented is no secret, and may
// tell of itself.
char neighbour(char c) {
    const bool is_end = c == '9' || c == 'f' || c == 'z' || c == 'Z';
    return static_cast<char>(is_end ? c - 1 : c + 1);
}

double longest_kept(const std::vector<Sample>& samples) {
    std::vector<double> all;
    all.reserve(samples.size());
    for (const Sample& sample : samples) all.push_back(sample.ns);
    const auto at = all.begin() + static_cast<std::ptrdiff_t>(all.size() * kept_percent / 100);
    std::nth_element(all.begin(), at, all.end());
    return *at;
}

}  // namespace

TimingDifference timing_difference(std::string& presented, std::size_t first_byte,
                                   std::size_t last_byte, const std::function<bool()>& believes,
                                   std::mt19937_64& random) {
    volatile char& first = presented[first_byte];
    volatile char& last = presented[last_byte];
    const char right_first = first, right_last = last;
    std::vector<Sample> samples(comparisons);
    for (Sample& sample : samples) {
        sample.is_last = random() % 2 != 0;
        // Both are written, the right one too: what was touched last is nearest, and a byte on its
        // way to memory would delay who reads it.
        first = sample.is_last ? right_first : neighbour(right_first);
        last = sample.is_last ? neighbour(right_last) : right_last;
        std::atomic_thread_fence(std::memory_order_seq_cst);
        const auto began = std::chrono::steady_clock::now();
        const bool believed = believes();
        sample.ns =
            std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - began)
                .count();
        if (believed) throw std::runtime_error("a wrong text was believed");
    }
    first = right_first;
    last = right_last;
    const double bound = longest_kept(samples);
    Moments at_first, at_last;
    for (const Sample& sample : samples)
        if (sample.ns <= bound) (sample.is_last ? at_last : at_first).add(sample.ns);
    const double ns = at_last.mean() - at_first.mean();
    return {
        ns / std::sqrt(at_first.variance() / at_first.count + at_last.variance() / at_last.count),
        ns};
}

}  // namespace tests::prove
