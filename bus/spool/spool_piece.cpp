#include "bus/spool/spool_piece.hpp"

#include "bus/embedded/journal_format.hpp"

#include <algorithm>

namespace bus::spool {

namespace {

// None for one that has gone: the journal is open, and removes what holds nothing.
Result<std::uint64_t> bytes_of_file(const embedded::JournalOptions& options,
                                    const std::string& name) {
    const auto file = options.files->open(options.directory / name);
    if (file) return (*file)->size();
    const auto names = options.files->list(options.directory);
    if (!names) return names.error();
    if (std::find(names->begin(), names->end(), name) != names->end()) return file.error();
    return std::uint64_t{0};
}

// Without the segment that is prepared ahead.
Result<std::uint64_t> bytes_in(const embedded::JournalOptions& options) {
    const auto names = options.files->list(options.directory);
    if (!names) return names.error();
    std::uint64_t sum = 0;
    for (const std::string& name : *names) {
        if (!embedded::parse_segment_file_name(name)) continue;
        const auto bytes = bytes_of_file(options, name);
        if (!bytes) return bytes.error();
        sum += *bytes;
    }
    return sum > options.segment_bytes ? sum - options.segment_bytes : sum;
}

}  // namespace

std::uint64_t bytes_of(const NewRecord& record) {
    return record.key.size() + record.headers.bytes().size() + record.value.size();
}

Result<std::unique_ptr<Piece>> Piece::open(std::uint64_t number,
                                           const embedded::JournalOptions& options) {
    std::unique_ptr<Piece> piece(new Piece(number, options.partitions));
    if (auto taken = piece->take(options); !taken) return taken.error();
    return piece;
}

Result<Done> Piece::take(const embedded::JournalOptions& options) {
    auto journal = embedded::Journal::open(options);
    if (!journal) return journal.error();
    journal_ = *std::move(journal);
    readers_.resize(slots_.count());
    auto marks = read_marks(*journal_, slots_);
    if (!marks) return marks.error();
    marks_ = *std::move(marks);
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < partitioned_topics; ++i) {
        for (PartitionId partition = 0; partition < slots_.partitions(); ++partition) {
            const TopicPartition where{topic_at(i), partition};
            const auto end = journal_->end_offset(where);
            if (!end) return end.error();
            Offset& next = marks_[slots_[where]];
            next = std::min(next, *end);
            sum += *end - next;
        }
    }
    records_ = sum;
    if (sum == 0) return Done{};
    const auto bytes = bytes_in(options);
    if (!bytes) return bytes.error();
    bytes_ = *bytes;
    return Done{};
}

void Piece::append(NewRecord record, AppendDone done) {
    const std::uint64_t bytes = bytes_of(record);
    bytes_.fetch_add(bytes);
    records_.fetch_add(1);
    appending_.fetch_add(1);
    journal_->append(std::move(record),
                     [this, bytes, done = std::move(done)](Result<Appended> appended) {
                         if (!appended || appended->duplicate) {
                             bytes_.fetch_sub(bytes);
                             records_.fetch_sub(1);
                         }
                         appending_.fetch_sub(1);
                         done(std::move(appended));
                     });
}

std::uint64_t Piece::waiting(TopicPartition where) const {
    const auto end = journal_->end_offset(where);
    const Offset next = marks_[slots_[where]];
    return end && *end > next ? *end - next : 0;
}

Result<RecordBatch> Piece::next(TopicPartition where, std::size_t records_max,
                                std::size_t bytes_max) {
    auto& reader = readers_[slots_[where]];
    if (!reader) {
        ReaderOptions options{.partition = where.partition, .topics = {}, .from = {}};
        options.topics.set(index(where.topic));
        options.from[index(where.topic)] = marks_[slots_[where]];
        auto opened = journal_->open_reader(options);
        if (!opened) return opened.error();
        reader = *std::move(opened);
    }
    return reader->poll(records_max, bytes_max);
}

void Piece::forwarded(TopicPartition where) {
    marks_[slots_[where]] += 1;
    marks_saved_ = false;
    records_.fetch_sub(1);
}

void Piece::rewind(TopicPartition where) {
    readers_[slots_[where]].reset();
}

Result<Done> Piece::save_marks() {
    if (marks_saved_) return Done{};
    if (auto written = write_marks(*journal_, slots_, marks_); !written) return written;
    marks_saved_ = true;
    return Done{};
}

}  // namespace bus::spool
