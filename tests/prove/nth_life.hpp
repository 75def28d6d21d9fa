// One life of a program in which a call fails, between two plain ones.
#pragma once

#include "tests/prove/fault_world.hpp"
#include "tests/prove/nth_kinds.hpp"
#include "tests/prove/nth_works.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace tests::prove {

// Lives of a program on one log, one after the other, each with the data of those before.
class FailingLives {
public:
    explicit FailingLives(std::string log) : log_(std::move(log)) {}

    struct Outcome {
        std::string seen{};         // "" = as designed
        Counts counts{}, starts{};  // of the whole life, and until it served
    };
    // The nth of these calls fails: of the whole life, or, with a work, from when it is asked for
    // until it has ended.
    Outcome live(const FailingCall& failing, std::uint64_t nth, const KindOfWork* work);

private:
    FaultWorld& with_data_from_before();
    Shim shim_of(const FailingCall& failing, std::uint64_t nth, bool while_armed) const;
    std::filesystem::path counts_file() const { return folder_.path() / "counts"; }
    std::filesystem::path armed_file() const { return folder_.path() / "armed"; }

    const std::string log_;
    TempDirectory folder_;
    std::optional<FaultWorld> world_;
    std::size_t lives_ = 0;
    bool is_sound_ = false;  // the last life ended well, so that the next begins where it did
};

}  // namespace tests::prove
