#include "bus/embedded/segment_list.hpp"

#include "bus/embedded/segment_reader.hpp"
#include "bus/embedded/segment_restoring.hpp"

#include <algorithm>

namespace bus::embedded {

void remember(ScannedSegment& into, const Slots& slots, const CheckedFrame& frame) {
    for (const PlacedRecord& placed : frame.records) {
        const RecordMeta& meta = placed.record.meta;
        into.places[slots[{topic_at(meta.topic), meta.partition}]].push_back(placed.place);
        if (!(meta.flags & Flags::dedup)) continue;
        into.dedup->put({.key = {meta.dedup},
                         .until_us = meta.ingest_us + std::int64_t{meta.dedup_window_s} * 1'000'000,
                         .place = placed.place});
    }
}

void SegmentList::add(SegmentPtr segment) {
    std::lock_guard lock(mutex_);
    if (!segments_.empty()) {
        Segment& before = *segments_.back();
        before.next_sequence_ = segment->header().first_sequence;
        before.chain_ = segment->header().chain;
    }
    ends_ = segment->start_.ends;
    segments_.push_back(std::move(segment));
    generation_.fetch_add(1, std::memory_order_release);
}

void SegmentList::adopt(const SegmentPtr& segment, ScannedSegment scanned) {
    std::lock_guard lock(mutex_);
    for (std::size_t slot = 0; slot < ends_.size(); ++slot)
        ends_[slot] = segment->start(slot) + scanned.places[slot].size();
    segment->places_ = std::make_shared<PlacesBySlot>(std::move(scanned.places));
    segment->dedup_ = std::move(scanned.dedup);
    generation_.fetch_add(1, std::memory_order_release);
}

void SegmentList::publish(const std::vector<VisibleRecord>& records) {
    std::lock_guard lock(mutex_);
    Segment& newest = *segments_.back();
    for (const VisibleRecord& record : records) {
        (*newest.places_)[record.slot].push_back(record.place);
        ends_[record.slot] += 1;
    }
}

SegmentPtr SegmentList::newest() const {
    std::lock_guard lock(mutex_);
    return segments_.empty() ? nullptr : segments_.back();
}

std::size_t SegmentList::records_in(const SegmentPtr& unsealed) const {
    std::lock_guard lock(mutex_);
    std::size_t records = 0;
    for (const auto& places : *unsealed->places_) records += places.size();
    return records;
}

Offset SegmentList::start(std::size_t slot) const {
    std::lock_guard lock(mutex_);
    return segments_.empty() ? 0 : segments_.front()->start(slot);
}

Offset SegmentList::end(std::size_t slot) const {
    std::lock_guard lock(mutex_);
    return ends_[slot];
}

std::vector<Offset> SegmentList::ends() const {
    std::lock_guard lock(mutex_);
    return ends_;
}

SegmentPtr SegmentList::find_locked(std::size_t slot, Offset offset) const {
    auto after = std::upper_bound(
        segments_.begin(), segments_.end(), offset,
        [slot](Offset o, const SegmentPtr& segment) { return o < segment->start(slot); });
    return after == segments_.begin() ? nullptr : *(after - 1);
}

Result<Run> SegmentList::locate(std::size_t slot, Offset first, std::size_t count) {
    Run run{.segment = nullptr, .first = first, .places = {}};
    std::shared_ptr<const SegmentFooter> footer;
    {
        std::lock_guard lock(mutex_);
        if (first >= ends_[slot]) return run;
        run.segment = find_locked(slot, first);
        if (!run.segment)
            return fail(ErrorCode::gone, "offset {} was retained away; the log starts at {}", first,
                        segments_.front()->start(slot));
        footer = run.segment->footer_;
        if (!footer) {
            const auto& places = (*run.segment->places_)[slot];
            const std::size_t at = first - run.segment->start(slot);
            BUS_ASSERT(at < places.size(), "segments join without a gap");
            const auto begin = places.begin() + static_cast<std::ptrdiff_t>(at);
            const std::size_t n = std::min(count, places.size() - at);
            run.places.assign(begin, begin + static_cast<std::ptrdiff_t>(n));
            return run;
        }
    }
    auto places =
        footer->places(run.segment->file(), slot, first - run.segment->start(slot), count);
    if (!places) {
        if (places.error().code != ErrorCode::corrupt) return places.error();
        if (auto restored = restore(run.segment); !restored) return restored.error();
        return locate(slot, first, count);
    }
    run.places = std::move(*places);
    return run;
}

Result<bool> SegmentList::seal(const SegmentPtr& segment) {
    std::shared_ptr<const PlacesBySlot> places;
    std::shared_ptr<const DedupTable> dedup;
    std::uint64_t next_sequence = 0;
    Chain chain{};
    {
        std::lock_guard lock(mutex_);
        if (segment->footer_) return true;
        places = segment->places_;
        dedup = segment->dedup_;
        next_sequence = segment->next_sequence_;
        chain = segment->chain_;
    }
    // What a closed segment holds does not change any more, hence no lock while writing.
    const bool empty =
        std::all_of(places->begin(), places->end(), [](const auto& slot) { return slot.empty(); });
    if (empty) {
        std::lock_guard lock(mutex_);
        std::erase(segments_, segment);
        generation_.fetch_add(1, std::memory_order_release);
        return false;
    }
    auto written =
        write_footer(segment->file(), segment->header(), next_sequence, chain, *places, *dedup);
    if (!written) return written.error();
    auto footer = SegmentFooter::read(segment->file(), segment->header(), slots_.count());
    if (!footer) return footer.error();
    if (!*footer || !(*footer)->check_head(segment->file()))
        return fail(ErrorCode::unavailable, "the footer of segment {} did not survive writing",
                    segment->id());
    set_sealed(segment, std::move(*footer));
    return true;
}

void SegmentList::set_sealed(const SegmentPtr& segment,
                             std::shared_ptr<const SegmentFooter> footer) {
    segment->file().rest(segment->path());
    std::lock_guard lock(mutex_);
    segment->next_sequence_ = footer->next_sequence();
    segment->chain_ = footer->chain();
    segment->footer_ = std::move(footer);
    segment->places_ = std::make_shared<PlacesBySlot>(slots_.count());
    segment->dedup_ = nullptr;
    generation_.fetch_add(1, std::memory_order_release);
}

void SegmentList::replace(const SegmentPtr& before, const SegmentPtr& now,
                          std::shared_ptr<const SegmentFooter> footer) {
    std::lock_guard lock(mutex_);
    now->next_sequence_ = footer->next_sequence();
    now->chain_ = footer->chain();
    now->footer_ = std::move(footer);
    now->dedup_ = nullptr;
    std::replace(segments_.begin(), segments_.end(), before, now);
    generation_.fetch_add(1, std::memory_order_release);
}

Result<Done> SegmentList::restore(const SegmentPtr& segment) {
    std::shared_ptr<const SegmentFooter> footer;
    {
        std::lock_guard lock(mutex_);
        footer = segment->footer_;
    }
    if (!footer) return Done{};  // someone else was faster
    SegmentRestoring restoring(*this, segment, std::move(footer));
    for (;;) {
        auto is_over = restoring.step();
        if (!is_over) return is_over.error();
        if (*is_over) return Done{};
    }
}

void SegmentList::unseal(const SegmentPtr& segment,
                         const std::shared_ptr<const SegmentFooter>& damaged,
                         ScannedSegment scanned) {
    {
        std::lock_guard lock(mutex_);
        if (segment->footer_ != damaged) return;
        segment->places_ = std::make_shared<PlacesBySlot>(std::move(scanned.places));
        segment->dedup_ = std::move(scanned.dedup);
        segment->footer_ = nullptr;
        generation_.fetch_add(1, std::memory_order_release);
    }
    if (sealer_) sealer_(segment);
}

std::vector<DedupSource> SegmentList::dedup_sources() const {
    std::lock_guard lock(mutex_);
    std::vector<DedupSource> out;
    for (auto segment = segments_.rbegin(); segment != segments_.rend(); ++segment)
        out.push_back({*segment, (*segment)->dedup_, (*segment)->footer_});
    return out;
}

void SegmentList::set_groups(std::vector<SegmentGroupPtr> groups) {
    std::lock_guard lock(mutex_);
    groups_ = std::move(groups);
    generation_.fetch_add(1, std::memory_order_release);
}

std::vector<SegmentGroupPtr> SegmentList::groups() const {
    std::lock_guard lock(mutex_);
    return groups_;
}

SegmentList::Moment SegmentList::moment() const {
    std::lock_guard lock(mutex_);
    Moment out{.segments = segments_, .next_sequences = {}, .sealed = {}, .ends = ends_};
    for (const SegmentPtr& segment : segments_) {
        const bool is_newest = segment == segments_.back();
        out.next_sequences.push_back(is_newest ? 0 : segment->next_sequence_);
        out.sealed.push_back(segment->footer_ != nullptr);
    }
    return out;
}

}  // namespace bus::embedded
