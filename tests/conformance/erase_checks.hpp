// Proofs of what a log holds, and bodies that are taken out of it.
#pragma once

#include "tests/conformance/log_engine.hpp"

namespace tests::conformance {

inline LogProof must_prove(Log& log) {
    auto proof = log.verify({});
    REQUIRE_MESSAGE(proof.has_value(), (proof ? "" : proof.error().message));
    for (const LogDamage& damage : proof->damage)
        MESSAGE(damage.where << " " << damage.file << " " << damage.at << " " << damage.what);
    return std::move(*proof);
}

// Beside a writer the proof speaks of what was visible when it began, at least.
inline void check_verify(const Engine& engine) {
    auto log = engine.create();
    CHECK(must_prove(*log).records == 0);
    for (std::uint64_t i = 0; i < 40; ++i)
        must_append(*log,
                    record_of(topic_at(i % partitioned_topics), static_cast<PartitionId>(i % 3),
                              i + 1, std::string(i * 100, 'v')),
                    engine.wait_max);
    must_append(*log, record_of(Topic::control, 0, 100, "control"), engine.wait_max);
    const LogProof proof = must_prove(*log);
    CHECK(proof.proven());
    CHECK(proof.records == 41);
    CHECK(proof.bodies == 41);
    CHECK(proof.erased == 0);
    CHECK(proof.parts == 0);

    std::atomic<bool> stop{false};
    std::atomic<std::size_t> appended{0};
    std::thread writer([&] {
        for (std::uint64_t i = 0; !stop; ++i) {
            must_append(*log, record_of(Topic::web, 1, 1000 + i, std::string(3000, 'w')),
                        engine.wait_max);
            ++appended;
        }
    });
    for (int round = 0; round < 5; ++round) {
        const std::size_t before = appended;
        const LogProof beside = must_prove(*log);
        CHECK(beside.proven());
        CHECK(beside.records >= 41 + before);
    }
    stop = true;
    writer.join();

    std::uint64_t told = 0;
    auto cancelled = log->verify({.go_on = [&](std::uint64_t records) {
        told += records;
        return false;
    }});
    REQUIRE_FALSE(cancelled.has_value());
    CHECK(cancelled.error().code == ErrorCode::cancelled);
}

// A part of a body is counted, and damage where it does not say of which.
inline void check_verify_parts(const Engine& engine) {
    auto log = engine.create();
    for (const std::size_t hash_digits : {64, 64, 62, 0}) {
        NewRecord record = record_of(Topic::chat, 0, 1 + hash_digits, "a part");
        record.headers.add(header::value_is, value_is_part);
        record.headers.add(header::whole, std::string(hash_digits, 'a'));
        must_append(*log, std::move(record), engine.wait_max);
    }
    const auto proof = log->verify({});
    REQUIRE(proof.has_value());
    CHECK(proof->records == 4);
    CHECK(proof->parts == 4);
    CHECK(proof->damage_count == 2);
}

// Bodies go, everything else stays: order, keys, headers, neighbours, duplicate answers, proofs.
inline void check_erase(const Engine& engine) {
    auto log = engine.create();
    std::vector<Address> at;
    for (std::uint64_t i = 0; i < 60; ++i) {
        NewRecord record = copy_of(i, i + 1, 0s);
        record.value = std::string(i * 300, static_cast<char>('a' + i % 26));
        at.push_back(must_append(*log, std::move(record), engine.wait_max).address);
    }
    std::vector<Address> chosen;
    for (std::size_t i = 0; i < at.size(); ++i)
        if (i % 3 == 1 || i + 1 == at.size()) chosen.push_back(at[i]);
    const auto missing = log->erase(std::vector<Address>{at[0], {Topic::chat, 0, 4711}});
    if (!engine.erases) {
        const auto kept = log->erase(chosen);
        REQUIRE(kept.has_value());
        CHECK(kept->kept == chosen.size());
        CHECK_FALSE(kept->remark.empty());
        CHECK(log->read_at(chosen[0])->value.size() == 300);
        return;
    }
    REQUIRE_FALSE(missing.has_value());
    CHECK(missing.error().code == ErrorCode::not_found);
    CHECK_FALSE(log->read_at(at[0])->erased);
    CHECK(log->rewrites() == 0);

    const auto check_all = [&](Log& now) {
        auto reader = must_read(now, {.partition = 0, .topics = only({Topic::chat})});
        const auto records = collect(*reader, at.size(), engine.wait_max);
        REQUIRE(records.size() >= at.size());
        for (std::size_t i = 0; i < at.size(); ++i) {
            const bool gone = std::find(chosen.begin(), chosen.end(), at[i]) != chosen.end();
            const auto read = now.read_at(at[i]);
            REQUIRE(read.has_value());
            CHECK(read->erased == gone);
            CHECK(read->value == records[i].value);
            CHECK(read->headers.view().get(header::id) == to_string(id_number(i + 1)));
            CHECK(read->key == "tnt_x");
            CHECK(records[i].value ==
                  (gone ? "" : std::string(i * 300, static_cast<char>('a' + i % 26))));
        }
        const LogProof proof = must_prove(now);
        CHECK(proof.proven());
        CHECK(proof.erased == chosen.size());
        CHECK(proof.records == proof.bodies + proof.erased);
    };
    for (int round = 0; round < 2; ++round) {  // to repeat it changes nothing
        const auto erased = log->erase(chosen);
        REQUIRE_MESSAGE(erased.has_value(), (erased ? "" : erased.error().message));
        CHECK(erased->erased == chosen.size());
        check_all(*log);
    }
    CHECK(log->rewrites() > 0);
    const Appended copy = must_append(*log, copy_of(1, 99, 1s), engine.wait_max);
    CHECK(copy.duplicate);
    CHECK(copy.address == at[1]);
    for (std::uint64_t i = 0; i < 20; ++i)  // the log goes on where it was
        must_append(*log, copy_of(1000 + i, 200 + i, 0s), engine.wait_max);
    check_all(*log);
    if (!engine.reopen) return;
    log = engine.reopen(std::move(log));
    check_all(*log);
    must_append(*log, copy_of(5000, 300, 0s), engine.wait_max);
    check_all(*log);
}

// Somebody reads and somebody writes while bodies go: a record is whole or erased, never between.
inline void check_erase_beside_others(const Engine& engine) {
    auto log = engine.create();
    std::vector<Address> at;
    for (std::uint64_t i = 0; i < 200; ++i)
        at.push_back(must_append(*log, record_of(Topic::chat, 0, i + 1, std::string(9000, 'p')),
                                 engine.wait_max)
                         .address);
    std::atomic<bool> stop{false};
    std::atomic<std::size_t> wrong{0}, failed{0};
    std::vector<std::thread> threads;
    threads.emplace_back([&] {
        for (std::uint64_t i = 0; !stop; ++i)
            must_append(*log, record_of(Topic::web, 1, 1000 + i, std::string(2000, 'w')),
                        engine.wait_max);
    });
    threads.emplace_back([&] {
        const std::string whole(9000, 'p');
        while (!stop)
            for (const Address& address : at) {
                const auto read = log->read_at(address);
                if (!read)
                    ++failed;
                else if (read->erased ? !read->value.empty() : read->value != whole)
                    ++wrong;
            }
    });
    for (std::size_t i = 0; i < at.size(); i += 10) {
        const auto erased = log->erase(std::span(at).subspan(i, 10));
        REQUIRE_MESSAGE(erased.has_value(), (erased ? "" : erased.error().message));
    }
    stop = true;
    for (auto& thread : threads) thread.join();
    CHECK(wrong == 0);
    CHECK(failed == 0);
    const LogProof proof = must_prove(*log);
    CHECK(proof.proven());
    CHECK(proof.erased == at.size());
}

}  // namespace tests::conformance
