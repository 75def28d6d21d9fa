#include "bus/read_wait.hpp"

namespace bus {

namespace {
constexpr milliseconds moment{50};
}  // namespace

ReadWait::ReadWait(const Log& log, ReadPatience patience)
    : log_(log), patience_(std::move(patience)) {}

void ReadWait::came() {
    silent_ = {};
    counted_ = Steady::now();
}

Result<Done> ReadWait::wait(const Signal& more, std::uint64_t seen) {
    silent_ += Steady::now() - counted_;
    if (silent_ >= patience_.silence_max)
        return fail(ErrorCode::unavailable,
                    "the {} log gave no record for {} s, yet it holds more that is wanted",
                    log_.engine(), patience_.silence_max.count() / 1000);
    if (!patience_.go_on()) return fail(ErrorCode::cancelled, "stopped");
    counted_ = Steady::now();
    more.wait(seen, moment);
    return Done{};
}

Result<Done> read_to_end(Log& log, Topic topic, Offset from,
                         const std::function<Result<Done>(const RecordView&)>& visit,
                         const ReadPatience& patience) {
    auto end = log.end_offset({topic, 0});
    if (!end) return end.error();
    ReaderOptions options;
    options.topics.set(index(topic));
    options.from[index(topic)] = from;
    Signal more;
    options.signal = &more;
    auto reader = log.open_reader(options);
    if (!reader) return reader.error();
    ReadWait waiting(log, patience);
    for (Offset next = from; next < *end;) {
        const auto seen = more.count();
        auto batch = (*reader)->poll(512, 1 << 20);
        if (!batch) return batch.error();
        for (const RecordView& record : batch->records) {
            if (auto visited = visit(record); !visited) return visited.error();
            next = record.address.offset + 1;
        }
        if (!batch->empty()) {
            waiting.came();
        } else if (auto waited = waiting.wait(more, seen); !waited) {
            return waited;
        }
    }
    return Done{};
}

}  // namespace bus
