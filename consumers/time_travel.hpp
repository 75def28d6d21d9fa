// The past of one tenant, by folding its records again up to a moment: any projection can answer
// `as_of` without keeping a history, and answers what it would have answered then with the mappings
// that are live now.
//
// The rows are made in memory, so one moment is folded at a time. A few others wait for their turn,
// none of them for long; who asks for the same moment shares its rows. One who is too many is told
// to try again. The last few moments are kept for a short while, for the pages of a list, and are
// there at once whatever is folded meanwhile.
// Threads: any.
#pragma once

#include "bus/clock.hpp"
#include "consumers/past_fold.hpp"

#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>

namespace consumers {

// How much of a server the past may take. Those who fold and wait are threads of its API.
struct PastLimits {
    bus::milliseconds fold_max{20'000};
    bus::milliseconds wait_max{10'000};  // for a turn, or for the rows of another's
    std::size_t asking_max = 16;         // threads that fold or wait
    std::size_t tenant_asking_max = 4;   // of these, for one tenant
    std::size_t moments_kept_max = 2;
    bus::milliseconds moment_kept{30'000};  // what came late is missing for so long
};

class TimeTravel final : public projections::TimeTravelPort {
public:
    // The log and `clock` outlive this; `setup` is copied.
    TimeTravel(ProjectorSetup setup, bus::Clock& clock, const PastLimits& limits = {});

    bus::Result<std::shared_ptr<const projections::PastRows>> rows(
        bus::TenantId tenant, const projections::AsOf& as_of) override;

    void forget();  // after an erasure
    // For good: a fold ends after its batch; who folds, waits or asks is told `cancelled`.
    void stop();

    std::size_t asking() const;  // threads that fold or wait right now

private:
    using Rows = std::shared_ptr<const projections::PastRows>;

    struct Moment {
        bus::TenantId tenant;
        std::string as_of;
        std::shared_ptr<const schemas::GenerationTable> generations;
        bool operator==(const Moment&) const = default;
    };
    struct Kept {
        Moment moment;
        std::chrono::steady_clock::time_point read_at{};
        Rows rows;
    };
    // What threads wait for. Shared by them: the last one may still look when it is off the list.
    struct Asked {
        Moment moment;
        std::size_t threads = 0;
        std::optional<std::chrono::steady_clock::time_point> folding_since{};
        std::optional<bus::Result<Rows>> outcome{};
    };

    bus::Result<bus::Done> check(bus::TenantId tenant, const projections::AsOf& as_of) const;
    Rows find_kept(const Moment& moment);
    bus::Result<std::shared_ptr<Asked>> join(const Moment& moment);
    void leave(const std::shared_ptr<Asked>& asked);
    bool is_turn(const Asked& asked) const;
    bus::Result<Rows> wait_or_fold(std::unique_lock<std::mutex>& lock,
                                   const std::shared_ptr<Asked>& asked,
                                   const projections::AsOf& as_of);
    void settle(const std::shared_ptr<Asked>& asked, const bus::Result<Rows>& outcome);

    const ProjectorSetup setup_;
    bus::Clock& clock_;
    const PastLimits limits_;
    std::atomic<bool> stopping_{false};

    mutable std::mutex mutex_;  // never held while folding
    std::condition_variable changed_;
    std::list<Kept> kept_;                     // newest first; guarded by mutex_, as all below
    std::list<std::shared_ptr<Asked>> asked_;  // oldest first, without those that are settled
    std::optional<bus::TenantId> last_folded_;
};

}  // namespace consumers
