#include "bus/spool/spool.hpp"

#include "bus/crash_point.hpp"
#include "bus/spool/spool_probe.hpp"

#include <algorithm>
#include <charconv>

namespace bus::spool {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t tail_cache_bytes = 1u << 20;
constexpr std::string_view given_up_suffix = ".given-up";

// Of the room of all: what comes back at a time, and for how many journals it is made.
constexpr std::uint64_t pieces_wanted = 8;
constexpr seconds begin_again_after{5};  // a piece could not be made

}  // namespace

Spool::Spool(const SpoolOptions& options)
    : options_(options),
      slots_(options.partitions),
      waiting_(slots_.count()),
      reading_(slots_.count(), 0) {}

Spool::~Spool() {
    close();
}

Result<std::unique_ptr<Spool>> Spool::open(const SpoolOptions& options) {
    if (auto made = options.files->make_directory(options.directory); !made) return made.error();
    std::unique_ptr<Spool> spool(new Spool(options));
    if (auto adopted = spool->adopt(); !adopted) return adopted.error();
    return spool;
}

fs::path Spool::directory_of(std::uint64_t number) const {
    return options_.directory / std::to_string(number);
}

Result<std::vector<std::uint64_t>> Spool::numbers() const {
    const auto names = options_.files->list(options_.directory);
    if (!names) return names.error();
    std::vector<std::uint64_t> found;
    for (const std::string& text : *names) {
        std::uint64_t number = 0;
        const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
        if (parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size())
            found.push_back(number);
    }
    std::sort(found.begin(), found.end());
    return found;
}

Result<std::unique_ptr<Piece>> Spool::open_piece(std::uint64_t number) const {
    embedded::JournalOptions options{.directory = directory_of(number),
                                     .partitions = options_.partitions,
                                     .segment_bytes = options_.segment_bytes,
                                     .reserve_bytes = options_.reserve_bytes,
                                     .tail_cache_bytes = tail_cache_bytes};
    options.clock = options_.clock;
    options.files = options_.files;
    return Piece::open(number, options);
}

// All that there are, or a first one; of those that hold nothing only the last stays.
Result<Done> Spool::adopt() {
    remove_given_up();
    auto found = numbers();
    if (!found) return found.error();
    if (found->empty()) found->push_back(1);
    for (const std::uint64_t number : *found) {
        auto piece = open_piece(number);
        if (!piece) return piece.error();
        records_ += (*piece)->records();
        bytes_ += (*piece)->bytes();
        for (std::size_t i = 0; i < partitioned_topics; ++i)
            for (PartitionId partition = 0; partition < options_.partitions; ++partition)
                waiting_[slots_[{topic_at(i), partition}]] +=
                    (*piece)->waiting({topic_at(i), partition});
        pieces_.push_back(*std::move(piece));
    }
    give_up_forwarded();
    return Done{};
}

// Beside give_up_forwarded(), which has the lock for itself.
bool Spool::take_room(std::uint64_t bytes) {
    if (full_) return false;
    if (bytes_.fetch_add(bytes) + bytes <= options_.bytes_max) return true;
    bytes_.fetch_sub(bytes);
    full_ = true;
    return false;
}

void Spool::append(NewRecord record, AppendDone done) {
    const std::uint64_t bytes = bytes_of(record);
    std::shared_lock lock(pieces_mutex_);
    if (!take_room(bytes)) {
        lock.unlock();
        return done(fail(ErrorCode::unavailable,
                         "the log is away and the spool is full ({} MiB); it goes on when some of "
                         "it has been forwarded",
                         options_.bytes_max >> 20));
    }
    std::atomic<std::uint64_t>& waiting = waiting_[slots_[{record.topic, record.partition}]];
    waiting.fetch_add(1);
    records_.fetch_add(1);
    pieces_.back()->append(std::move(record), [this, bytes, &waiting,
                                               done = std::move(done)](Result<Appended> appended) {
        if (!appended || appended->duplicate) {
            bytes_.fetch_sub(bytes);
            waiting.fetch_sub(1);
            records_.fetch_sub(1);
        } else {
            SpoolProbe::kept();
        }
        if (appended) {
            appended->durability = Durability::local;
            appended->position = {.partition = appended->address.partition};
            arrived_.notify();
        }
        done(std::move(appended));
    });
}

