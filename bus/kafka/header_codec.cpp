#include "bus/kafka/header_codec.hpp"

#include "bus/crypto/digest.hpp"

#include <cstring>

namespace bus::kafka {
namespace {

constexpr std::size_t name_bytes_max = 255;
constexpr std::size_t value_bytes_max = 65535;

// Calls visit(name, value) for each header of the message, in order.
template <class Visit>
void for_each(const rd_kafka_message_t& message, Visit visit) {
    rd_kafka_headers_t* headers = nullptr;
    if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t bytes = 0;
    for (std::size_t i = 0;
         rd_kafka_header_get_all(headers, i, &name, &value, &bytes) == RD_KAFKA_RESP_ERR_NO_ERROR;
         ++i) {
        visit(std::string_view(name),
              std::string_view(static_cast<const char*>(value), value ? bytes : 0));
    }
}

char* put(char* out, std::string_view bytes) {
    if (!bytes.empty()) std::memcpy(out, bytes.data(), bytes.size());
    return out + bytes.size();
}

}  // namespace

KafkaHeaders to_kafka(const NewRecord& record) {
    const HeadersView headers = record.headers;
    std::size_t count = 1;
    headers.for_each([&](std::string_view, std::string_view) { ++count; });
    KafkaHeaders out{rd_kafka_headers_new(count)};
    const auto add = [&](std::string_view name, std::string_view value) {
        rd_kafka_header_add(out.get(), name.data(), static_cast<ssize_t>(name.size()), value.data(),
                            static_cast<ssize_t>(value.size()));
    };
    headers.for_each(add);
    if (!record.tombstone)
        add(body_hash_header, crypto::view(crypto::sha256(std::string_view(record.value))));
    return out;
}

Result<bool> check_body(const rd_kafka_message_t& message) {
    std::string_view hash;
    for_each(message, [&](std::string_view name, std::string_view value) {
        if (name == body_hash_header) hash = value;
    });
    if (hash.empty()) return false;
    const std::string_view value(static_cast<const char*>(message.payload), message.len);
    if (hash == crypto::view(crypto::sha256(value))) return true;
    return fail(ErrorCode::corrupt, "the body of {}[{}]@{} does not match its hash",
                rd_kafka_topic_name(message.rkt), message.partition, message.offset);
}

Result<std::size_t> flat_bytes(const rd_kafka_message_t& message) {
    std::size_t total = 0;
    bool bounded = true;
    for_each(message, [&](std::string_view name, std::string_view value) {
        if (name == body_hash_header) return;
        bounded = bounded && name.size() <= name_bytes_max && value.size() <= value_bytes_max;
        total += 1 + name.size() + 2 + value.size();
    });
    if (!bounded) {
        return fail(ErrorCode::corrupt, "a header of {}[{}]@{} is longer than any of ours",
                    rd_kafka_topic_name(message.rkt), message.partition, message.offset);
    }
    return total;
}

void write_flat(const rd_kafka_message_t& message, char* out) {
    for_each(message, [&](std::string_view name, std::string_view value) {
        if (name == body_hash_header) return;
        *out++ = static_cast<char>(name.size());
        out = put(out, name);
        *out++ = static_cast<char>(value.size() & 255);
        *out++ = static_cast<char>(value.size() >> 8);
        out = put(out, value);
    });
}

}  // namespace bus::kafka
