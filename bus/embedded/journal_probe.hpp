// What the journal tells of itself at /metrics.
#pragma once

#include "bus/metrics.hpp"

namespace bus::embedded {

class JournalProbe {
public:
    void committed(std::size_t records, std::uint64_t bytes, double took_seconds) {
        records_.add(records);
        bytes_.add(bytes);
        commit_seconds_.observe_seconds(took_seconds);
    }
    void duplicate() { duplicates_.add(); }
    void refused() { refused_.add(); }
    void segment_abandoned() { abandoned_.add(); }

private:
    metrics::Counter& records_ =
        metrics::counter("journal_records_total", "", "records made durable");
    metrics::Counter& bytes_ =
        metrics::counter("journal_written_bytes_total", "", "bytes of commit groups");
    metrics::Histogram& commit_seconds_ =
        metrics::histogram("journal_commit_seconds", "", "write and sync of one commit group");
    metrics::Counter& duplicates_ =
        metrics::counter("journal_duplicates_total", "", "appends answered with an earlier record");
    metrics::Counter& refused_ =
        metrics::counter("journal_refused_total", "", "appends answered with an error");
    metrics::Counter& abandoned_ = metrics::counter("journal_segments_abandoned_total", "",
                                                    "segments left after a failed write or sync");
};

}  // namespace bus::embedded