// Nothing comes any more into one that is not the last; what it was settled with is all of it.
Result<RecordBatch> Spool::next(TopicPartition where, std::size_t records_max,
                                std::size_t bytes_max) {
    std::uint64_t& reading = reading_[slots_[where]];
    for (const auto& piece : pieces_) {
        if (piece->number() < reading) continue;
        reading = piece->number();
        const bool is_whole = piece != pieces_.back() && piece->is_settled();
        auto batch = piece->next(where, records_max, bytes_max);
        if (!batch || !batch->empty() || !is_whole) return batch;
    }
    return RecordBatch{};
}

void Spool::forwarded(TopicPartition where) {
    const auto oldest = std::find_if(pieces_.begin(), pieces_.end(),
                                     [&](const auto& piece) { return piece->waiting(where) > 0; });
    BUS_ASSERT(oldest != pieces_.end(), "what is forwarded waits in a spool");
    (*oldest)->forwarded(where);
    waiting_[slots_[where]].fetch_sub(1);
    records_.fetch_sub(1);
}

void Spool::rewind(TopicPartition where) {
    reading_[slots_[where]] = 0;
    for (const auto& piece : pieces_) piece->rewind(where);
}

Result<Done> Spool::save_marks() {
    for (const auto& piece : pieces_)
        if (auto saved = piece->save_marks(); !saved) return saved;
    return Done{};
}

Result<Done> Spool::keep_house() {
    give_up_forwarded();
    if (!wants_fresh_piece() || std::chrono::steady_clock::now() < next_begin_) return Done{};
    return begin_piece();
}

bool Spool::wants_fresh_piece() const {
    const std::uint64_t piece_bytes =
        std::max(options_.segment_bytes, options_.bytes_max / pieces_wanted);
    const std::uint64_t bytes = pieces_.back()->bytes();
    return bytes >= piece_bytes || (full_ && bytes > 0);
}

Result<Done> Spool::begin_piece() {
    auto fresh = open_piece(pieces_.back()->number() + 1);
    if (!fresh) {
        next_begin_ = std::chrono::steady_clock::now() + begin_again_after;
        return fresh.error();
    }
    crash_point("spool.fresh_one_made");
    const std::unique_lock lock(pieces_mutex_);
    pieces_.push_back(*std::move(fresh));
    return Done{};
}

// Not the last one, into which what comes is appended.
void Spool::give_up_forwarded() {
    for (std::size_t i = 0; i + 1 < pieces_.size();) {
        Piece& piece = *pieces_[i];
        if (piece.records() > 0 || !piece.is_settled()) {
            ++i;
            continue;
        }
        std::unique_ptr<Piece> old;
        {
            const std::unique_lock lock(pieces_mutex_);
            old = std::move(pieces_[i]);
            pieces_.erase(pieces_.begin() + static_cast<std::ptrdiff_t>(i));
            bytes_.fetch_sub(old->bytes());
            full_ = false;
        }
        const std::uint64_t number = old->number();
        old.reset();
        remove(number);
    }
    if (pieces_.size() == 1 && pieces_.back()->bytes() == 0) full_ = false;
}

Result<bool> Spool::clear() {
    if (records() > 0) return false;
    if (auto saved = save_marks(); !saved) return saved.error();
    if (auto begun = begin_piece(); !begun) return begun.error();
    give_up_forwarded();
    return pieces_.size() == 1;
}

// Under another name first: half removed it would look like a damaged one. What is left when this
// is cut off goes at the next start.
void Spool::remove(std::uint64_t number) const {
    embedded::FileOps& files = *options_.files;
    const fs::path given_up = directory_of(number).string() + std::string(given_up_suffix);
    if (!files.rename(directory_of(number), given_up)) return;
    if (!files.sync_directory(options_.directory)) return;
    remove_files(given_up);
}

void Spool::remove_files(const fs::path& directory) const {
    const auto names = options_.files->list(directory);
    if (!names) return;
    for (const std::string& name : *names)
        if (!options_.files->remove(directory / name)) return;
    (void)options_.files->remove(directory);
}

void Spool::remove_given_up() const {
    const auto names = options_.files->list(options_.directory);
    if (!names) return;
    for (const std::string& name : *names)
        if (name.ends_with(given_up_suffix)) remove_files(options_.directory / name);
}

void Spool::close() {
    std::shared_lock lock(pieces_mutex_);
    for (const auto& piece : pieces_) piece->close();
}

}  // namespace bus::spool
