#include "bus/clock.hpp"

#include <sys/random.h>

#include <cerrno>

namespace bus {
namespace {

class SystemClock final : public Clock {
public:
    Timestamp now() override {
        return std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now());
    }
};

// A buffer per thread, so that a system call serves 25 ids.
class RandomIds final : public IdSource {
public:
    EventId next_event_id(Timestamp now) override {
        // 12 bits of counter directly after the milliseconds make ids of one thread rise.
        thread_local std::int64_t last_ms = 0;
        thread_local unsigned sequence = 0;
        const auto ms = now.time_since_epoch().count() / 1000;
        sequence = ms == last_ms ? sequence + 1 : 0;
        last_ms = ms;
        std::array<std::uint8_t, 10> random;
        fill(random.data(), random.size());
        random[0] = static_cast<std::uint8_t>(sequence >> 8 & 0x0F);
        random[1] = static_cast<std::uint8_t>(sequence);
        return uuid_v7(now, random);
    }
    std::uint64_t next_id64() override {
        std::uint64_t value = 0;
        while (value == 0) fill(&value, sizeof value);
        return value;
    }

private:
    static void fill(void* out, std::size_t count) {
        thread_local std::array<std::uint8_t, 256> pool;
        thread_local std::size_t used = sizeof pool;
        if (used + count > pool.size()) {
            std::size_t have = 0;
            while (have < pool.size()) {
                const auto got = getrandom(pool.data() + have, pool.size() - have, 0);
                BUS_ASSERT(got > 0 || errno == EINTR, "the operating system gives random bytes");
                if (got > 0) have += static_cast<std::size_t>(got);
            }
            used = 0;
        }
        __builtin_memcpy(out, pool.data() + used, count);
        used += count;
    }
};

}  // namespace

Clock& system_clock() {
    static SystemClock clock;
    return clock;
}

IdSource& random_ids() {
    static RandomIds ids;
    return ids;
}

}  // namespace bus
