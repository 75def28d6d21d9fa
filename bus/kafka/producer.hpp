// An idempotent producer with acks=all that survives its own fatal errors, where gaps are allowed.
//
// Two threads: one polls and is the only one that answers; one asks for metadata while a broker is
// suspected to be away. A fatal error of the idempotent protocol refuses what waits (unavailable)
// and makes a new producer, since the old one never sends again.
#pragma once

#include "bus/kafka/client.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <shared_mutex>
#include <thread>

namespace bus::kafka {

// A record on its way. It owns the bytes that librdkafka sends, so that they are not copied.
struct Pending {
    NewRecord record;
    EventId id;
    AppendDone done;
    bool returns = false;    // given back when it is refused
    bool forwarded = false;  // it was answered long ago: no copy waits for it
};

// What becomes of the records behind one that cannot be delivered.
enum class Gaps {
    allowed,  // each is refused after message_timeout; a fatal error makes a new producer
    refused,  // none of them gets into the log: they wait for a broker as long as it takes, and
              // after a failure the producer refuses all it has, and all that comes (`cancelled`)
};

class Producer {
public:
    // Called on the polling thread, once per record that send() took.
    using Delivered = std::function<void(std::unique_ptr<Pending>, Result<Offset>)>;

    // The topics must exist: their metadata is fetched before this returns.
    static Result<std::unique_ptr<Producer>> start(const KafkaOptions& options, Delivered delivered,
                                                   Gaps gaps = Gaps::allowed);
    ~Producer();

    // Any thread, never blocks. On an error `pending` is left to the caller.
    Result<Done> send(std::unique_ptr<Pending>& pending);

    // Runs `answer` on the polling thread, or at once when that has ended.
    void post(std::function<void()> answer);

    bool reachable() const { return reachable_.load(std::memory_order_relaxed); }
    // What librdkafka last said of brokers that cannot be reached or do not let us in; any thread.
    std::string last_trouble() const;
    std::size_t waiting() const { return waiting_.load(std::memory_order_relaxed); }

    // Refuses what comes after, settles what came before within close_wait_max; where that is not
    // set within message_timeout (where gaps are refused: a second). Idempotent.
    void close();

    // As if the broker had refused the producer for good; for tests.
    void provoke_fatal_error();

private:
    Producer(const KafkaOptions& options, Delivered delivered, Gaps gaps);

    struct Connection {
        Client client;  // outlives its topics and its queue
        std::array<TopicHandle, topic_count> topics;
        Queue main_queue;  // to wake the polling thread
    };
    static void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* self);
    static void on_error(rd_kafka_t*, int error, const char* text, void* self);
    static int on_statistics(rd_kafka_t*, char* json, std::size_t bytes, void* self);

    Result<std::unique_ptr<Connection>> connect(milliseconds wait_max);
    std::vector<Setting> topic_settings(Topic topic) const;
    Error refusal(rd_kafka_resp_err_t error, Topic topic) const;
    Result<Done> warm(rd_kafka_t* client, milliseconds wait_max) const;
    void poll_until_stopped();
    void wake_poller();
    void run_posted();
    void replace_connection();
    void refuse_all();
    void settle_all(rd_kafka_t* client, milliseconds wait_max);
    void probe_until_stopped();
    bool probe();
    void suspect();
    void remember_why(const char* text);
    bool fatal_is_due();

    const KafkaOptions options_;
    const Delivered delivered_;
    const Gaps gaps_;

    std::atomic<bool> reachable_{true};
    std::atomic<bool> fatal_{false};
    std::atomic<bool> stopping_{false};
    std::atomic<std::size_t> waiting_{0};

    std::shared_mutex connection_mutex_;  // exclusively: to replace or close, on the polling thread
    // Guarded; none between two producers. By pointer, since assigning members would end the client
    // before its topics.
    std::unique_ptr<Connection> connection_;
    bool closed_ = false;  // guarded

    std::mutex posted_mutex_;
    std::vector<std::function<void()>> posted_;  // guarded by posted_mutex_
    bool poller_ended_ = false;                  // guarded by posted_mutex_

    std::mutex probe_mutex_;
    std::condition_variable probe_wanted_;
    bool suspicious_ = false;  // guarded by probe_mutex_

    mutable std::mutex why_mutex_;
    std::string why_;                        // guarded by why_mutex_
    std::size_t delivered_since_fatal_ = 0;  // of the polling thread

    std::mutex close_mutex_;  // before all others
    std::thread poller_;
    std::thread prober_;
};

}  // namespace bus::kafka
