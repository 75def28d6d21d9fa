// Small webhooks as providers send them, with correct signatures.
#pragma once

#include "bus/crypto/digest.hpp"
#include "bus/position.hpp"
#include "bus/text.hpp"
#include "tests/support/product_client.hpp"

#include <doctest/doctest.h>

namespace tests {

struct Webhook {
    std::string body;
    Headers headers;
};

inline std::string hex_hmac(std::string_view secret,
                            std::initializer_list<std::string_view> parts) {
    return bus::to_hex(bus::crypto::hmac(bus::crypto::Hash::sha256, secret, parts));
}

// A body under "sha256=HEX" in `header`, as Meta and Interakt sign.
inline Webhook signed_json(std::string body, std::string_view secret, const std::string& header) {
    const std::string signature = "sha256=" + hex_hmac(secret, {body});
    return {.body = std::move(body),
            .headers = {{"content-type", "application/json"}, {header, signature}}};
}

inline Webhook meta_webhook(std::string_view change, std::string_view secret) {
    return signed_json(
        fmt::format(
            R"({{"object":"whatsapp_business_account","entry":[{{"id":"1020304050","changes":[{{"field":"messages","value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"918000000001","phone_number_id":"5550001"}},{}}}}}]}}]}})",
            change),
        secret, "x-hub-signature-256");
}

// `from` in digits with the country's code.
inline Webhook meta_message(std::string_view id, std::string_view from, std::string_view text,
                            std::int64_t unix_s, std::string_view secret) {
    std::string quoted;
    schemas::json::append_escaped(quoted, text);
    return meta_webhook(
        fmt::format(
            R"("contacts":[{{"wa_id":"{0}","profile":{{"name":"Customer {0}"}}}}],"messages":[{{"id":"{1}","from":"{0}","timestamp":"{2}","type":"text","text":{{"body":{3}}}}}])",
            from, id, unix_s, quoted),
        secret);
}

inline Webhook meta_receipt(std::string_view id, std::string_view to, std::string_view status,
                            std::int64_t unix_s, std::string_view secret) {
    return meta_webhook(
        fmt::format(
            R"("statuses":[{{"id":"{}","recipient_id":"{}","status":"{}","timestamp":"{}"}}])", id,
            to, status, unix_s),
        secret);
}

inline Webhook interakt_message(std::string_view id, std::string_view from, std::string_view text,
                                std::string_view naive_utc, std::string_view secret) {
    return signed_json(
        fmt::format(
            R"({{"version":"1.0","timestamp":"{0}","type":"message_received","data":{{"customer":{{"id":"c-{1}","channel_phone_number":"{1}","traits":{{"name":"Customer {1}"}}}},"message":{{"id":"{2}","message":"{3}","message_content_type":"Text","received_at_utc":"{0}"}}}}}})",
            naive_utc, from, id, text),
        secret, "interakt-signature");
}

inline Webhook stripe_event(std::string_view id, std::string_view type, std::string_view object,
                            std::int64_t unix_s, std::int64_t signed_at_s,
                            std::string_view secret) {
    Webhook webhook;
    webhook.body = fmt::format(
        R"({{"id":"{}","object":"event","created":{},"type":"{}","data":{{"object":{}}}}})", id,
        unix_s, type, object);
    const std::string at = std::to_string(signed_at_s);
    webhook.headers = {{"content-type", "application/json"},
                       {"stripe-signature",
                        fmt::format("t={},v1={}", at, hex_hmac(secret, {at, ".", webhook.body}))}};
    return webhook;
}

// The source record of kind `ivr` for the body of ivr_call().
inline constexpr std::string_view ivr_source =
    R"("verification":{"kind":"header","header":"x-ivr-secret"},"field_mapping":{"call_id":"uuid","caller":"caller_number","callee":"dialed_number","status":"call_state","start":"start_stamp","end":"end_stamp","duration":"total_s","talk":"talk_s","agent_name":"agent"},"status_mapping":{"ANSWER":"completed","NOANSWER":"missed"})";

inline Webhook ivr_call(std::string_view id, std::string_view caller, std::string_view state,
                        std::string_view start, std::string_view end, std::string_view secret) {
    return {
        .body = fmt::format(
            R"({{"uuid":"{}","caller_number":"{}","dialed_number":"+911140000000","call_state":"{}","start_stamp":"{}","end_stamp":"{}","total_s":"65","talk_s":"40","agent":"Agent 7"}})",
            id, caller, state, start, end),
        .headers = {{"content-type", "application/json"}, {"x-ivr-secret", std::string(secret)}}};
}

// The source record of kind `email` for the bytes of mail_in_thread(), as its mail server posts
// them.
inline constexpr std::string_view mail_source =
    R"("verification":{"kind":"header","header":"x-mail-key"},"address":"desk@shop.example")";

// `date` as RFC 5322 has it; `first` is the id of the thread's first mail, which may be this one.
inline Webhook mail_in_thread(std::string_view id, std::string_view first, std::string_view from,
                              std::string_view subject, std::string_view date,
                              std::string_view secret) {
    const std::string references =
        id == first ? "" : fmt::format("References: <{}@shop.example>\r\n", first);
    return {.body = fmt::format("From: <{}>\r\nTo: desk@shop.example\r\nSubject: {}\r\nDate: {}\r\n"
                                "Message-ID: <{}@shop.example>\r\n{}\r\ntext of {}\r\n",
                                from, subject, date, id, references, id),
            .headers = {{"content-type", "message/rfc822"}, {"x-mail-key", std::string(secret)}}};
}

// `secret` is "user:password". The customer's reference is its number.
inline Webhook chargebee_subscription(std::string_view id, std::string_view phone,
                                      std::string_view status, std::int64_t unix_s,
                                      std::string_view secret) {
    return {
        .body = fmt::format(
            R"({{"id":"{}","occurred_at":{},"event_type":"subscription_changed","content":{{"subscription":{{"id":"sub {}","customer_id":"{}","status":"{}","resource_version":{}}},"customer":{{"id":"{}","phone":"{}"}}}}}})",
            id, unix_s, phone, phone, status, unix_s * 1'000, phone, phone),
        .headers = {{"content-type", "application/json"},
                    {"authorization", "Basic " + bus::to_base64(secret)}}};
}

// A position that covers both; either may be "".
inline std::string later(const std::string& a, const std::string& b) {
    if (a.empty() || b.empty()) return a.empty() ? b : a;
    auto joined = *bus::parse_position(a);
    const auto other = *bus::parse_position(b);
    for (std::size_t i = 0; i < joined.next.size(); ++i)
        joined.next[i] = std::max(joined.next[i], other.next[i]);
    return bus::to_token(joined);
}

// Sends webhooks to one source and remembers the position that covers all of them.
class Sender {
public:
    Sender(ProductClient& client, Source source) : client_(client), source_(std::move(source)) {}
    Answer send(const Webhook& webhook) {
        auto answer = client_.ingress("POST", source_.path, webhook.headers, webhook.body);
        REQUIRE_MESSAGE(answer.status / 100 == 2, answer.status, " ", answer.body);
        position_ = later(position_, header_of(answer, "x-position"));
        return answer;
    }
    const std::string& position() const { return position_; }
    const Source& source() const { return source_; }
    const std::string& secret() const { return source_.secret; }

private:
    ProductClient& client_;
    Source source_;
    std::string position_;
};

}  // namespace tests
