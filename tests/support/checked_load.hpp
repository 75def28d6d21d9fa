// Several tenants with sources of several providers that tell a product events of known content,
// each source by a thread and connection of its own, and again until they are answered 2xx.
#pragma once

#include "bus/signal.hpp"
#include "tests/support/checker.hpp"
#include "tests/support/product_client.hpp"

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

namespace tests::checker {

struct LoadOptions {
    // Each with five sources: two chats, a telephone, a mailbox and a shop's bills.
    std::size_t tenants = 4;
    std::chrono::microseconds pause{1'500};  // of a source between two events; mails, bills: longer
    std::int64_t customers = 40;             // of a tenant
};

// How often each answer came: "200 fsynced", "202 local", "503 with Retry-After", "no answer".
using Answers = std::map<std::string, std::size_t>;
inline constexpr const char* kept_answer = "202 local";
inline constexpr const char* replicated_answer = "200 replicated";
struct SourceAnswers {
    std::size_t tenant = 0;
    std::string source;  // slug
    Kind kind = Kind::message;
    Answers answers;
};

class CheckedLoad {
public:
    CheckedLoad(ProductClient& client, const LoadOptions& options);

    // Sends and looks from threads of its own until stop(); the product may be killed meanwhile.
    void start(const Addresses& addresses);
    void stop();
    // One event of the first source; "503 with Retry-After" or the like. Not while it runs.
    std::string tell_one(ProductClient& client);
    // An event of each source that waits for no answer, one after the other, and settle().
    bool tell_each(ProductClient& client, std::chrono::milliseconds patience);
    // What is under way and was not answered is sent until it is; false when the product does not
    // take it within `patience`.
    bool settle(ProductClient& client, std::chrono::milliseconds patience);

    // The newest of each source once more: what was not answered as a copy of the first.
    std::vector<std::string> repeat(ProductClient& client, std::size_t of_each) const;

    std::vector<Told> told() const;  // not while it runs
    const std::vector<Tenant>& tenants() const { return tenants_; }
    std::string position(std::size_t tenant) const;  // covers all that was acknowledged
    // A rows-and-position sample of each tenant now and then, since the start.
    const std::vector<SeenMoment>& moments() const { return moments_; }
    std::size_t acknowledged() const;  // not while it runs
    // So many from now on, within `patience`.
    bool wait_for_acknowledged(std::size_t more, std::chrono::milliseconds patience);
    Answers answers() const;  // not while it runs
    // While it runs, the log may be away: answers to what is sent meanwhile are counted apart too,
    // those that come later only where the event was kept.
    void begin_outage() { outage_ = true; }
    void end_outage() { outage_ = false; }
    std::vector<SourceAnswers> answers_of_outage() const;  // of each source; not while it runs
    // The log has begun anew: no position, and no moment, says anything of what comes now.
    void forget_positions();
    std::chrono::milliseconds longest_answer() const;   // not while it runs
    std::chrono::milliseconds quickest_stored() const;  // of those with 2xx; likewise
    // Answers that are never right here: neither 2xx nor 503.
    std::vector<std::string> wrong_answers() const;

private:
    struct Teller;
    void look(const Addresses& addresses);

    const LoadOptions options_;
    std::vector<Tenant> tenants_;
    bus::Signal acknowledged_;  // by each, so often
    std::vector<std::shared_ptr<Teller>> tellers_;
    std::atomic<bool> stop_ = false, outage_ = false;
    std::vector<std::thread> threads_;
    std::vector<SeenMoment> moments_;  // of the looking thread while it runs
};

}  // namespace tests::checker
