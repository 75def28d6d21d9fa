// The newest record that this installation has put into each topic partition, or has read there,
// kept in a file beside its rows: by these a topic that was cut, emptied or made anew is known for
// what it is, however much has come into it since. Offsets alone would let other records pass for
// those.
//
//   file   = "tributary-kafka-marks 1 PREFIX" LF *mark
//   mark   = topic SP partition SP offset SP event-id LF       PREFIX: of the topic names
// Written at most a second late and not synced: an older mark proves as much, for less.
#pragma once

#include "bus/log.hpp"
#include "bus/slots.hpp"

#include <filesystem>
#include <mutex>

namespace bus::kafka {

EventId id_of(HeadersView headers);        // EventId{}: there is none
Error lost_records(std::string_view how);  // corrupt, with what to do
// Beside the file of what was put: what was read.
std::filesystem::path read_marks_file(std::filesystem::path marks_file);

class LogMarks {
public:
    struct Mark {
        TopicPartition where;
        Offset offset = 0;
        EventId id;
        bool operator==(const Mark&) const = default;
    };

    // `file` "" keeps them in memory only. A file of other topics, or one that cannot be read, is
    // begun anew.
    LogMarks(std::filesystem::path file, std::string topic_prefix, PartitionId partitions);
    ~LogMarks() { save(); }

    std::optional<Mark> of(TopicPartition where) const;  // any thread, as all here
    // A record was put into its partition. False: the mark is newer.
    bool moved(const Address& address, EventId id);
    // A batch of a reader, an empty one too. corrupt: another record stands in a mark's place,
    // where a reader that began before it must pass.
    Result<Done> read(const std::vector<RecordView>& records);

private:
    bool move(const Address& address, EventId id);
    void save_when_due();
    void load();
    void save();
    std::string text() const;

    const std::filesystem::path file_;
    const std::string title_;
    const Slots slots_;
    mutable std::mutex mutex_;
    std::vector<std::optional<Mark>> marks_;           // by slot, guarded by mutex_
    std::chrono::steady_clock::time_point save_at_{};  // guarded by mutex_
    bool saved_ = true;                                // guarded by mutex_
};

}  // namespace bus::kafka
