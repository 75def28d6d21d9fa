#include "bus/spool/forwarder.hpp"

#include "bus/copied_record.hpp"
#include "bus/crash_point.hpp"
#include "bus/envelope.hpp"
#include "bus/spool/spool_probe.hpp"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>

namespace bus::spool {

namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t batch_records = 1'024;
constexpr std::size_t batch_bytes = 4u << 20;
constexpr milliseconds look_again{200};   // at an empty spool, or after a failure
constexpr milliseconds marks_every{250};  // what is forwarded twice after a crash
constexpr milliseconds idle_before_clear{1'000};

struct Answer {
    std::size_t lane = 0;
    std::optional<Error> error;
};

// Of appends that are under way; they come on other threads.
class Answers : public std::enable_shared_from_this<Answers> {
public:
    AppendDone answer_of(std::size_t lane) {
        return [self = shared_from_this(), lane](const Result<Appended>& appended) {
            const std::lock_guard lock(self->mutex_);
            self->came_.push_back(
                {lane, appended ? std::nullopt : std::optional{appended.error()}});
            self->some_came_.notify_one();
        };
    }
    std::vector<Answer> wait() {
        std::unique_lock lock(mutex_);
        some_came_.wait(lock, [this] { return !came_.empty(); });
        return std::exchange(came_, {});
    }

private:
    std::mutex mutex_;
    std::condition_variable some_came_;
    std::vector<Answer> came_;
};

// What one source told in one topic partition. Only here order means anything, so lanes need not
// wait for each other.
struct Lane {
    std::vector<const RecordView*> records;
    std::size_t next = 0;

    const RecordView& record() const { return *records[next]; }
};

std::vector<Lane> lanes_of(const std::vector<RecordBatch>& batches) {
    std::map<std::tuple<Topic, PartitionId, std::string_view>, Lane> lanes;
    for (const RecordBatch& batch : batches)
        for (const RecordView& record : batch.records)
            lanes[{record.address.topic, record.address.partition,
                   record.headers.get(header::source)}]
                .records.push_back(&record);
    std::vector<Lane> out;
    for (auto& [name, lane] : lanes) out.push_back(std::move(lane));
    return out;
}

// Lanes run ahead of each other, while a spool counts each topic partition from its beginning:
// tells it of a record once all before it are in the log too. After a failure the others come
// twice.
class Progress {
public:
    explicit Progress(const std::vector<RecordBatch>& batches) {
        for (const RecordBatch& batch : batches)
            for (const RecordView& record : batch.records)
                waiting_[{record.address.topic, record.address.partition}].push_back(
                    {record.address, false});
    }
    void done(const Address& address) {
        auto& queue = waiting_.at({address.topic, address.partition});
        // One after the other, so the difference of offsets is the place.
        queue[static_cast<std::size_t>(address.offset - queue.front().address.offset)].is_done =
            true;
    }
    std::size_t tell(Spool& spool) {
        std::size_t told = 0;
        for (auto& [where, queue] : waiting_)
            for (; !queue.empty() && queue.front().is_done; queue.pop_front(), ++told)
                spool.forwarded(queue.front().address);
        return told;
    }

private:
    struct Waiting {
        Address address;
        bool is_done = false;
    };
    std::map<std::pair<Topic, PartitionId>, std::deque<Waiting>> waiting_;
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
    std::vector<RecordBatch> batches;
    for (PartitionId partition = 0; partition < target_.partitions(); ++partition) {
        auto batch = spool_.next(partition, batch_records, batch_bytes);
        if (!batch) {
            // What was read of the others is not on its way, and must be read again.
            for (PartitionId read = 0; read <= partition; ++read) spool_.rewind(read);
            report_failure(batch.error());
            return false;
        }
        if (!batch->empty()) batches.push_back(*std::move(batch));
    }
    const std::size_t told = forward(batches);
    forwarded_ += told;
    if (Steady::now() >= marks_due_) {
        if (auto saved = spool_.save_marks(); !saved) report_failure(saved.error());
        marks_due_ = Steady::now() + marks_every;
    }
    return told > 0;
}

// One record of each lane is under way until all have come to their end. Where one fails, its
// partition rests; the others do not wait. How many the spool was told of.
std::size_t Forwarder::forward(const std::vector<RecordBatch>& batches) {
    auto lanes = lanes_of(batches);
    Progress progress(batches);
    const auto answers = std::make_shared<Answers>();
    std::size_t under_way = 0, told = 0;
    const auto send = [&](std::size_t lane) {
        ++under_way;
        target_.append(copied_record(lanes[lane].record()), answers->answer_of(lane));
    };
    std::set<PartitionId> resting;
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) send(lane);
    while (under_way > 0) {
        for (const Answer& answer : answers->wait()) {
            --under_way;
            Lane& lane = lanes[answer.lane];
            const Address address = lane.record().address;
            if (answer.error) {
                report_failure(*answer.error);
                resting.insert(address.partition);
                continue;
            }
            progress.done(address);
            const bool has_more = ++lane.next < lane.records.size();
            if (has_more && !stopping_ && !resting.contains(address.partition)) send(answer.lane);
        }
        crash_point("spool.some_forwarded");
        told += progress.tell(spool_);
    }
    for (const PartitionId partition : resting) spool_.rewind(partition);
    if (resting.empty() && told > 0) failing_ = false;
    return told;
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
