// A log that keeps events on the local disk while it is away, and forwards them when it is back
// (ARCHITECTURE.md, law 1).
//
// What comes for a topic partition goes straight to the target until one record is given back; from
// then on to the spool, behind what was on its way (direct_appends.hpp), until all of that
// partition has been forwarded: so each topic partition keeps its order, except that records which
// were unanswered together may change places ("falls short" in ARCHITECTURE.md); a full spool
// refuses what comes. Facts, and what is not partitioned, are never kept: who decides must know
// what the log has. Reading is the target's; what waits is not visible yet.
#pragma once

#include "bus/returning_log.hpp"
#include "bus/spool/direct_appends.hpp"
#include "bus/spool/forwarder.hpp"

namespace bus::spool {

class SpoolingLog final : public Log {
public:
    // Errors as Journal::open().
    static Result<std::unique_ptr<SpoolingLog>> open(std::unique_ptr<ReturningLog> target,
                                                     const SpoolOptions& options);
    ~SpoolingLog() override;

    std::uint64_t waiting() const { return spool_->records(); }

    PartitionId partitions() const override { return target_->partitions(); }
    std::string_view engine() const override { return target_->engine(); }
    void append(NewRecord record, AppendDone done) override;
    Result<std::unique_ptr<Reader>> open_reader(const ReaderOptions& options) override {
        return target_->open_reader(options);
    }
    Result<OwnedRecord> read_at(const Address& address) override {
        return target_->read_at(address);
    }
    Result<Offset> start_offset(TopicPartition where) override;
    Result<Offset> end_offset(TopicPartition where) override;
    Result<LogProof> verify(const VerifyOptions& options) override {
        return target_->verify(options);
    }
    Result<Erasure> erase(std::span<const Address> addresses) override {
        return target_->erase(addresses);
    }
    LogStatus status() const override;
    void close() override;

private:
    SpoolingLog(std::unique_ptr<ReturningLog> target, std::unique_ptr<Spool> spool);
    bool has_room() const { return spool_->has_room(); }
    bool may_wait(const NewRecord& record) const;
    Result<Done> check_answers() const;

    std::atomic<bool> closed_{false};
    std::unique_ptr<Spool> spool_;  // before the target, which gives back into it
    DirectAppends direct_;          // likewise: it is told of the target's answers
    std::unique_ptr<ReturningLog> target_;
    std::unique_ptr<Forwarder> forwarder_;
};

}  // namespace bus::spool
