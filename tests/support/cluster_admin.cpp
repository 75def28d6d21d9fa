#include "tests/support/cluster_admin.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>
#include <stdexcept>
#include <thread>

namespace tests {
namespace {

using namespace std::chrono_literals;
using bus::kafka::AdminOptions;
using bus::kafka::Queue;

constexpr int request_ms = 20'000;

using DeleteRecords = bus::kafka::Handle<rd_kafka_DeleteRecords_t, rd_kafka_DeleteRecords_destroy>;
using DeleteTopic = bus::kafka::Handle<rd_kafka_DeleteTopic_t, rd_kafka_DeleteTopic_destroy>;

template <class Visit>  // visit(topic, partition)
void each_partition(const rd_kafka_metadata_t& all, const std::string& prefix, const Visit& visit) {
    for (int t = 0; t < all.topic_cnt; ++t) {
        const auto& topic = all.topics[t];
        if (!std::string_view(topic.topic).starts_with(prefix)) continue;
        for (int p = 0; p < topic.partition_cnt; ++p) visit(topic, topic.partitions[p]);
    }
}

}  // namespace

ClusterAdmin::ClusterAdmin(const std::string& brokers) {
    char why[512] = "";
    bus::kafka::Configuration settings{rd_kafka_conf_new()};
    rd_kafka_conf_set(settings.get(), "bootstrap.servers", brokers.c_str(), why, sizeof why);
    rd_kafka_conf_set(settings.get(), "log_level", "2", why, sizeof why);
    rd_kafka_conf_set(settings.get(), "reconnect.backoff.max.ms", "500", why, sizeof why);
    client_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, settings.get(), why, sizeof why));
    REQUIRE_MESSAGE(client_, why);
    [[maybe_unused]] auto* taken_over = settings.release();
}

// Brokers come and go meanwhile, and a new topic's leader may not know yet that it is: so this, and
// offsets_of(), ask until one answers.
bus::kafka::Metadata ClusterAdmin::metadata() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds{request_ms};
    for (;;) {
        const rd_kafka_metadata_t* found = nullptr;
        const auto error = rd_kafka_metadata(client_.get(), 1, nullptr, &found, 1'000);
        if (!error) return bus::kafka::Metadata{found};
        REQUIRE_MESSAGE(std::chrono::steady_clock::now() < deadline, rd_kafka_err2str(error));
        std::this_thread::sleep_for(50ms);
    }
}

int ClusterAdmin::busiest_leader(const std::string& prefix) {
    std::map<int, int> leads;
    const auto all = metadata();
    each_partition(*all, prefix, [&](const auto&, const auto& partition) {
        if (partition.leader >= 0) ++leads[partition.leader];
    });
    int busiest = 1;
    for (const auto& [broker, partitions] : leads)
        if (partitions > leads[busiest]) busiest = broker;
    return busiest;
}

int ClusterAdmin::leader_of(const std::string& name, int number) {
    int leader = -1;
    const auto all = metadata();
    each_partition(*all, name, [&](const auto& topic, const auto& partition) {
        if (topic.topic == name && partition.id == number) leader = partition.leader;
    });
    return leader;
}

bool ClusterAdmin::is_listed(const std::string& name) {
    bool found = false;
    const auto all = metadata();
    each_partition(*all, name,
                   [&](const auto& topic, const auto&) { found = found || topic.topic == name; });
    return found;
}

bool ClusterAdmin::in_sync(const std::string& prefix, int replicas) {
    const auto all = metadata();
    bool enough = true;
    int partitions = 0;
    each_partition(*all, prefix, [&](const auto&, const auto& partition) {
        ++partitions;
        enough = enough && partition.leader >= 0 && partition.isr_cnt >= replicas;
    });
    return enough && partitions > 0;
}

void ClusterAdmin::wait_in_sync(const std::string& prefix, int replicas,
                                std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!in_sync(prefix, replicas)) {
        REQUIRE_MESSAGE(std::chrono::steady_clock::now() < deadline, "the replicas of ", prefix,
                        " do not come in sync");
        std::this_thread::sleep_for(100ms);
    }
}

