// Reads one partition over several topics, in the order of the journal.
#pragma once

#include "bus/embedded/reader_signals.hpp"
#include "bus/embedded/record_fetch.hpp"

namespace bus::embedded {

class JournalReader final : public Reader {
public:
    JournalReader(SegmentList& segments, const TailCache& cache, ReaderSignals& signals,
                  const Slots& slots, const ReaderOptions& options);
    ~JournalReader() override;

    Result<RecordBatch> poll(std::size_t records_max, std::size_t bytes_max) override;

private:
    // The records of one topic that come next, as far as they are looked up.
    struct Cursor {
        Topic topic = Topic::email;
        PartitionId partition = 0;
        std::size_t slot = 0;
        Offset next = 0;
        Run run;
        std::size_t used = 0;  // of run.places

        bool empty() const { return used == run.places.size(); }
        Place place() const { return run.places[used]; }
        bool before(const Cursor& other) const {
            if (run.segment->id() != other.run.segment->id())
                return run.segment->id() < other.run.segment->id();
            return place().at < other.place().at;
        }
    };

    Result<Done> look_up(Cursor& cursor);
    Cursor* earliest();
    Result<RecordView> take(Cursor& cursor, FetchStorage& storage);

    SegmentList& segments_;
    const TailCache& cache_;
    ReaderSignals& signals_;
    RecordFetch fetch_;
    std::vector<Cursor> cursors_;
};

}  // namespace bus::embedded
