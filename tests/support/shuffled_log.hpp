// A log whose readers see the topics in a random interleaving and in batches of 1 to 2,048 records:
// all that a real one may do. Order inside a topic is kept. A seed gives the same interleaving.
#pragma once

#include "tests/support/forwarding_log.hpp"

#include <memory>
#include <random>

namespace tests {

inline constexpr std::size_t shuffled_batch_max = 2'048;

using Random = std::mt19937_64;  // the same numbers with every library

class ShuffledReader final : public bus::Reader {
public:
    ShuffledReader(std::vector<std::unique_ptr<bus::Reader>> topics, std::uint64_t seed)
        : topics_(std::move(topics)), random_(seed) {}

    bus::Result<bus::RecordBatch> poll(std::size_t records_max, std::size_t bytes_max) override {
        const std::size_t wanted = std::min(records_max, batch_size());
        auto parts = std::make_shared<std::vector<bus::RecordBatch>>();
        bus::RecordBatch batch;
        std::vector<std::size_t> left(topics_.size());
        for (std::size_t i = 0; i < left.size(); ++i) left[i] = i;
        while (batch.records.size() < wanted && !left.empty()) {
            const std::size_t choice = random_() % left.size();
            const std::size_t run =
                std::min(wanted - batch.records.size(), std::size_t{1} + random_() % 4);
            auto part = topics_[left[choice]]->poll(run, bytes_max);
            if (!part) return part.error();
            if (part->empty()) left.erase(left.begin() + static_cast<std::ptrdiff_t>(choice));
            batch.records.insert(batch.records.end(), part->records.begin(), part->records.end());
            parts->push_back(*std::move(part));
        }
        batch.storage = std::move(parts);
        return batch;
    }

private:
    // As often small as large: 1, 2-3, 4-7, ... 1,024-2,047, 2,048.
    std::size_t batch_size() {
        const std::size_t least = std::size_t{1} << (random_() % 12);
        return std::min(shuffled_batch_max, least + random_() % least);
    }

    std::vector<std::unique_ptr<bus::Reader>> topics_;
    Random random_;
};

// `engine` is what it calls itself: on "kafka" copies are found while folding.
class ShuffledLog final : public ForwardingLog {
public:
    ShuffledLog(bus::Log& log, std::string_view engine, std::uint64_t seed)
        : ForwardingLog(log), engine_(engine), random_(seed) {}

    std::string_view engine() const override { return engine_; }
    bus::Result<std::unique_ptr<bus::Reader>> open_reader(
        const bus::ReaderOptions& options) override {
        std::vector<std::unique_ptr<bus::Reader>> readers;
        for (std::size_t i = 0; i < bus::topic_count; ++i) {
            if (!options.topics[i]) continue;
            bus::ReaderOptions one = options;
            one.topics = bus::TopicSet{}.set(i);
            auto reader = ForwardingLog::open_reader(one);
            if (!reader) return reader.error();
            readers.push_back(*std::move(reader));
        }
        return std::unique_ptr<bus::Reader>(
            std::make_unique<ShuffledReader>(std::move(readers), random_()));
    }

private:
    const std::string_view engine_;
    Random random_;
};

}  // namespace tests
