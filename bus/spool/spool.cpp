#include "bus/spool/spool.hpp"

#include "bus/crash_point.hpp"

#include <algorithm>
#include <charconv>

namespace bus::spool {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t tail_cache_bytes = 1u << 20;
constexpr std::string_view given_up_suffix = ".given-up";

std::uint64_t size_of(const NewRecord& record) {
    return record.key.size() + record.headers.bytes().size() + record.value.size();
}

std::uint64_t bytes_in(const fs::path& directory) {
    std::uint64_t sum = 0;
    std::error_code error;
    for (const auto& file : fs::directory_iterator(directory, error))
        if (file.is_regular_file(error)) sum += file.file_size(error);
    return sum;
}

}  // namespace

Spool::Spool(const SpoolOptions& options)
    : options_(options),
      slots_(options.partitions),
      waiting_(slots_.count()),
      marks_(slots_.count(), 0) {}

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
    std::vector<std::uint64_t> found;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(options_.directory, error)) {
        const std::string text = entry.path().filename().string();
        std::uint64_t number = 0;
        const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
        if (parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size())
            found.push_back(number);
    }
    if (error)
        return fail(ErrorCode::unavailable, "{}: {}", options_.directory.string(), error.message());
    std::sort(found.begin(), found.end());
    return found;
}

Result<std::unique_ptr<Spool::Store>> Spool::open_store(std::uint64_t number) const {
    embedded::JournalOptions options{.directory = directory_of(number),
                                     .partitions = options_.partitions,
                                     .segment_bytes = options_.segment_bytes,
                                     .reserve_bytes = options_.reserve_bytes,
                                     .tail_cache_bytes = tail_cache_bytes};
    options.clock = options_.clock;
    options.files = options_.files;
    auto journal = embedded::Journal::open(options);
    if (!journal) return journal.error();
    auto store = std::make_unique<Store>();
    store->number = number;
    store->journal = *std::move(journal);
    store->readers.resize(slots_.count());
    return store;
}

// The oldest that holds something; of those that hold nothing the youngest.
Result<Done> Spool::adopt() {
    remove_given_up();
    const auto found = numbers();
    if (!found) return found.error();
    for (const std::uint64_t number : *found) {
        auto store = open_store(number);
        if (!store) return store.error();
        if (auto taken = take_store(*std::move(store)); !taken) return taken;
        if (records() > 0) break;
    }
    if (!store_) {
        auto store = open_store(1);
        if (!store) return store.error();
        if (auto taken = take_store(*std::move(store)); !taken) return taken;
    }
    for (const std::uint64_t number : *found)
        if (number != store_->number) remove(number);
    if (records() > 0) bytes_ = bytes_in(directory_of(store_->number));
    return Done{};
}

// Counts what it holds.
Result<Done> Spool::take_store(std::unique_ptr<Store> store) {
    auto marks = read_marks(*store->journal, slots_);
    if (!marks) return marks.error();
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < partitioned_topics; ++i) {
        for (PartitionId partition = 0; partition < options_.partitions; ++partition) {
            const TopicPartition where{topic_at(i), partition};
            const auto end = store->journal->end_offset(where);
            if (!end) return end.error();
            const Offset next = std::min((*marks)[slots_[where]], *end);
            waiting_[slots_[where]] = *end - next;
            sum += *end - next;
        }
    }
    marks_ = *std::move(marks);
    marks_saved_ = true;
    records_ = sum;
    bytes_ = 0;
    store_ = std::move(store);
    return Done{};
}

// The count of bytes is lowered only for what was counted since the spool was empty, hence the lock
// around both.
void Spool::append(NewRecord record, AppendDone done) {
    const std::uint64_t bytes = size_of(record);
    std::shared_lock lock(store_mutex_);
    if (bytes_.fetch_add(bytes) + bytes > options_.bytes_max) {
        bytes_ = options_.bytes_max;  // full for all, until it is empty
        lock.unlock();
        return done(fail(ErrorCode::unavailable,
                         "the log is away and the spool is full ({} MiB); it goes on when the log "
                         "is back",
                         options_.bytes_max >> 20));
    }
    std::atomic<std::uint64_t>& waiting = waiting_[slots_[{record.topic, record.partition}]];
    waiting.fetch_add(1);
    records_.fetch_add(1);
    store_->journal->append(std::move(record), [this, bytes, &waiting,
                                                done = std::move(done)](Result<Appended> appended) {
        if (!appended || appended->duplicate) {
            bytes_.fetch_sub(bytes);
            waiting.fetch_sub(1);
            records_.fetch_sub(1);
        }
        if (appended) {
            appended->durability = Durability::local;
            appended->position = {.partition = appended->address.partition};
            arrived_.notify();
        }
        done(std::move(appended));
    });
}

Result<std::unique_ptr<Reader>> Spool::open_reader(TopicPartition where) {
    ReaderOptions options{.partition = where.partition, .topics = {}, .from = {}};
    options.topics.set(index(where.topic));
    options.from[index(where.topic)] = marks_[slots_[where]];
    return store_->journal->open_reader(options);
}

Result<RecordBatch> Spool::next(TopicPartition where, std::size_t records_max,
                                std::size_t bytes_max) {
    auto& reader = store_->readers[slots_[where]];
    if (!reader) {
        auto opened = open_reader(where);
        if (!opened) return opened.error();
        reader = *std::move(opened);
    }
    return reader->poll(records_max, bytes_max);
}

void Spool::forwarded(const Address& address) {
    const std::size_t slot = slots_[{address.topic, address.partition}];
    BUS_ASSERT(marks_[slot] <= address.offset, "a spool is forwarded in order");
    marks_[slot] = address.offset + 1;
    marks_saved_ = false;
    waiting_[slot].fetch_sub(1);
    records_.fetch_sub(1);
}

void Spool::rewind(TopicPartition where) {
    store_->readers[slots_[where]].reset();
}

Result<Done> Spool::save_marks() {
    if (marks_saved_) return Done{};
    if (auto written = write_marks(*store_->journal, slots_, marks_); !written) return written;
    marks_saved_ = true;
    return Done{};
}

Result<bool> Spool::clear() {
    if (records() > 0) return false;
    if (auto saved = save_marks(); !saved) return saved.error();
    auto fresh = open_store(store_->number + 1);
    if (!fresh) return fresh.error();
    crash_point("spool.fresh_one_made");
    std::unique_ptr<Store> old;
    {
        std::unique_lock lock(store_mutex_);
        if (records() == 0) {
            old = std::move(store_);
            store_ = *std::move(fresh);
            std::fill(marks_.begin(), marks_.end(), 0);
            bytes_ = 0;
        }
    }
    const bool cleared = old != nullptr;
    if (!cleared) old = *std::move(fresh);
    const std::uint64_t number = old->number;
    old.reset();
    remove(number);
    return cleared;
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
    std::error_code ignored;
    fs::remove(directory, ignored);
}

void Spool::remove_given_up() const {
    const auto names = options_.files->list(options_.directory);
    if (!names) return;
    for (const std::string& name : *names)
        if (name.ends_with(given_up_suffix)) remove_files(options_.directory / name);
}

void Spool::close() {
    std::shared_lock lock(store_mutex_);
    if (store_) store_->journal->close();
}

}  // namespace bus::spool
