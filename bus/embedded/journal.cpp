#include "bus/embedded/journal.hpp"

#include "bus/embedded/committer.hpp"
#include "bus/embedded/journal_reader.hpp"
#include "bus/embedded/journal_verifier.hpp"
#include "bus/embedded/segment_expiry.hpp"
#include "bus/erased_copy.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

namespace bus::embedded {
namespace {

constexpr std::size_t arena_bytes = 4u << 20;
constexpr seconds seal_wait_max{30};
constexpr milliseconds seal_wait_step{10};
constexpr std::size_t erase_records_step = 64;  // appends wait no longer than for these

class JournalImpl final : public Journal {
public:
    JournalImpl(JournalOptions options, std::unique_ptr<DirectoryLock> lock)
        : options_(std::move(options)),
          slots_(options_.partitions),
          lock_(std::move(lock)),
          segments_(slots_),
          cache_(std::min<std::uint64_t>(arena_bytes, options_.segment_bytes),
                 options_.tail_cache_bytes) {}
    ~JournalImpl() override { close(); }

    Result<Done> start() {
        auto recovered = recover(options_, slots_, segments_);
        if (!recovered) return recovered.error();
        keeper_.emplace(options_, segments_, recovered->next_id, std::move(recovered->prepared));
        keeper_->start();
        for (SegmentPtr& segment : recovered->to_seal) keeper_->seal(std::move(segment));
        committer_.emplace(options_, slots_, segments_, *keeper_, cache_, signals_);
        return committer_->start(recovered->point);
    }

    PartitionId partitions() const override { return options_.partitions; }
    std::string_view engine() const override { return "embedded"; }
    void append(NewRecord record, AppendDone done) override {
        committer_->append(std::move(record), std::move(done));
    }

    Result<std::unique_ptr<Reader>> open_reader(const ReaderOptions& options) override {
        if (options.partition >= options_.partitions)
            return fail(ErrorCode::invalid_input, "there is no partition {}", options.partition);
        for (std::size_t t = 0; t < topic_count; ++t) {
            if (!options.topics[t]) continue;
            const TopicPartition where{topic_at(t),
                                       is_partitioned(topic_at(t)) ? options.partition : 0};
            if (options.from[t] > segments_.end(slots_[where]))
                return fail(ErrorCode::corrupt, "{} is past the end of the log",
                            to_string(Address{where.topic, where.partition, options.from[t]}));
        }
        return std::unique_ptr<Reader>(
            std::make_unique<JournalReader>(segments_, cache_, signals_, slots_, options));
    }

    Result<OwnedRecord> read_at(const Address& address) override {
        const TopicPartition where{address.topic, address.partition};
        if (!slots_.contains(where)) return fail(ErrorCode::not_found, "no {}", to_string(address));
        auto run = segments_.locate(slots_[where], address.offset, 1);
        if (!run) return run.error();
        if (run->places.empty()) return fail(ErrorCode::not_found, "no {}", to_string(address));
        FetchStorage storage;
        auto record = RecordFetch(cache_).get(*run->segment, run->places[0], address, storage);
        if (!record) return record.error();
        return OwnedRecord{.address = address,
                           .key = std::string(record->key),
                           .headers = Headers::from_bytes(std::string(record->headers)),
                           .value = std::string(record->body()),
                           .tombstone = (record->meta.flags & Flags::tombstone) != 0,
                           .erased = record->erased() || record->expired() ||
                                     says_erased(record->body(), HeadersView(record->headers)),
                           .expired = record->expired() ||
                                      says_expired(record->body(), HeadersView(record->headers))};
    }

    Result<Offset> start_offset(TopicPartition where) override {
        if (!slots_.contains(where)) return no_such(where);
        return segments_.start(slots_[where]);
    }
    Result<Offset> end_offset(TopicPartition where) override {
        if (!slots_.contains(where)) return no_such(where);
        return segments_.end(slots_[where]);
    }

    Result<LogProof> verify(const VerifyOptions& options) override {
        const SegmentList::Moment moment = segments_.moment();
        auto names = options_.files->list(options_.directory);
        if (!names) return names.error();
        JournalVerifier verifier(slots_, options);
        for (std::size_t i = 0; i < moment.segments.size(); ++i) {
            const Segment& segment = *moment.segments[i];
            if (std::find(names->begin(), names->end(), segment.path().filename().string()) ==
                names->end()) {
                verifier.add({.where = {},
                              .file = segment.path().string(),
                              .what = "the file is missing; its records are read, if at all, only "
                                      "as long as this process lives"});
                if (!segment.file().stay_open()) continue;  // it was closed
            }
            auto proved = verifier.prove(to_prove(moment, i));
            if (!proved) return proved.error();
        }
        return verifier.take();
    }

