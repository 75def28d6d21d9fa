#include "bus/embedded/segment_groups.hpp"

#include "bus/logging.hpp"

#include <algorithm>

namespace bus::embedded {
namespace {

constexpr std::uint64_t fan_in = 8;
constexpr std::uint64_t largest_group = fan_in * fan_in * fan_in;

struct IdRange {
    std::uint64_t first = 0;
    std::uint64_t end = 0;
    std::uint64_t size() const { return end - first; }
    bool has(std::uint64_t id) const { return first <= id && id < end; }
};

// Ids up to before `end` in as few groups as there can be, each beginning at a multiple of its
// size: so that a group is made once, and later joins seven others. None has one of those apart.
std::vector<IdRange> cover(std::uint64_t first, std::uint64_t end,
                           const std::set<std::uint64_t>& apart) {
    const auto may_be = [&](const IdRange& range) {
        const auto next_apart = apart.lower_bound(range.first);
        return range.first % range.size() == 0 && range.end <= end &&
               (next_apart == apart.end() || !range.has(*next_apart));
    };
    std::vector<IdRange> ranges;
    for (std::uint64_t at = first / largest_group * largest_group; at < end;) {
        std::uint64_t size = largest_group;
        while (size > 1 && !may_be({at, at + size})) size /= fan_in;
        ranges.push_back({at, at + size});
        at += size;
    }
    return ranges;
}

// Sealed ones, oldest first, up to the first that is not.
std::vector<DedupSource> sealed_of(const SegmentList& segments) {
    std::vector<DedupSource> sources = segments.dedup_sources();
    std::reverse(sources.begin(), sources.end());
    const auto unsealed = std::find_if(sources.begin(), sources.end(),
                                       [](const DedupSource& source) { return !source.footer; });
    sources.erase(unsealed, sources.end());
    return sources;
}

}  // namespace

void GroupedSources::prefetch(const DedupKey& key) const {
    if (group)
        group->filter.prefetch(key);
    else if (sources.front().footer)
        sources.front().footer->prefetch(key);
}

std::vector<GroupedSources> grouped(const std::vector<DedupSource>& sources,
                                    const std::vector<SegmentGroupPtr>& groups) {
    std::vector<GroupedSources> out;
    for (const DedupSource& source : sources) {
        const std::uint64_t id = source.segment->id();
        const auto group = std::find_if(groups.begin(), groups.end(), [id](const auto& one) {
            return one->first <= id && id < one->end;
        });
        const SegmentGroupPtr of = group == groups.end() ? nullptr : *group;
        if (!of || out.empty() || out.back().group != of) out.push_back({of, {}});
        out.back().sources.push_back(source);
    }
    return out;
}

bool SegmentGrouping::step() {
    if (restoring_) return go_on_restoring(), true;
    if (!building_ && !begin()) return false;
    const DedupSource& source = building_->sources[building_->read++];
    DedupFilter& filter = building_->group->filter;
    const auto read = source.footer->each_key(source.segment->file(),
                                              [&](const DedupKey& key) { filter.add(key); });
    if (!read)
        set_aside(source, read.error());
    else if (building_->read == building_->sources.size())
        finish();
    return true;
}

void SegmentGrouping::set_aside(DedupSource unreadable, const Error& error) {
    building_.reset();
    const std::uint64_t id = unreadable.segment->id();
    if (error.code == ErrorCode::corrupt && restored_.insert(id).second) {
        logging::warn("journal_footer_damaged", {{"segment", id}, {"reason", error.message}});
        restoring_.emplace(segments_, std::move(unreadable.segment), std::move(unreadable.footer));
    } else {
        logging::warn("journal_keys_not_grouped", {{"segment", id}, {"reason", error.message}});
        apart_.insert(id);
    }
}

void SegmentGrouping::go_on_restoring() {
    auto is_over = restoring_->step();
    if (is_over && !*is_over) return;
    const SegmentPtr segment = restoring_->segment();
    restoring_.reset();
    if (is_over) is_over = segments_.seal(segment);
    if (is_over) return;
    logging::warn("journal_keys_not_grouped",
                  {{"segment", segment->id()}, {"reason", is_over.error().message}});
    apart_.insert(segment->id());
}

// The next group that is worth its memory: of several segments, not all of whose windows are over.
bool SegmentGrouping::begin() {
    const std::vector<DedupSource> sealed = sealed_of(segments_);
    if (sealed.empty()) return false;
    const Timestamp now = clock_.now();
    const std::vector<SegmentGroupPtr> groups = segments_.groups();
    for (const IdRange& range :
         cover(sealed.front().segment->id(), sealed.back().segment->id() + 1, apart_)) {
        const bool is_there = std::any_of(groups.begin(), groups.end(), [&](const auto& group) {
            return group->first == range.first && group->end == range.end;
        });
        if (range.size() == 1 || is_there) continue;
        Building next{.group = std::make_shared<SegmentGroup>(), .sources = {}};
        std::size_t keys = 0;
        bool remembers = false;
        for (const DedupSource& source : sealed) {
            if (!range.has(source.segment->id())) continue;
            next.sources.push_back(source);
            keys += source.footer->key_count();
            remembers |= source.footer->remembers_after(now);
        }
        if (next.sources.size() < 2 || !remembers) continue;
        next.group->first = range.first;
        next.group->end = range.end;
        next.group->filter = DedupFilter(DedupFilter::blocks_for(keys));
        building_ = std::move(next);
        return true;
    }
    return false;
}

// In the place of the smaller ones that it is made of; those whose windows are over go too.
void SegmentGrouping::finish() {
    const std::shared_ptr<SegmentGroup> made = std::move(building_->group);
    building_.reset();
    const Timestamp now = clock_.now();
    const std::vector<DedupSource> sources = segments_.dedup_sources();
    std::vector<SegmentGroupPtr> groups = segments_.groups();
    std::erase_if(groups, [&](const SegmentGroupPtr& group) {
        if (made->first <= group->first && group->end <= made->end) return true;
        return std::none_of(sources.begin(), sources.end(), [&](const DedupSource& source) {
            const std::uint64_t id = source.segment->id();
            return group->first <= id && id < group->end &&
                   (!source.footer || source.footer->remembers_after(now));
        });
    });
    groups.push_back(made);
    segments_.set_groups(std::move(groups));
}

}  // namespace bus::embedded
