// What one record may cost to map, far above any real one: lists in lists, or a long word that each
// of a thousand elements leads to, must not stop the fold. A record that has spent it is a failure.
#pragma once

#include <cstddef>

namespace schemas::mapping {

class Budget {
public:
    static constexpr std::size_t work_max = 50'000'000;  // 1 is a key passed by a look-up
    static constexpr std::size_t bytes_max = 16 << 20;   // of words made, texts parsed, warnings

    void work(std::size_t steps) { work_ += steps; }
    void bytes(std::size_t count) { bytes_ += count; }
    bool is_spent() const { return work_ > work_max || bytes_ > bytes_max; }
    void clear() { work_ = bytes_ = 0; }

private:
    std::size_t work_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace schemas::mapping
