// A broker that has not heard of new topics yet, when it is asked what they promise: said by this
// file in librdkafka's place, since no cluster says it when asked to.
#include "bus/kafka/topic_setup.hpp"

#include "bus/kafka/handles.hpp"
#include "tests/support/cluster_admin.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/kafka_records.hpp"
#include "tests/support/local_broker.hpp"

#include <dlfcn.h>
#include <doctest/doctest.h>

#include <limits>

using namespace std::chrono_literals;

namespace {

int unheard = 0;  // so many descriptions of topics are empty
bool is_unheard = false;

template <class Function>
Function* librdkafkas(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

void rd_kafka_DescribeConfigs(rd_kafka_t* client, rd_kafka_ConfigResource_t** asked,
                              std::size_t count, const rd_kafka_AdminOptions_t* options,
                              rd_kafka_queue_t* answers) {
    is_unheard = unheard > 0;
    if (is_unheard) --unheard;
    librdkafkas<decltype(rd_kafka_DescribeConfigs)>("rd_kafka_DescribeConfigs")(
        client, asked, count, options, answers);
}
rd_kafka_resp_err_t rd_kafka_ConfigResource_error(const rd_kafka_ConfigResource_t* resource) {
    if (is_unheard) return RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    return librdkafkas<decltype(rd_kafka_ConfigResource_error)>("rd_kafka_ConfigResource_error")(
        resource);
}
const rd_kafka_ConfigEntry_t** rd_kafka_ConfigResource_configs(
    const rd_kafka_ConfigResource_t* resource, std::size_t* count) {
    if (!is_unheard)
        return librdkafkas<decltype(rd_kafka_ConfigResource_configs)>(
            "rd_kafka_ConfigResource_configs")(resource, count);
    *count = 0;
    return nullptr;
}

TEST_CASE("kafka setup: topics that a broker has not heard of promise nothing less") {
    auto options = tests::kafka_options(tests::LocalBroker::instance().bootstrap(),
                                        tests::LocalBroker::fresh_prefix());
    CHECK(bus::kafka::ensure_topics(options).value_or(bus::Durability::memory) ==
          bus::Durability::one_broker);
    tests::ClusterAdmin(options.brokers).set_min_in_sync(options.topic_prefix, 2);
    const auto promises_more = [&] {
        return bus::kafka::ensure_topics(options).value_or(bus::Durability::memory) ==
               bus::Durability::replicated;
    };
    REQUIRE(tests::eventually(promises_more));  // the broker tells what was set a little later
    unheard = 3;
    CHECK(promises_more());
    unheard = std::numeric_limits<int>::max();
    options.open_wait_max = 300ms;
    CHECK_FALSE(bus::kafka::ensure_topics(options));
    unheard = 0;
}
