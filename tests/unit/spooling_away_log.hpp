// A log in memory that is away, hangs, refuses or gives back as it is told.
#pragma once

#include "bus/memory/memory_log.hpp"
#include "bus/returning_log.hpp"

#include <atomic>
#include <mutex>

namespace spool_test {

using namespace bus;
using namespace std::chrono_literals;

inline constexpr milliseconds wait_max{20'000};

// What is wrong with the log below.
struct Trouble {
    std::atomic<bool> away{false};
    std::atomic<bool> forwards{true};
    std::atomic<int> refused{-1};         // this record of chat, partition 0, is never taken
    std::atomic<int> refusals{0};         // of it
    std::atomic<int> unheard{0};          // so many behind one that failed are never answered
    std::atomic<int> producers{0};        // made for ordered appends
    std::atomic<bool> gives_back{false};  // new ones, while those of the spool are taken
    std::atomic<bool> hangs{false};       // chat, partition 0, is taken and not answered
    std::atomic<bool> holds{false};       // those that may be given back are not answered yet
    std::mutex mutex;
    std::vector<std::function<void()>> unanswered;  // guarded, as all below
    struct Held {
        NewRecord record;
        AppendDone done;
    };
    std::vector<Held> held;

    std::size_t unanswered_now() {
        const std::lock_guard lock(mutex);
        return unanswered.size();
    }
    void answer_all() {
        hangs = false;
        const std::lock_guard lock(mutex);
        for (const auto& answer : std::exchange(unanswered, {})) answer();
    }

    std::vector<Held> take_held() {
        holds = false;
        const std::lock_guard lock(mutex);
        return std::exchange(held, {});
    }

    bool refuses(const NewRecord& record) {
        const bool refuses = record.topic == Topic::chat && record.partition == 0 &&
                             record.value == std::to_string(refused);
        if (refuses) ++refusals;
        return refuses;
    }
};

// In memory; away when told, and now and then an append fails in the middle of everything.
class AwayLog final : public ReturningLog {
public:
    AwayLog(memory::MemoryLog& memory, Trouble& trouble) : memory_(memory), trouble_(trouble) {}

    PartitionId partitions() const override { return memory_.partitions(); }
    std::string_view engine() const override { return "away"; }
    void set_give_back(GiveBack give_back) override { give_back_ = std::move(give_back); }
    void append_or_give_back(NewRecord record, AppendDone done) override {
        if (trouble_.away || trouble_.gives_back)
            return give_back_(std::move(record), std::move(done));
        if (trouble_.holds) {
            const std::lock_guard lock(trouble_.mutex);
            trouble_.held.push_back({std::move(record), std::move(done)});
            return;
        }
        memory_.append(std::move(record), std::move(done));
    }
    void append(NewRecord record, AppendDone done) override {
        if (trouble_.away) return done(fail(ErrorCode::unavailable, "away"));
        if (trouble_.refuses(record)) return done(fail(ErrorCode::too_large, "too large"));
        memory_.append(std::move(record), std::move(done));
    }
    Result<std::unique_ptr<OrderedAppends>> ordered_appends() override {
        if (trouble_.away || !trouble_.forwards) return fail(ErrorCode::unavailable, "away");
        ++trouble_.producers;
        return std::unique_ptr<OrderedAppends>(std::make_unique<OneByOne>(*this, trouble_));
    }
    Result<std::unique_ptr<Reader>> open_reader(const ReaderOptions& options) override {
        return memory_.open_reader(options);
    }
    Result<OwnedRecord> read_at(const Address& address) override {
        return memory_.read_at(address);
    }
    Result<Offset> start_offset(TopicPartition where) override {
        return memory_.start_offset(where);
    }
    Result<Offset> end_offset(TopicPartition where) override { return memory_.end_offset(where); }
    LogStatus status() const override {
        return trouble_.away ? LogStatus{.accepting = false, .detail = "away"} : memory_.status();
    }
    void close() override {}

    // What is to become of one that was held.
    void give_back(Trouble::Held held) { give_back_(std::move(held.record), std::move(held.done)); }
    void store(Trouble::Held held) { memory_.append(std::move(held.record), std::move(held.done)); }

private:
    class OneByOne final : public OrderedAppends {
    public:
        OneByOne(Log& log, Trouble& trouble) : log_(log), trouble_(trouble) {}
        void append(NewRecord record, AppendDone done) override {
            if (failed_ && trouble_.unheard > 0) {
                --trouble_.unheard;
                return;
            }
            auto appended = failed_ ? fail(ErrorCode::cancelled, "one before it failed")
                                    : append_and_wait(log_, std::move(record), wait_max);
            if (!appended) failed_ = true;
            if (!appended || !trouble_.hangs || appended->address.topic != Topic::chat ||
                appended->address.partition != 0)
                return done(std::move(appended));
            const std::lock_guard lock(trouble_.mutex);
            trouble_.unanswered.push_back([done = std::move(done), appended] { done(appended); });
        }

    private:
        Log& log_;
        Trouble& trouble_;
        bool failed_ = false;
    };

    memory::MemoryLog& memory_;
    Trouble& trouble_;
    GiveBack give_back_;
};

}  // namespace spool_test
