// One data folder with a load, for one fault: started plainly or with the shim of
// failing_calls.c, and checked in the end.
#pragma once

#include "tests/support/checked_view.hpp"
#include "tests/support/child_platform.hpp"

#include <map>
#include <optional>

namespace tests::prove {

using Shim = std::map<std::string, std::string>;  // PROVE_... without the PROVE_

struct WorldOptions {
    std::filesystem::path data{};  // "" = a folder of its own
    std::string log = "embedded";  // as --log takes it; on Kafka with topics of its own
    int partitions = 4;
    checker::LoadOptions load{.tenants = 3};
};

class FaultWorld {
public:
    explicit FaultWorld(const WorldOptions& options = {});

    // With the first start the tenants are made; "" or how the start was refused:
    // "refused: exit 1, error: CODE: ..." as the program says it, or "hangs: ..." killed then.
    std::string start(const Shim& shim = {});
    // The same, where anything but serving is a mistake.
    void must_start(const Shim& shim = {});
    void load_for(std::chrono::milliseconds time);
    // `rounds` events of each source, one after the other, each repeated until it is taken. False
    // when the program ends meanwhile, answers what is never right, or one takes too long.
    bool tell(std::size_t rounds);
    int stop() { return child_.stop(); }
    void kill() { child_.kill(); }

    // "0 faults", or what the checker says. A store that is being made anew is waited for, and so
    // is what waits in a spool.
    std::string checked(checker::Proof proof = checker::Proof::rows);
    // "takes events", or "does not", within `patience`.
    std::string taking(std::chrono::milliseconds patience);
    // One event that nothing else sends: the status and whether it says when to come again.
    std::string answer_to_one();
    bool reads();

    std::filesystem::path data() const { return child_.data(); }
    ChildPlatform& child() { return child_; }
    ProductClient client() { return ProductClient(child_.addresses()); }
    checker::CheckedLoad& load() { return *load_; }

private:
    void wait_until_forwarded();

    checker::Rules rules_;
    const checker::LoadOptions load_options_;
    ChildPlatform child_;
    std::optional<checker::CheckedLoad> load_;
    checker::CheckedView view_;
};

}  // namespace tests::prove
