// Every librdkafka pointer is owned from the line it appears on.
//
// Orders that the types cannot show: topics and queues go before their client (declare the client
// first); a configuration is taken over by a successful rd_kafka_new().
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>

namespace bus::kafka {

template <auto destroy>
struct Destroy {
    void operator()(auto* handle) const { destroy(handle); }
};
template <class T, auto destroy>
using Handle = std::unique_ptr<T, Destroy<destroy>>;

// No consumer here is in a group, so nothing has to be left on the way out.
inline void destroy_client(rd_kafka_t* client) {
    rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}
inline void destroy_metadata(const rd_kafka_metadata_t* metadata) {
    rd_kafka_metadata_destroy(metadata);
}

using Client = Handle<rd_kafka_t, destroy_client>;
using Configuration = Handle<rd_kafka_conf_t, rd_kafka_conf_destroy>;
using TopicConfiguration = Handle<rd_kafka_topic_conf_t, rd_kafka_topic_conf_destroy>;
using TopicHandle = Handle<rd_kafka_topic_t, rd_kafka_topic_destroy>;
using Queue = Handle<rd_kafka_queue_t, rd_kafka_queue_destroy>;
using Message = Handle<rd_kafka_message_t, rd_kafka_message_destroy>;
using KafkaHeaders = Handle<rd_kafka_headers_t, rd_kafka_headers_destroy>;
using Partitions = Handle<rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_list_destroy>;
using Metadata = Handle<const rd_kafka_metadata_t, destroy_metadata>;
using AdminOptions = Handle<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy>;
using NewTopic = Handle<rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy>;
using ConfigResource = Handle<rd_kafka_ConfigResource_t, rd_kafka_ConfigResource_destroy>;
using Event = Handle<rd_kafka_event_t, rd_kafka_event_destroy>;

}  // namespace bus::kafka
