// Proves a journal from its files: headers, every frame's checks, the running hash over all groups,
// offsets without gaps, bodies against their hashes, footers byte for byte. Changes nothing.
#pragma once

#include "bus/embedded/segment_list.hpp"
#include "bus/log_proof.hpp"

namespace bus::embedded {

// One segment as it is to be proved.
struct SegmentToProve {
    std::filesystem::path path;
    File& file;
    SegmentStart start;
    // How far: before this sequence of a full one; else up to `visible` (offsets by slot), of the
    // one that is being written; else to the last good frame.
    std::optional<std::uint64_t> until_sequence;
    std::optional<std::vector<Offset>> visible;
    bool sealed = false;  // has a footer
};

// Feed it the segments in order, then take the proof.
class JournalVerifier {
public:
    JournalVerifier(const Slots& slots, const VerifyOptions& options)
        : slots_(slots), options_(options) {}

    Result<Done> prove(const SegmentToProve& segment);  // cancelled, unavailable
    void add(LogDamage damage) { proof_.add(std::move(damage)); }
    void remark(std::string text) { proof_.remarks.push_back(std::move(text)); }
    const std::vector<Offset>& ends() const { return next_; }  // empty before the first segment
    LogProof take() { return std::move(proof_); }

private:
    class SegmentWalk;

    void join(const SegmentToProve& segment);

    const Slots slots_;
    const VerifyOptions& options_;
    LogProof proof_;
    std::vector<Offset> next_;  // by slot
    std::uint64_t sequence_ = 0;
    Chain chain_{};
    std::uint64_t bodies_seen_ = 0;
};

// A journal that nobody has open, or a copy of one. not_found: no segments there; invalid_input:
// another format version.
Result<LogProof> verify_folder(const std::filesystem::path& directory, const VerifyOptions& options,
                               FileOps& files = real_files());

}  // namespace bus::embedded
