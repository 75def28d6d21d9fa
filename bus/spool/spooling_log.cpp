#include "bus/spool/spooling_log.hpp"

#include "bus/spool/spool_probe.hpp"

namespace bus::spool {

Result<std::unique_ptr<SpoolingLog>> SpoolingLog::open(std::unique_ptr<ReturningLog> target,
                                                       const SpoolOptions& options) {
    auto spool = Spool::open(options);
    if (!spool) return spool.error();
    SpoolProbe::began((*spool)->records());
    return std::unique_ptr<SpoolingLog>(new SpoolingLog(std::move(target), *std::move(spool)));
}

SpoolingLog::SpoolingLog(std::unique_ptr<ReturningLog> target, std::unique_ptr<Spool> spool)
    : spool_(std::move(spool)), direct_(*spool_), target_(std::move(target)) {
    target_->set_give_back([this](NewRecord record, AppendDone done) {
        direct_.given_back(std::move(record), std::move(done));
    });
    forwarder_ = std::make_unique<Forwarder>(*target_, *spool_);
}

SpoolingLog::~SpoolingLog() {
    close();
}

void SpoolingLog::append(NewRecord record, AppendDone done) {
    if (!may_wait(record)) return target_->append(std::move(record), std::move(done));
    if (direct_.begin(record, done) == DirectAppends::Way::kept) return;
    if (!has_room()) return target_->append(std::move(record), std::move(done));
    target_->append_or_give_back(std::move(record), std::move(done));
}

bool SpoolingLog::may_wait(const NewRecord& record) const {
    return is_partitioned(record.topic) && record.topic != Topic::facts && !record.at &&
           record.partition < spool_->partitions();
}

// Asking a log that is away takes seconds. One that is closed can still be read.
Result<Done> SpoolingLog::check_answers() const {
    const LogStatus status = target_->status();
    if (status.accepting || closed_) return Done{};
    return fail(ErrorCode::unavailable, "{}", status.detail);
}

Result<Offset> SpoolingLog::start_offset(TopicPartition where) {
    if (auto answers = check_answers(); !answers) return answers.error();
    return target_->start_offset(where);
}

Result<Offset> SpoolingLog::end_offset(TopicPartition where) {
    if (auto answers = check_answers(); !answers) return answers.error();
    return target_->end_offset(where);
}

LogStatus SpoolingLog::status() const {
    LogStatus status = target_->status();
    const std::string waiting =
        fmt::format("{} events wait in the spool ({} of {} MiB)", spool_->records(),
                    spool_->bytes() >> 20, spool_->bytes_max() >> 20);
    if (!status.accepting)
        return {.accepting = has_room(), .detail = status.detail + "; " + waiting};
    if (spool_->records() > 0)
        status.detail = waiting + " and are being forwarded" + forwarder_->resting();
    return status;
}

// What the target gives back while it closes is kept, so it goes first.
void SpoolingLog::close() {
    closed_ = true;
    forwarder_->stop();
    target_->close();
    direct_.end();
    spool_->close();
}

}  // namespace bus::spool
