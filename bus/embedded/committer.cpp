#include "bus/embedded/committer.hpp"

#include "bus/embedded/reader_signals.hpp"
#include "bus/envelope.hpp"
#include "bus/logging.hpp"

#include <algorithm>
#include <bit>

namespace bus::embedded {
namespace {

using namespace std::chrono_literals;

constexpr auto peak_life = 10ms;
constexpr std::size_t key_sources_few = 8;  // not worth a group
constexpr auto retry_delay_min = 100ms;
constexpr auto retry_delay_max = 10s;

EventId id_of(HeadersView headers) {
    return parse_event_id(headers.get(header::id)).value_or(EventId{});
}

Appended appended_at(const Address& address, EventId id) {
    Appended out{.address = address,
                 .id = id,
                 .durability = Durability::fsynced,
                 .position = {.partition = address.partition}};
    if (is_partitioned(address.topic)) out.position[address.topic] = address.offset + 1;
    return out;
}

Error out_of_order(const NewRecord& record) {
    return fail(ErrorCode::conflict, "{} is not the next place",
                to_string(Address{record.topic, record.partition, *record.at}));
}

Error closing_error() {
    return fail(ErrorCode::cancelled, "the journal is closing");
}

}  // namespace

Committer::Committer(const JournalOptions& options, const Slots& slots, SegmentList& segments,
                     Keeper& keeper, TailCache& cache, ReaderSignals& signals)
    : options_(options),
      slots_(slots),
      segments_(segments),
      keeper_(keeper),
      cache_(cache),
      signals_(signals),
      record_bytes_max_(record_bytes_max(options.segment_bytes)),
      writer_(cache),
      fetch_(cache),
      next_(slots.count()) {}

Committer::~Committer() {
    close();
}

Result<Done> Committer::start(const std::optional<WritePoint>& point) {
    next_ = segments_.ends();
    if (point) {
        point_ = *point;
        segment_ = segments_.newest();
        auto opened = writer_.open(segment_->file(), segment_->header(), slots_.count(), point_,
                                   segments_.records_in(segment_));
        if (!opened) return opened;
    } else if (auto began = next_segment(); !began) {
        return began;
    }
    thread_ = std::thread([this] {
        std::vector<Waiting> batch;
        while (take(batch)) settle(batch);
        std::unique_lock lock(mutex_);
        run_errands(lock);
        ended_ = true;
    });
    return Done{};
}

void Committer::close() {
    {
        std::lock_guard lock(mutex_);
        closing_ = true;
        changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
}

void Committer::append(NewRecord record, AppendDone done) {
    const std::size_t bytes = GroupWriter::record_bytes(record);
    bool wake = false;
    {
        std::unique_lock lock(mutex_);
        if (closing_) {  // our thread may be gone
            lock.unlock();
            return done(closing_error());
        }
        Waiting& waiting =
            waiting_.emplace_back(Waiting{std::move(record), std::move(done), std::nullopt});
        if (auto too_large = check_size(waiting.record)) {
            waiting.record = {};
            waiting.refused = std::move(too_large);
        } else if (waiting_bytes_ + bytes > options_.waiting_bytes_max) {
            waiting.record = {};
            waiting.refused = fail(ErrorCode::unavailable, "{} MiB wait for the disk already",
                                   waiting_bytes_ >> 20);
        } else {
            waiting_bytes_ += bytes;
        }
        wake = wake_at_ > 0 && waiting_.size() >= wake_at_;
        if (wake) wake_at_ = 0;
    }
    if (wake) changed_.notify_one();
}

// At once when idle; under load when half of those who are active wait in the group.
std::size_t Committer::gather_target() const {
    if (std::chrono::steady_clock::now() - peak_at_ > peak_life) return 1;
    const std::size_t hint = active_callers_.load(std::memory_order_relaxed);
    return std::max<std::size_t>(1, (hint > 0 ? hint : peak_) / 2);
}

bool Committer::take(std::vector<Waiting>& batch) {
    batch.clear();
    std::unique_lock lock(mutex_);
    const Instant now = std::chrono::steady_clock::now();
    const std::size_t outstanding = waiting_.size() + outcomes_.size();
    if (outstanding >= peak_ || now - peak_at_ > peak_life) {
        peak_ = outstanding;
        peak_at_ = now;
    }
    const auto wait_for_count = [&](std::size_t count) {
        wake_at_ = count;
        return [this, count] { return closing_ || waiting_.size() >= count || !errands_.empty(); };
    };
    for (;;) {
        if (segment_) {
            changed_.wait(lock, wait_for_count(1));
        } else if (!changed_.wait_until(lock, retry_at_, wait_for_count(1))) {
            begin_again(lock);
            continue;
        }
        if (errands_.empty()) break;
        run_errands(lock);
    }
    const std::size_t target = gather_target();
    if (waiting_.size() < target && !closing_)
        changed_.wait_for(lock, options_.gather_max, wait_for_count(target));
    wake_at_ = 0;
    batch.swap(waiting_);
    waiting_bytes_ = 0;
    return !batch.empty();
}

// Who sees that nothing is accepted sends nothing: so this does not wait for an append. Leaves the
// lock meanwhile.
void Committer::begin_again(std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    if (auto began = next_segment(); !began) abandon_segment(began.error());
    lock.lock();
}

Result<Done> Committer::erase(const SegmentPtr& segment,
                              const std::vector<PlacedAddress>& records) {
    return run_between_groups([&] { return blank(segment, records); });
}

Result<Done> Committer::begin_next_segment() {
    return run_between_groups([this] { return leave_segment(); });
}

Result<Done> Committer::leave_segment() {
    if (segment_ && segments_.records_in(segment_) == 0) return Done{};
    auto began = next_segment();
    if (!began) abandon_segment(began.error());
    return began;
}

Result<Done> Committer::run_between_groups(std::function<Result<Done>()> work) {
    Errand errand{.work = std::move(work), .result = {}};
    std::unique_lock lock(mutex_);
    if (ended_) return closing_error();
    errands_.push_back(&errand);
    changed_.notify_all();
    errand_done_.wait(lock, [&] { return errand.result.has_value(); });
    return *errand.result;
}

void Committer::run_errands(std::unique_lock<std::mutex>& lock) {
    std::vector<Errand*> errands;
    errands.swap(errands_);
    for (Errand* errand : errands) {
        lock.unlock();
        auto result = errand->work();
        lock.lock();
        errand->result = std::move(result);
    }
    errand_done_.notify_all();
}

Result<Done> Committer::blank(const SegmentPtr& segment,
                              const std::vector<PlacedAddress>& records) {
    File& file = segment->file();
    std::vector<Blanking> blankings;
    for (const PlacedAddress& record : records) {
        auto one = blanking_of(file, record);
        if (!one) return one.error();
        blankings.push_back(*one);
    }
    auto blanked = blank_in_file(file, blankings);
    if (segment != segment_) {
        (void)cache_.blank(segment->id(), blankings, nullptr);
        return blanked;
    }
    if (blanked)
        writer_.blank(blankings);
    else
        abandon_segment(blanked.error());  // what its last page holds on disk is not known
    return blanked;
}

void Committer::settle(std::vector<Waiting>& batch) {
    outcomes_.assign(batch.size(), {});
    in_group_.reset(batch.size());
    prefetch_keys(batch);
    std::size_t unanswered = 0;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const NewRecord& record = batch[i].record;
        outcomes_[i].result = refuse(batch[i]);
        if (outcomes_[i].result || is_copy(i, record, outcomes_[i])) continue;
        if (!keeper_.has_space()) {
            outcomes_[i].result = fail(ErrorCode::unavailable, "{}", keeper_.space().detail);
            continue;
        }
        const std::uint64_t bytes = GroupWriter::record_bytes(record);
        if (!segment_ || !writer_.fits(bytes)) {
            flush(batch, unanswered, i);
            unanswered = i;
            if (auto room = make_room(bytes); !room) {
                outcomes_[i].result = room.error();
                continue;
            }
        }
        if (record.at && *record.at != next_[slots_[{record.topic, record.partition}]]) {
            outcomes_[i].result = out_of_order(record);
            continue;
        }
        add_to_group(i, record);
    }
    flush(batch, unanswered, batch.size());
}

// A table of millions is not in any cache: all look-ups of the batch wait for memory together.
void Committer::prefetch_keys(const std::vector<Waiting>& batch) {
    refresh_sources();
    if (!seen_) return;
    for (const Waiting& waiting : batch)
        if (waiting.record.dedup) seen_->prefetch(*waiting.record.dedup);
}

std::optional<Error> Committer::check_size(const NewRecord& record) const {
    const std::uint64_t bytes = GroupWriter::record_bytes(record);
    if (bytes <= record_bytes_max_ && record.key.size() <= 0xFFFF) return std::nullopt;
    return fail(ErrorCode::too_large, "a record of {} bytes, {} are allowed", bytes,
                record_bytes_max_);
}

std::optional<Result<Appended>> Committer::refuse(const Waiting& waiting) const {
    if (waiting.refused) return *waiting.refused;
    const NewRecord& record = waiting.record;
    if (!slots_.contains({record.topic, record.partition}))
        return fail(ErrorCode::invalid_input, "{} has no partition {}", short_name(record.topic),
                    record.partition);
    return std::nullopt;
}

bool Committer::is_copy(std::size_t index, const NewRecord& record, Outcome& outcome) {
    if (!record.dedup) return false;
    refresh_sources();
    if (record.at) return false;
    if (const DedupEntry* first = in_group_.find(*record.dedup)) {
        if (to_us(record.ingest_time) < first->until_us) {
            outcome.copy_of = first->place.at;
            return true;
        }
    }
    auto first = find_first(*record.dedup, record.ingest_time);
    if (!first) {
        logging::error("journal_dedup_unreadable", {{"reason", first.error().message}});
        outcome.result = fail(ErrorCode::unavailable, "cannot tell whether this is a copy: {}",
                              first.error().message);
        return true;
    }
    if (*first) {
        outcome.result = std::move(**first);
        outcomes_[index].result->value().duplicate = true;
    }
    return first->has_value();
}

void Committer::refresh_sources() {
    if (sources_generation_ == segments_.generation()) return;
    sources_generation_ = segments_.generation();
    const auto groups = segments_.groups();  // before the sources: they speak of sealed ones only
    std::vector<DedupSource> sources = segments_.dedup_sources();
    seen_ = segment_ ? sources.front().table : nullptr;
    sources_ = grouped(sources, groups);
    remembering_from_ = options_.clock->now();
    const bool are_asked = std::exchange(late_ones_ask_, false);
    std::erase_if(sources, [&](const DedupSource& source) {
        if (!source.footer || source.footer->remembers_after(remembering_from_)) return false;
        if (!are_asked) source.footer->forget_keys();
        return true;
    });
    remembering_ = grouped(sources, groups);
    key_sources_ = remembering_.size();
    if (remembering_.size() > key_sources_few) keeper_.group();
}

Result<std::optional<Appended>> Committer::find_first(const DedupKey& key, Timestamp ingest_time) {
    refresh_sources();
    std::optional<Appended> none;
    // What is imported comes late and keeps its time.
    const auto& all = ingest_time < remembering_from_ ? sources_ : remembering_;
    // One line of memory in each filter: all are waited for together.
    for (const GroupedSources& some : all) some.prefetch(key);
    for (const GroupedSources& some : all) {
        if (!some.may_have(key)) continue;
        for (const DedupSource& source : some.sources) {
            auto entry = find_in(source, key, ingest_time);
            if (!entry && entry.error().code == ErrorCode::corrupt) {
                logging::warn("journal_footer_damaged", {{"segment", source.segment->id()}});
                if (auto restored = segments_.restore(source.segment); !restored)
                    return restored.error();
                return find_first(key, ingest_time);
            }
            if (!entry) return entry.error();
            if (!*entry) continue;
            if (to_us(ingest_time) >= (*entry)->until_us) return none;
            FetchStorage storage;
            auto record = fetch_.get_any(*source.segment, (*entry)->place, storage);
            if (!record) return record.error();
            const RecordMeta& meta = record->meta;
            return std::optional(appended_at({topic_at(meta.topic), meta.partition, meta.offset},
                                             id_of(HeadersView(record->headers))));
        }
    }
    return none;
}

Result<std::optional<DedupEntry>> Committer::find_in(const DedupSource& source, const DedupKey& key,
                                                     Timestamp ingest_time) {
    std::optional<DedupEntry> none;
    if (source.footer) {
        if (!source.footer->remembers_after(ingest_time)) return none;
        late_ones_ask_ |= !source.footer->remembers_after(remembering_from_);
        return source.footer->find(source.segment->file(), key);
    }
    const DedupEntry* found = source.table->find(key);
    if (!found) return none;
    return std::optional(*found);
}

void Committer::add_to_group(std::size_t index, const NewRecord& record) {
    const std::size_t slot = slots_[{record.topic, record.partition}];
    const Address address{record.topic, record.partition, next_[slot]++};
    const Place place = writer_.add(record, address.offset);
    if (record.dedup) {
        const std::int64_t until_us = to_us(record.ingest_time + record.dedup_window);
        in_group_.put({*record.dedup, until_us, {static_cast<std::uint32_t>(index), 1}});
        to_remember_.push_back({*record.dedup, until_us, place});
    }
    visible_.push_back({slot, place});
    group_.push_back({index, slot, place, appended_at(address, id_of(record.headers))});
}

void Committer::flush(std::vector<Waiting>& batch, std::size_t from, std::size_t to) {
    if (!group_.empty()) {
        const std::uint64_t bytes = writer_.group_bytes();
        const Instant started = std::chrono::steady_clock::now();
        auto committed = writer_.commit();
        if (committed) {
            make_visible();
            retry_delay_ = 0ms;
            const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
            probe_.committed(group_.size(), bytes, took.count());
            std::lock_guard lock(mutex_);
            stats_.groups += 1;
            stats_.records += group_.size();
            stats_.bytes_written += bytes;
            stats_.groups_of[std::min<std::size_t>(std::bit_width(group_.size()) - 1,
                                                   stats_.groups_of.size() - 1)] += 1;
        } else {
            abandon_segment(committed.error());
        }
        for (Grouped& one : group_) {
            if (committed)
                outcomes_[one.index].result = std::move(one.appended);
            else
                outcomes_[one.index].result =
                    fail(ErrorCode::unavailable, "not durable: {}", committed.error().message);
        }
        forget_group();
    }
    for (std::size_t i = from; i < to; ++i) answer(batch[i], outcomes_[i]);
}

void Committer::make_visible() {
    point_ = writer_.point();
    segments_.publish(visible_);
    for (const DedupEntry& entry : to_remember_) seen_->put(entry);
    std::vector<std::size_t> slots;
    for (const VisibleRecord& record : visible_)
        if (std::find(slots.begin(), slots.end(), record.slot) == slots.end())
            slots.push_back(record.slot);
    signals_.notify(slots);
}

void Committer::forget_group() {
    group_.clear();
    visible_.clear();
    to_remember_.clear();
    in_group_.reset(outcomes_.size());
}

void Committer::answer(Waiting& waiting, Outcome& outcome) {
    if (outcome.copy_of) {
        outcome.result = outcomes_[*outcome.copy_of].result;
        if (outcome.result->has_value()) outcome.result->value().duplicate = true;
    }
    if (!outcome.result->has_value()) {
        refused_ += 1;
        probe_.refused();
    } else if (outcome.result->value().duplicate) {
        duplicates_ += 1;
        probe_.duplicate();
    }
    waiting.done(*outcome.result);
}

Result<Done> Committer::make_room(std::uint64_t record_bytes) {
    if (segment_ && writer_.segment_fits(record_bytes)) {
        writer_.make_room(record_bytes);
        return Done{};
    }
    if (!segment_ && std::chrono::steady_clock::now() < retry_at_)
        return fail(ErrorCode::unavailable, "the disk failed; tried again in a moment");
    auto began = next_segment();
    if (!began) {
        abandon_segment(began.error());
        return fail(ErrorCode::unavailable, "no segment to write in: {}", began.error().message);
    }
    writer_.make_room(record_bytes);
    return Done{};
}

Result<Done> Committer::next_segment() {
    auto prepared = keeper_.take_next();
    if (!prepared) return prepared.error();
    auto began = begin_segment(std::move(*prepared), options_, point_, segments_.ends());
    if (!began) return began.error();
    const SegmentPtr before = segments_.newest();
    const SegmentHeader& header = (*began)->header();
    const WritePoint point{header.header_bytes, point_.sequence, point_.chain};
    auto opened = writer_.open((*began)->file(), header, slots_.count(), point, 0);
    if (!opened) return opened;
    point_ = point;
    segments_.add(*began);
    if (before) keeper_.seal(before);
    segment_ = *began;
    seen_ = segments_.dedup_sources().front().table;
    broken_.store(false);
    return Done{};
}

void Committer::abandon_segment(const Error& error) {
    logging::error("journal_segment_abandoned",
                   {{"segment", segment_ ? segment_->id() : 0}, {"reason", error.message}});
    probe_.segment_abandoned();
    segment_ = nullptr;
    next_ = segments_.ends();
    retry_delay_ =
        std::clamp<std::chrono::milliseconds>(retry_delay_ * 2, retry_delay_min, retry_delay_max);
    retry_at_ = std::chrono::steady_clock::now() + retry_delay_;
    broken_.store(true);
    std::lock_guard lock(mutex_);
    broken_detail_ = error.message;
}

JournalStats Committer::stats() const {
    const auto sources = segments_.dedup_sources();
    std::lock_guard lock(mutex_);
    JournalStats stats = stats_;
    stats.filters_of_one = static_cast<std::size_t>(std::count_if(
        sources.begin(), sources.end(),
        [](const DedupSource& source) { return source.footer && source.footer->has_keys(); }));
    stats.duplicates = duplicates_;
    stats.refused = refused_;
    stats.key_sources = key_sources_;
    return stats;
}

LogStatus Committer::status() const {
    {
        std::lock_guard lock(mutex_);
        if (closing_) return {.accepting = false, .detail = "the journal is closing"};
        if (broken_.load()) return {.accepting = false, .detail = broken_detail_};
    }
    return keeper_.space();
}

}  // namespace bus::embedded
