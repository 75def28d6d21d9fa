// `tributary import` and `export` as a person runs them, against a served folder.
#pragma once

#include "tests/support/child_platform.hpp"
#include "tests/support/program_run.hpp"
#include "tests/support/sample_webhooks.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <set>

namespace tests {

inline void write_file(const std::filesystem::path& file, std::string_view text) {
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out << text;
    REQUIRE(out.flush());
}

inline std::string text_of_file(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// A body as the chat source of ImportBench maps it, of the given number.
inline std::string numbered_message(int number) {
    return meta_message(fmt::format("m{}", number), fmt::format("9199{:08}", number % 500),
                        fmt::format("text number {}", number), 1'709'600'400 + number, "s")
        .body;
}
inline std::string numbered_messages(int count) {
    std::string lines;
    for (int i = 0; i < count; ++i) lines += numbered_message(i) + "\n";
    return lines;
}

struct ImportBench {
    ImportBench() {
        served.start();
        ProductClient client(served.addresses());
        shop = client.create_tenant("shop");
        client.create_source(shop, "meta_cloud", "shop-wa", "secret");
    }

    ProgramRun import(const std::string& source, const std::vector<std::string>& further,
                      const std::string& crash_at = {}) const {
        std::vector<std::string> arguments{TRIBUTARY_PROGRAM, "import",  "--data",   served.data(),
                                           "--tenant",        shop.code, "--source", source};
        arguments.insert(arguments.end(), further.begin(), further.end());
        return run_program(arguments, crash_at);
    }

    // "read=accepted+duplicates-refused" of the last report.
    static std::string counts(const ProgramRun& run) {
        const std::string line = run.out.substr(run.out.rfind('{', run.out.rfind("{\"file\"")));
        const Document report(line.substr(0, line.find('\n')));
        return fmt::format("{}={}+{}-{}", report.text("read"), report.text("accepted"),
                           report.text("duplicates"), report.text("refused"));
    }

    // The bodies of all records of the tenant, once the rows show `expected` of them.
    std::multiset<std::string> bodies(std::size_t expected) const {
        ProductClient client(served.addresses());
        std::vector<std::string> ids;
        for (int attempt = 0; attempt < 100 && ids.size() < expected; ++attempt) {
            ids = request_ids(client);
            if (ids.size() < expected) std::this_thread::sleep_for(std::chrono::milliseconds{100});
        }
        std::multiset<std::string> all;
        for (const std::string& id : ids)
            all.insert(client.read(shop, "/v1/ingest/requests/" + id + "/raw").body);
        return all;
    }

    ChildPlatform served{TRIBUTARY_PROGRAM, "embedded"};
    Tenant shop;
    TempDirectory files;

private:
    std::vector<std::string> request_ids(ProductClient& client) const {
        std::vector<std::string> ids;
        std::string cursor;
        do {
            const std::string target =
                "/v1/ingest/requests?limit=200" + (cursor.empty() ? "" : "&cursor=" + cursor);
            const Document page = client.list(shop, target);
            for (const auto request : page.data()) ids.emplace_back(request["id"].text());
            cursor = page["page"]["next_cursor"].text();
        } while (!cursor.empty());
        return ids;
    }
};

}  // namespace tests
