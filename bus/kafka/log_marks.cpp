#include "bus/kafka/log_marks.hpp"

#include "bus/envelope.hpp"
#include "bus/logging.hpp"

#include <fstream>
#include <sstream>

namespace bus::kafka {
namespace {

constexpr seconds save_every{1};
constexpr std::string_view what_to_do =
    "Nothing more is appended. Bring the topic back as it was and start again; or, to go on with "
    "what Kafka has, move the folders 'stores' and 'bases' and the files 'kafka-marks' and "
    "'kafka-marks-read' of the data folder away and start: the rows are made anew";

std::optional<LogMarks::Mark> parse_mark(const std::string& line, const Slots& slots) {
    std::istringstream words(line);
    std::string topic_name, id_text;
    TopicPartition where{};
    Offset offset = 0;
    words >> topic_name >> where.partition >> offset >> id_text;
    const auto topic = parse_topic(topic_name);
    const auto id = parse_event_id(id_text);
    if (words.fail() || !topic || !id) return std::nullopt;
    where.topic = *topic;
    if (!slots.contains(where)) return std::nullopt;
    return LogMarks::Mark{where, offset, *id};
}

}  // namespace

EventId id_of(HeadersView headers) {
    return parse_event_id(headers.get(header::id)).value_or(EventId{});
}

Error lost_records(std::string_view how) {
    return fail(ErrorCode::corrupt, "Kafka has lost records: {}. {}", how, what_to_do);
}

std::filesystem::path read_marks_file(std::filesystem::path marks_file) {
    if (!marks_file.empty()) marks_file += "-read";
    return marks_file;
}

LogMarks::LogMarks(std::filesystem::path file, std::string topic_prefix, PartitionId partitions)
    : file_(std::move(file)),
      title_("tributary-kafka-marks 1 " + std::move(topic_prefix)),
      slots_(partitions),
      marks_(slots_.count()) {
    if (!file_.empty()) load();
}

void LogMarks::load() {
    std::ifstream lines(file_);
    std::string line;
    if (!std::getline(lines, line)) return;
    if (line != title_) return logging::warn("kafka_marks_begun_anew", {{"file", file_.string()}});
    while (std::getline(lines, line)) {
        const auto mark = parse_mark(line, slots_);
        if (mark) marks_[slots_[mark->where]] = mark;
    }
}

std::string LogMarks::text() const {
    std::string text = title_ + "\n";
    for (const auto& mark : marks_) {
        if (!mark) continue;
        text += fmt::format("{} {} {} {}\n", name(mark->where.topic), mark->where.partition,
                            mark->offset, to_string(mark->id));
    }
    return text;
}

// Renamed over the old one, so that a crash leaves one of them.
void LogMarks::save() {
    if (file_.empty() || saved_) return;
    const std::filesystem::path making = file_.string() + ".new";
    std::ofstream out(making, std::ios::trunc);
    out << text();
    out.close();
    std::error_code error;
    if (out) std::filesystem::rename(making, file_, error);
    saved_ = out && !error;
}

std::optional<LogMarks::Mark> LogMarks::of(TopicPartition where) const {
    const std::lock_guard lock(mutex_);
    return marks_[slots_[where]];
}

bool LogMarks::moved(const Address& address, EventId id) {
    const std::lock_guard lock(mutex_);
    if (!move(address, id)) return false;
    save_when_due();
    return true;
}

// With the mutex held, as below.
bool LogMarks::move(const Address& address, EventId id) {
    const TopicPartition where{address.topic, address.partition};
    auto& mark = marks_[slots_[where]];
    if (mark && address.offset <= mark->offset) return false;
    if (id == EventId{}) return true;
    mark = Mark{where, address.offset, id};
    saved_ = false;
    return true;
}

void LogMarks::save_when_due() {
    if (saved_) return;
    const auto now = std::chrono::steady_clock::now();
    if (now < save_at_) return;
    save();
    save_at_ = now + save_every;
}

Result<Done> LogMarks::read(const std::vector<RecordView>& records) {
    const std::lock_guard lock(mutex_);
    std::array<const RecordView*, topic_count> newest{};
    for (const RecordView& record : records) {
        const Address& address = record.address;
        const auto& mark = marks_[slots_[{address.topic, address.partition}]];
        if (mark && mark->offset == address.offset && mark->id != id_of(record.headers))
            return lost_records("another one than before was read at " + to_string(address));
        newest[index(address.topic)] = &record;
    }
    for (const RecordView* record : newest)
        if (record) move(record->address, id_of(record->headers));
    save_when_due();
    return Done{};
}

}  // namespace bus::kafka