void ClusterAdmin::judge(const Queue& answers, const std::string& doing) const {
    const bus::kafka::Event answer{rd_kafka_queue_poll(answers.get(), request_ms)};
    REQUIRE_MESSAGE(answer, doing, ": no answer");
    const auto error = rd_kafka_event_error(answer.get());
    REQUIRE_MESSAGE(!error, doing, ": ", rd_kafka_err2str(error));
}

// The other settings of the topic go back to what the cluster says, but for what would delete.
void ClusterAdmin::set(const std::string& prefix, const std::string& setting,
                       const std::string& value) {
    const auto all = metadata();
    for (int t = 0; t < all->topic_cnt; ++t) {
        if (!std::string_view(all->topics[t].topic).starts_with(prefix)) continue;
        const bus::kafka::ConfigResource one{
            rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, all->topics[t].topic)};
        rd_kafka_ConfigResource_set_config(one.get(), setting.c_str(), value.c_str());
        rd_kafka_ConfigResource_set_config(one.get(), "retention.ms", "-1");
        const Queue answers{rd_kafka_queue_new(client_.get())};
        auto* resource = one.get();
        rd_kafka_AlterConfigs(client_.get(), &resource, 1, nullptr, answers.get());
        judge(answers, "alter");
    }
}

void ClusterAdmin::set_min_in_sync(const std::string& prefix, int replicas) {
    set(prefix, "min.insync.replicas", std::to_string(replicas));
}

void ClusterAdmin::delete_records(const std::string& topic, int partition, std::int64_t before) {
    const bus::kafka::Partitions list{rd_kafka_topic_partition_list_new(1)};
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = before;
    const DeleteRecords wish{rd_kafka_DeleteRecords_new(list.get())};
    auto* one = wish.get();
    const Queue answers{rd_kafka_queue_new(client_.get())};
    rd_kafka_DeleteRecords(client_.get(), &one, 1, nullptr, answers.get());
    judge(answers, "delete records");
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds{request_ms};
    while (offsets_of(topic, partition).begin < before) {
        REQUIRE_MESSAGE(std::chrono::steady_clock::now() < deadline, topic, " keeps its records");
        std::this_thread::sleep_for(20ms);
    }
}

void ClusterAdmin::delete_topic(const std::string& topic) {
    const DeleteTopic wish{rd_kafka_DeleteTopic_new(topic.c_str())};
    auto* one = wish.get();
    const Queue answers{rd_kafka_queue_new(client_.get())};
    rd_kafka_DeleteTopics(client_.get(), &one, 1, nullptr, answers.get());
    judge(answers, "delete topic");
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds{request_ms};
    while (is_listed(topic)) {
        REQUIRE_MESSAGE(std::chrono::steady_clock::now() < deadline, topic, " is not deleted");
        std::this_thread::sleep_for(20ms);
    }
}

void ClusterAdmin::create_topic(const std::string& topic, int partitions) {
    char why[512] = "";
    const bus::kafka::NewTopic wish{
        rd_kafka_NewTopic_new(topic.c_str(), partitions, 3, why, sizeof why)};
    auto* one = wish.get();
    const Queue answers{rd_kafka_queue_new(client_.get())};
    rd_kafka_CreateTopics(client_.get(), &one, 1, nullptr, answers.get());
    judge(answers, "create topic");
}

ClusterAdmin::Offsets ClusterAdmin::offsets_of(const std::string& topic, int partition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds{request_ms};
    for (;;) {
        Offsets found;
        const auto error = rd_kafka_query_watermark_offsets(client_.get(), topic.c_str(), partition,
                                                            &found.begin, &found.end, request_ms);
        if (!error) return found;
        const bool is_late = std::chrono::steady_clock::now() >= deadline;
        REQUIRE_MESSAGE(!is_late, topic, ": ", std::string(rd_kafka_err2str(error)));
        std::this_thread::sleep_for(50ms);
    }
}

void ClusterAdmin::append(const std::string& topic, int partition, int records) {
    for (int i = 0; i < records; ++i) {
        const std::string value = fmt::format("foreign {}", i);
        const auto error = rd_kafka_producev(
            client_.get(), RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
            RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        REQUIRE_MESSAGE(!error, rd_kafka_err2str(error));
    }
    REQUIRE(rd_kafka_flush(client_.get(), request_ms) == RD_KAFKA_RESP_ERR_NO_ERROR);
}

}  // namespace tests
