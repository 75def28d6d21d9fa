#include "bus/spool/forwarder.hpp"

#include "bus/copied_record.hpp"
#include "bus/crash_point.hpp"
#include "bus/envelope.hpp"
#include "bus/spool/spool_probe.hpp"

#include <condition_variable>
#include <map>
#include <mutex>

namespace bus::spool {

namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t batch_records = 1'024;
constexpr std::size_t batch_bytes = 4u << 20;
constexpr milliseconds look_again{200};   // at an empty spool, or after a failure
constexpr milliseconds marks_every{250};  // what is forwarded twice after a crash
constexpr milliseconds idle_before_clear{1'000};

// Appends that are answered on other threads, waited for together.
class Round {
public:
    explicit Round(std::size_t size) : results_(size), left_(size) {}

    AppendDone answer_of(std::size_t place) {
        return [this, place](Result<Appended> appended) {
            std::lock_guard lock(mutex_);
            results_[place] = std::move(appended);
            if (--left_ == 0) all_answered_.notify_all();
        };
    }
    const std::vector<std::optional<Result<Appended>>>& wait() {
        std::unique_lock lock(mutex_);
        all_answered_.wait(lock, [this] { return left_ == 0; });
        return results_;
    }

private:
    std::mutex mutex_;
    std::condition_variable all_answered_;
    std::vector<std::optional<Result<Appended>>> results_;
    std::size_t left_;
};

using Places = std::vector<std::size_t>;  // in a batch

// Each lane in its order: what one source told in one topic. Only inside a lane order means
// anything, so lanes need not wait for each other.
std::vector<Places> lanes_of(const RecordBatch& batch) {
    std::map<std::pair<Topic, std::string_view>, Places> lanes;
    for (std::size_t place = 0; place < batch.records.size(); ++place) {
        const RecordView& record = batch.records[place];
        lanes[{record.address.topic, record.headers.get(header::source)}].push_back(place);
    }
    std::vector<Places> out;
    for (auto& [name, lane] : lanes) out.push_back(std::move(lane));
    return out;
}

// Lanes run ahead of each other, while a spool counts each topic from its beginning: tells it of
// a record once all before it are in the log too. After a failure the others come twice.
class Progress {
public:
    explicit Progress(const RecordBatch& batch) : done_(batch.records.size()) {
        for (std::size_t place = 0; place < batch.records.size(); ++place)
            topics_[index(batch.records[place].address.topic)].push_back(place);
    }
    void done(std::size_t place) { done_[place] = true; }
    std::size_t tell(Spool& spool, const RecordBatch& batch) {
        std::size_t told = 0;
        for (std::size_t topic = 0; topic < topic_count; ++topic) {
            std::size_t& next = next_[topic];
            for (; next < topics_[topic].size() && done_[topics_[topic][next]]; ++next, ++told)
                spool.forwarded(batch.records[topics_[topic][next]].address);
        }
        return told;
    }

private:
    std::vector<bool> done_;
    std::array<Places, topic_count> topics_;
    std::array<std::size_t, topic_count> next_{};
};

}  // namespace

Forwarder::Forwarder(Log& target, Spool& spool)
    : target_(target), spool_(spool), thread_([this] { run(); }) {}

void Forwarder::stop() {
    stopping_ = true;
    stopped_.notify();
    spool_.arrived().notify();
    if (thread_.joinable()) thread_.join();
}

void Forwarder::run() {
    while (!stopping_) {
        const std::uint64_t seen = spool_.arrived().count();
        if (spool_.records() > 0 && target_.status().accepting && forward_some()) continue;
        keep_house();
        if (spool_.records() == 0)
            spool_.arrived().wait(seen, look_again);
        else
            stopped_.wait(0, look_again);
    }
    (void)spool_.save_marks();  // else some come twice, which readers know
}

// False when nothing could be forwarded.
bool Forwarder::forward_some() {
    bool any = false;
    for (PartitionId partition = 0; partition < target_.partitions() && !stopping_; ++partition) {
        const auto done = forward_from(partition);
        if (done) {
            any = any || *done;
            continue;
        }
        spool_.rewind(partition);
        report_failure(done.error());
        return false;
    }
    if (any) failing_ = false;
    if (Steady::now() >= marks_due_) {
        if (auto saved = spool_.save_marks(); !saved) report_failure(saved.error());
        marks_due_ = Steady::now() + marks_every;
    }
    return any;
}

// One batch of a partition; false: it has nothing.
Result<bool> Forwarder::forward_from(PartitionId partition) {
    const auto batch = spool_.next(partition, batch_records, batch_bytes);
    if (!batch) return batch.error();
    auto lanes = lanes_of(*batch);
    Progress progress(*batch);
    std::optional<Error> failed;
    for (std::size_t nth = 0; !lanes.empty() && !failed; ++nth) {
        std::erase_if(lanes, [&](const Places& lane) { return nth >= lane.size(); });
        Round round(lanes.size());
        for (std::size_t i = 0; i < lanes.size(); ++i)
            target_.append(copied_record(batch->records[lanes[i][nth]]), round.answer_of(i));
        const auto& results = round.wait();
        crash_point("spool.some_forwarded");
        for (std::size_t i = 0; i < lanes.size(); ++i) {
            if (results[i]->has_value())
                progress.done(lanes[i][nth]);
            else
                failed = results[i]->error();
        }
        forwarded_ += progress.tell(spool_, *batch);
    }
    if (failed) return *failed;
    return !batch->empty();
}

// When all has been forwarded for a while, the space is given back.
void Forwarder::keep_house() {
    SpoolProbe::holds(spool_.records(), spool_.bytes());
    const bool is_used = spool_.records() == 0 && forwarded_ > 0;
    if (!is_used) {
        idle_since_ = Steady::now();
        return;
    }
    if (Steady::now() - idle_since_ < idle_before_clear) return;
    const auto cleared = spool_.clear();
    if (!cleared) return report_failure(cleared.error());
    if (!*cleared) return;
    SpoolProbe::forwarded_all(forwarded_);
    forwarded_ = 0;
}

void Forwarder::report_failure(const Error& error) {
    if (!failing_) SpoolProbe::forwarding_failed(error, spool_.records());
    failing_ = true;
}

}  // namespace bus::spool
