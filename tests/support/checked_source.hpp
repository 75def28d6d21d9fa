// What one source of a load is told: events of known content, of the kind that its provider sends.
// Those of a number are always the same, and no two of any sources are alike.
#pragma once

#include "tests/support/checker.hpp"
#include "tests/support/sample_webhooks.hpp"

#include <chrono>

namespace tests::checker {

class CheckedSource {
public:
    // Made through the API, with a slug and a secret of its own.
    CheckedSource(ProductClient& client, const tests::Tenant& of, std::size_t tenant,
                  std::string provider, std::int64_t customers);

    Told told_of(std::int64_t number) const;  // as yet unsent, without its body
    Webhook webhook_of(const Told& one) const;

    std::size_t tenant() const { return tenant_; }
    const std::string& slug() const { return slug_; }
    const std::string& path() const { return source_.path; }
    Kind kind() const;  // of those that can be read
    // Of chats and calls there are many, of mails and bills few.
    std::chrono::microseconds pause(std::chrono::microseconds usual) const;

private:
    Kind kind_of(std::int64_t number) const;
    std::string id_of(std::int64_t number) const;
    std::string first_of_thread(std::int64_t number) const;
    std::string customer(std::int64_t number) const;
    std::string words(std::int64_t number) const;

    const std::size_t tenant_;
    const std::string provider_, slug_;
    const std::int64_t customers_;
    const Source source_;
};

}  // namespace tests::checker