    Result<Erasure> erase(std::span<const Address> addresses) override {
        if (addresses.empty()) return Erasure{};
        const std::lock_guard lock(rewriting_);
        if (auto settled = settle_names(); !settled) return settled.error();
        Erasure erasure;
        auto found = locate(addresses, erasure);
        if (!found) return found.error();
        ++rewrites_;
        for (const auto& [id, records] : *found) {
            for (std::size_t i = 0; i < records.records.size(); i += erase_records_step) {
                const auto begin = records.records.begin() + static_cast<std::ptrdiff_t>(i);
                const auto count = std::min(erase_records_step, records.records.size() - i);
                auto erased = committer_->erase(
                    records.segment, {begin, begin + static_cast<std::ptrdiff_t>(count)});
                if (!erased) return erased.error();
                erasure.erased += count;
            }
        }
        return erasure;
    }

    Result<Expiry> expire(std::span<const RecordRange> ranges,
                          const ExpiryOptions& options) override {
        const std::lock_guard lock(rewriting_);
        auto expired = ExpiredOffsets::of(ranges, slots_);
        if (!expired) return expired.error();
        if (!options.dry_run) {
            if (auto settled = settle_names(); !settled) return settled.error();
            names_settled_ = false;
            ++rewrites_;
        }
        Result<SegmentList::Moment> ready = options.dry_run
                                                ? Result<SegmentList::Moment>(segments_.moment())
                                                : all_sealed(*expired, options);
        if (!ready) return ready.error();
        SegmentList::Moment& moment = *ready;
        const JournalFiles journal{*options_.files, options_.directory, slots_, segments_, cache_};
        Expiry sum;
        for (std::size_t i = 0; i < moment.segments.size(); ++i) {
            if (i > 0) moment.segments[i - 1].reset();  // an old file closes, its room comes back
            if (!touches(*expired, moment, i)) continue;
            const bool is_newest = i + 1 == moment.segments.size();
            if (is_newest && !options.dry_run) continue;  // begun since: it holds what came later
            const auto until = is_newest ? std::nullopt : std::optional(moment.next_sequences[i]);
            auto done = expire_in(journal, moment.segments[i], until, *expired, options);
            if (done)
                add(sum, *done);
            else if (done.error().code == ErrorCode::corrupt)
                sum.damaged.push_back({done.error().message, expired_in(*expired, moment, i)});
            else
                return done.error();
        }
        return sum;
    }

    std::uint64_t rewrites() const override { return rewrites_; }
    LogStatus status() const override { return committer_->status(); }
    void close() override {
        if (committer_) committer_->close();
        if (keeper_) keeper_->stop();
    }

    void set_active_callers(std::size_t callers) override {
        committer_->set_active_callers(callers);
    }
    JournalStats stats() const override { return committer_->stats(); }

private:
    Result<Done> settle_names() {
        if (names_settled_) return Done{};
        auto settled = embedded::settle_names(*options_.files, options_.directory);
        names_settled_ = settled.has_value();
        return settled;
    }

    static std::vector<RecordRange> expired_in(const ExpiredOffsets& expired,
                                               const SegmentList::Moment& moment, std::size_t i) {
        const bool is_newest = i + 1 == moment.segments.size();
        return expired.within(moment.segments[i]->begin().ends,
                              is_newest ? moment.ends : moment.segments[i + 1]->begin().ends);
    }
    static bool touches(const ExpiredOffsets& expired, const SegmentList::Moment& moment,
                        std::size_t i) {
        return !expired_in(expired, moment, i).empty();
    }

    // Only a sealed segment is written anew. The newest one, if it has expired records, is full as
    // it is.
    Result<SegmentList::Moment> all_sealed(const ExpiredOffsets& expired,
                                           const ExpiryOptions& options) {
        if (const auto now = segments_.moment(); touches(expired, now, now.segments.size() - 1))
            if (auto begun = committer_->begin_next_segment(); !begun) return begun.error();
        for (const SegmentPtr& segment : unsealed(expired, segments_.moment()))
            keeper_->seal(segment);
        const auto deadline = std::chrono::steady_clock::now() + seal_wait_max;
        for (;;) {
            SegmentList::Moment moment = segments_.moment();
            const std::vector<SegmentPtr> waiting = unsealed(expired, moment);
            if (waiting.empty()) return moment;
            if (std::chrono::steady_clock::now() >= deadline)
                return fail(ErrorCode::unavailable, "segment {} is not sealed yet; try again later",
                            waiting.front()->id());
            if (!options.go_on(0)) return fail(ErrorCode::cancelled, "stopped");
            std::this_thread::sleep_for(seal_wait_step);
        }
    }

