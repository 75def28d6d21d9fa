#include "bus/spool/forwarding.hpp"

#include "bus/copied_record.hpp"
#include "bus/crash_point.hpp"
#include "bus/spool/spool_probe.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace bus::spool {

namespace {

constexpr std::size_t records_under_way_max = 4'096;
constexpr std::size_t bytes_under_way_max = 16u << 20;
constexpr std::size_t batch_records = 256;
constexpr std::size_t batch_bytes = 1u << 20;
constexpr milliseconds answer_wait_max{100};
constexpr milliseconds read_again_after{1'000};
constexpr milliseconds marks_every{250};  // what is forwarded twice after a crash

}  // namespace

// Of appends that are under way; they come on other threads, maybe when this attempt has ended.
class Forwarding::Answers : public std::enable_shared_from_this<Answers> {
public:
    struct Answer {
        Address address;
        std::size_t bytes = 0;
        std::optional<Error> error;
    };
    AppendDone answer_to(const Address& address, std::size_t bytes) {
        return [self = shared_from_this(), address, bytes](const Result<Appended>& appended) {
            const std::lock_guard lock(self->mutex_);
            self->came_.push_back(
                {address, bytes, appended ? std::nullopt : std::optional{appended.error()}});
            self->some_came_.notify_one();
        };
    }
    std::vector<Answer> wait(milliseconds wait_max) {
        std::unique_lock lock(mutex_);
        some_came_.wait_for(lock, wait_max, [this] { return !came_.empty(); });
        return std::exchange(came_, {});
    }

private:
    std::mutex mutex_;
    std::condition_variable some_came_;
    std::vector<Answer> came_;
};

Forwarding::Forwarding(std::unique_ptr<OrderedAppends> appends, Spool& spool, Failed failed)
    : spool_(spool),
      slots_(spool.partitions()),
      lanes_(spool.partitions()),
      queues_(slots_.count()),
      failed_(std::move(failed)),
      answers_(std::make_shared<Answers>()),
      appends_(std::move(appends)) {}

Forwarding::~Forwarding() = default;

std::uint64_t Forwarding::run(const std::atomic<bool>& stopping) {
    while (!refused_ && !stopping) {
        const bool sent = send_some();
        if (under_way_ == 0 && !sent && !has_unreadable()) break;
        take_answers(sent && !is_full() ? milliseconds{0} : answer_wait_max);
    }
    appends_.reset();
    while (under_way_ > 0) take_answers(answer_wait_max);
    for (PartitionId partition = 0; partition < spool_.partitions(); ++partition)
        spool_.rewind(partition);
    save_marks();
    return forwarded_;
}

bool Forwarding::is_full() const {
    return under_way_ >= records_under_way_max || bytes_under_way_ >= bytes_under_way_max;
}

bool Forwarding::send_some() {
    bool sent = false;
    for (PartitionId partition = 0; partition < spool_.partitions(); ++partition)
        if (!is_full() && send_some(partition)) sent = true;
    return sent;
}

// A partition that cannot be read rests, and holds up no other.
bool Forwarding::send_some(PartitionId partition) {
    Lane& lane = lanes_[partition];
    if (lane.unreadable) {
        if (lane.under_way > 0 || Steady::now() < lane.read_again_at) return false;
        spool_.rewind(partition);
        lane.unreadable = false;
    }
    const auto batch = spool_.next(partition, batch_records, batch_bytes);
    if (!batch) {
        failed_(batch.error());
        lane.unreadable = true;
        lane.read_again_at = Steady::now() + read_again_after;
        return false;
    }
    for (const RecordView& record : batch->records) send(record);
    return !batch->empty();
}

void Forwarding::send(const RecordView& view) {
    const Address& address = view.address;
    NewRecord record = copied_record(view);
    const std::size_t bytes = record.value.size() + record.headers.bytes().size();
    queues_[slots_[{address.topic, address.partition}]].push_back({address});
    ++lanes_[address.partition].under_way;
    ++under_way_;
    bytes_under_way_ += bytes;
    appends_->append(std::move(record), answers_->answer_to(address, bytes));
}

void Forwarding::take_answers(milliseconds wait_max) {
    for (const Answers::Answer& answer : answers_->wait(wait_max)) {
        const Address& address = answer.address;
        --under_way_;
        --lanes_[address.partition].under_way;
        bytes_under_way_ -= answer.bytes;
        if (answer.error) {
            if (!refused_) failed_(*answer.error);
            refused_ = true;
            continue;
        }
        const std::size_t slot = slots_[{address.topic, address.partition}];
        auto& queue = queues_[slot];
        // One after the other, so the difference of offsets is the place.
        queue[static_cast<std::size_t>(address.offset - queue.front().address.offset)].is_stored =
            true;
        tell_spool(slot);
    }
    if (Steady::now() >= marks_due_) save_marks();
}

// The spool counts from the beginning: it is told of a record once all before it are stored too.
void Forwarding::tell_spool(std::size_t slot) {
    auto& queue = queues_[slot];
    for (; !queue.empty() && queue.front().is_stored; queue.pop_front()) {
        spool_.forwarded(queue.front().address);
        ++forwarded_;
        crash_point("spool.some_forwarded");
    }
}

void Forwarding::save_marks() {
    if (auto saved = spool_.save_marks(); !saved) failed_(saved.error());
    SpoolProbe::holds(spool_.records(), spool_.bytes());
    marks_due_ = Steady::now() + marks_every;
}

bool Forwarding::has_unreadable() const {
    return std::any_of(lanes_.begin(), lanes_.end(),
                       [](const Lane& lane) { return lane.unreadable; });
}

}  // namespace bus::spool
