#include "bus/embedded/keeper.hpp"

#include "bus/logging.hpp"

namespace bus::embedded {

namespace {
constexpr milliseconds seal_pause_max{20'000};
}

Keeper::Keeper(const JournalOptions& options, SegmentList& segments, std::uint64_t next_id,
               std::optional<PreparedSegment> prepared)
    : options_(options),
      segments_(segments),
      prepared_(std::move(prepared)),
      seal_pause_(options.space_check_interval),
      next_id_(prepared_ ? prepared_->id + 1 : next_id),
      grouping_(segments, *options.clock) {
    check_space();
}

Keeper::~Keeper() {
    stop();
}

void Keeper::start() {
    segments_.set_sealer([this](SegmentPtr segment) { seal(std::move(segment)); });
    thread_ = std::thread([this] { run(); });
}

void Keeper::stop() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
        changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
}

Result<PreparedSegment> Keeper::take_next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return prepared_ || prepare_error_ || stopping_; });
    if (prepared_) {
        PreparedSegment segment = std::move(*prepared_);
        prepared_.reset();
        changed_.notify_all();
        return segment;
    }
    if (prepare_error_) return *prepare_error_;
    return fail(ErrorCode::cancelled, "the journal is closing");
}

void Keeper::seal(SegmentPtr segment) {
    std::lock_guard lock(mutex_);
    to_seal_.push_back(std::move(segment));
    changed_.notify_all();
}

void Keeper::group() {
    std::lock_guard lock(mutex_);
    grouping_wanted_ = true;
    changed_.notify_all();
}

LogStatus Keeper::space() const {
    std::lock_guard lock(mutex_);
    return {.accepting = has_space(), .detail = space_detail_};
}

void Keeper::run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        const bool prepares = wants_segment();
        const bool seals = !prepares && wants_seal();
        if (!prepares && !seals) {
            if (grouping_wanted_ && go_on_grouping(lock)) continue;
            changed_.wait_for(lock, options_.space_check_interval, [this] {
                return stopping_ || wants_segment() || wants_seal() || grouping_wanted_;
            });
        }
        if (prepares) prepare_error_.reset();  // who waits for the segment hears of this attempt
        lock.unlock();
        check_space();
        if (prepares)
            prepare();
        else if (seals)
            seal_next();
        lock.lock();
    }
}

bool Keeper::wants_segment() const {
    return !prepared_ && (!prepare_error_ || std::chrono::steady_clock::now() >= prepare_again_at_);
}

bool Keeper::wants_seal() const {
    const bool may_again = std::chrono::steady_clock::now() >= seal_again_at_;
    return !to_seal_.empty() || (!not_sealed_.empty() && may_again);
}

// In small steps, since the next segment may be needed at any time. Leaves the lock meanwhile.
bool Keeper::go_on_grouping(std::unique_lock<std::mutex>& lock) {
    grouping_wanted_ = false;
    lock.unlock();
    check_space();
    const bool may_go_on = grouping_.step();
    lock.lock();
    grouping_wanted_ |= may_go_on;
    return may_go_on;
}

void Keeper::prepare() {
    std::uint64_t id;
    {
        std::lock_guard lock(mutex_);
        id = next_id_;
    }
    auto made = make_segment(id);
    std::lock_guard lock(mutex_);
    if (made) {
        prepared_ = std::move(*made);
        next_id_ = id + 1;
    } else {
        logging::error("journal_segment_not_prepared", {{"reason", made.error().message}});
        prepare_error_ = made.error();
        prepare_again_at_ = std::chrono::steady_clock::now() + options_.space_check_interval;
    }
    changed_.notify_all();
}

Result<PreparedSegment> Keeper::make_segment(std::uint64_t id) {
    FileOps& files = *options_.files;
    const auto spare = options_.directory / "spare";
    const auto path = options_.directory / segment_file_name(id);
    if (auto made = files.create_zeroed(spare, options_.segment_bytes); !made) {
        (void)files.remove(spare);  // a half-made one only takes space
        return made.error();
    }
    if (auto renamed = files.rename(spare, path); !renamed) return renamed.error();
    if (auto synced = files.sync_directory(options_.directory); !synced) return synced.error();
    auto file = files.open(path);
    if (!file) return file.error();
    return PreparedSegment{id, std::move(*file), path};
}

void Keeper::seal_next() {
    SegmentPtr segment;
    {
        std::lock_guard lock(mutex_);
        auto& from = to_seal_.empty() ? not_sealed_ : to_seal_;
        segment = std::move(from.front());
        from.pop_front();
    }
    auto sealed = segments_.seal(segment);
    if (sealed && !*sealed) (void)options_.files->remove(segment->path());
    if (!sealed)
        logging::warn("journal_segment_not_sealed",
                      {{"segment", segment->id()}, {"reason", sealed.error().message}});
    std::lock_guard lock(mutex_);
    seal_pause_ =
        sealed ? options_.space_check_interval : std::min(2 * seal_pause_, seal_pause_max);
    if (sealed) return;
    // Answers go on coming from memory, but nothing behind it is grouped meanwhile.
    seal_again_at_ = std::chrono::steady_clock::now() + seal_pause_;
    not_sealed_.push_back(std::move(segment));
}

void Keeper::check_space() {
    auto free = options_.files->free_bytes(options_.directory);
    if (!free) return;  // what is really missing shows when writing
    const bool had_space = has_space();
    const std::uint64_t resume_bytes = options_.reserve_bytes + options_.reserve_bytes / 2;
    const bool has = *free >= (had_space ? options_.reserve_bytes : resume_bytes);
    if (has == had_space) return;
    std::lock_guard lock(mutex_);
    space_detail_ = has ? ""
                        : fmt::format("the disk of {} has {} MiB free, {} are needed; make room",
                                      options_.directory.string(), *free >> 20, resume_bytes >> 20);
    has_space_.store(has, std::memory_order_relaxed);
    if (has)
        logging::info("journal_accepts_again", {{"free_bytes", *free}});
    else
        logging::error("journal_refuses", {{"reason", space_detail_}});
}

}  // namespace bus::embedded
