// One data folder with a load, for one fault: started plainly or with the shim of
// failing_calls.c, and checked in the end.
#pragma once

#include "tests/support/checked_view.hpp"
#include "tests/support/child_platform.hpp"

#include <map>
#include <optional>

namespace tests::prove {

using Shim = std::map<std::string, std::string>;  // PROVE_... without the PROVE_

class FaultWorld {
public:
    // `log` as --log takes it; on Kafka with topics of its own.
    explicit FaultWorld(std::filesystem::path data = {}, const std::string& log = "embedded");

    // With the first start the tenants are made; "" or how the start was refused:
    // "refused: exit 1, CODE ..." as the program says it.
    std::string start(const Shim& shim = {});
    // The same, where anything but serving is a mistake.
    void must_start(const Shim& shim = {});
    void load_for(std::chrono::milliseconds time);
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

    TempDirectory directory_;
    const bool on_kafka_;
    ChildPlatform child_;
    std::optional<checker::CheckedLoad> load_;
    checker::CheckedView view_;
};

}  // namespace tests::prove