    // Closed ones that have expired records.
    static std::vector<SegmentPtr> unsealed(const ExpiredOffsets& expired,
                                            const SegmentList::Moment& moment) {
        std::vector<SegmentPtr> found;
        for (std::size_t i = 0; i + 1 < moment.segments.size(); ++i)
            if (!moment.sealed[i] && touches(expired, moment, i))
                found.push_back(moment.segments[i]);
        return found;
    }

    struct InSegment {
        SegmentPtr segment;
        std::vector<PlacedAddress> records;
    };

    Result<std::map<std::uint64_t, InSegment>> locate(std::span<const Address> addresses,
                                                      Erasure& erasure) {
        std::map<std::uint64_t, InSegment> found;
        for (const Address& address : addresses) {
            const TopicPartition where{address.topic, address.partition};
            if (!slots_.contains(where))
                return fail(ErrorCode::not_found, "no {}", to_string(address));
            auto run = segments_.locate(slots_[where], address.offset, 1);
            if (!run && run.error().code == ErrorCode::gone) {
                erasure.gone += 1;
                continue;
            }
            if (!run) return run.error();
            if (run->places.empty()) return fail(ErrorCode::not_found, "no {}", to_string(address));
            InSegment& there = found[run->segment->id()];
            there.segment = run->segment;
            there.records.push_back({run->places[0], address});
        }
        return found;
    }

    static SegmentToProve to_prove(const SegmentList::Moment& moment, std::size_t i) {
        const Segment& segment = *moment.segments[i];
        SegmentToProve out{.path = segment.path(),
                           .file = segment.file(),
                           .start = segment.begin(),
                           .until_sequence = {},
                           .visible = {},
                           .sealed = moment.sealed[i]};
        if (i + 1 < moment.segments.size())
            out.until_sequence = moment.next_sequences[i];
        else
            out.visible = moment.ends;
        return out;
    }

    static Error no_such(TopicPartition where) {
        return fail(ErrorCode::not_found, "{} has no partition {}", short_name(where.topic),
                    where.partition);
    }

    const JournalOptions options_;
    const Slots slots_;
    std::unique_ptr<DirectoryLock> lock_;  // let go of last
    SegmentList segments_;
    TailCache cache_;
    ReaderSignals signals_;
    std::mutex rewriting_;        // erase() and expire() change files one after the other
    bool names_settled_ = false;  // guarded by rewriting_: no expiry has left a file or name since
    std::atomic<std::uint64_t> rewrites_{0};
    std::optional<Keeper> keeper_;  // before the committer, which waits for it
    std::optional<Committer> committer_;
};

Result<Done> check(const JournalOptions& options) {
    constexpr std::uint64_t segment_bytes_min = 64u << 10;
    constexpr std::uint64_t segment_bytes_max = 2ull << 30;
    if (options.partitions == 0 || options.partitions > 256)
        return fail(ErrorCode::invalid_input, "{} partitions; 1 to 256 are possible",
                    options.partitions);
    if (options.segment_bytes % page_bytes != 0 || options.segment_bytes < segment_bytes_min ||
        options.segment_bytes > segment_bytes_max)
        return fail(ErrorCode::invalid_input, "segments of {} bytes", options.segment_bytes);
    return Done{};
}

}  // namespace

std::uint64_t record_bytes_max(std::uint64_t segment_bytes) {
    constexpr std::uint64_t most = 16u << 20;
    return std::min(most, segment_bytes / 4);
}

Result<std::unique_ptr<Journal>> Journal::open(JournalOptions options) {
    if (auto checked = check(options); !checked) return checked.error();
    if (auto made = options.files->make_directory(options.directory); !made) return made.error();
    auto lock = options.files->lock(options.directory);
    if (!lock) return lock.error();
    auto journal = std::make_unique<JournalImpl>(std::move(options), std::move(*lock));
    if (auto started = journal->start(); !started) return started.error();
    return std::unique_ptr<Journal>(std::move(journal));
}

}  // namespace bus::embedded
