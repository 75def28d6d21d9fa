// What the program leaves behind is the owner's alone, shows nobody's secrets, and no name that a
// caller gives leads out of its folder.
#include "tests/prove/marked_tenant.hpp"
#include "tests/support/files_holding.hpp"
#include "tests/support/import_bench.hpp"

#include <sys/stat.h>

using namespace tests;
namespace fs = std::filesystem;

namespace {

// Files and folders below that anybody but the owner may use; a socket or link is none of ours.
std::string open_to_others(const fs::path& folder) {
    std::string found;
    const auto look = [&](const fs::path& path) {
        struct stat status {};
        if (::lstat(path.c_str(), &status) == 0 && (status.st_mode & 077) != 0)
            found += path.string() + " ";
    };
    look(folder);
    for (const auto& entry : fs::recursive_directory_iterator(folder)) look(entry.path());
    return found;
}

struct Marked {
    Marked() {
        ::umask(022);  // what a shell has
        served.start();
        std::mt19937_64 random(7);
        ProductClient client(served.addresses());
        shop = prove::tell_marked(client, "shop", random);
        secrets = shop.secrets;
        secrets.push_back(served.addresses().admin_key);
        (void)client.list(shop.tenant, "/v1/events", shop.position);
    }
    ProgramRun run(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), TRIBUTARY_PROGRAM);
        return run_program(arguments);
    }
    ProgramRun ask(std::vector<std::string> arguments) const {
        arguments.insert(arguments.end(), {"--data", served.data()});
        return run(std::move(arguments));
    }
    std::string secret_in(const std::string& text) const {
        for (const std::string& secret : secrets)
            if (text.find(secret) != text.npos) return secret;
        return {};
    }
    // Shows the marker, so that it is the right place to look in, and no secret.
    void shows_data_only(const std::string& name, const std::string& text) const {
        CAPTURE(name);
        CHECK(text.find(shop.marker) != text.npos);
        CHECK(secret_in(text).empty());
    }
    std::string text_below(const fs::path& folder) const {
        std::string all;
        for (const auto& entry : fs::recursive_directory_iterator(folder))
            all += entry.path().string() + "\n" +
                   (entry.is_regular_file() ? bytes_of(entry.path()) : "");
        return all;
    }

    ChildPlatform served{TRIBUTARY_PROGRAM, "embedded", {"--log-level", "debug"}};
    TempDirectory out;
    prove::MarkedTenant shop;
    std::vector<std::string> secrets;
};

}  // namespace

TEST_CASE_FIXTURE(Marked, "files: data folder, backup and export are the owner's alone") {
    const fs::path backups = out.path() / "backups", exported = out.path() / "exported";
    const auto backup = ask({"backup", "--to", backups, "--with-keys"});
    REQUIRE_MESSAGE(backup.exit_code == 0, backup.error);
    const auto written = ask({"export", "--tenant", "shop", "--format", "csv", "--out", exported});
    REQUIRE_MESSAGE(written.exit_code == 0, written.error);
    CHECK(open_to_others(served.data()).empty());
    CHECK(open_to_others(backups).empty());
    CHECK(open_to_others(exported).empty());
}

TEST_CASE_FIXTURE(Marked, "secrets: in no dump, tail, export, backup, list or line of the log") {
    const fs::path backups = out.path() / "backups", exported = out.path() / "exported";
    shows_data_only("tail", ask({"tail", "--last", "200"}).out);
    REQUIRE(ask({"export", "--tenant", "shop", "--format", "csv", "--out", exported}).exit_code ==
            0);
    shows_data_only("export", text_below(exported));
    REQUIRE(ask({"backup", "--to", backups}).exit_code == 0);
    CHECK(secret_in(text_below(backups)).empty());
    for (const std::string list : {"clients", "sources", "jobs", "doctor"}) {
        CAPTURE(list);
        CHECK(secret_in(ask({list}).out).empty());
    }
    served.stop();
    std::string frames, rows;
    for (const auto& segment : fs::directory_iterator(served.data() / "journal"))
        if (segment.path().extension() == ".segment")
            frames += run({"dump", "frames", segment.path()}).out;
    CHECK(frames.size() > 1'000);
    CHECK(secret_in(frames).empty());
    for (const auto& store : fs::directory_iterator(served.data() / "stores"))
        rows += run({"dump", "rows", store.path(), "--limit", "100000"}).out;
    shows_data_only("rows", rows);
    CHECK(served.said().size() > 100);
    CHECK(secret_in(served.said()).empty());
    CHECK(served.said().find(shop.marker) == std::string::npos);
    // On the disk a secret stands sealed only; the operator's key has its own file.
    std::size_t plain = 0;
    for (const std::string& secret : shop.secrets) plain += count_in_files(served.data(), secret);
    CHECK(plain == 0);
}

TEST_CASE_FIXTURE(Marked, "names: what leads elsewhere is refused, and nothing is made there") {
    const fs::path exported = out.path() / "exported";
    const std::string before = text_below(out.path());
    for (const std::string name :
         {"../../x", "..", "../shop", "/etc", "shop/../shop", "shop%2f..", "shop?x=1", "shop#",
          "shop\r\nx-client-code: other", "shop x", "", "shop\x01", "%00"}) {
        CAPTURE(name);
        for (const auto& arguments : std::vector<std::vector<std::string>>{
                 {"export", "--tenant", name, "--out", exported},
                 {"erase", "tenant", name},
                 {"import", "--tenant", "shop", "--source", name, out.path()},
                 {"import", "--tenant", name, "--source", "shop-chat", out.path()},
                 {"dead-letters", "show", name, "--tenant", "shop"},
                 {"jobs", "show", name},
                 {"get", name},
                 {"graph", name, "--tenant", "shop"},
                 {"dump", "record", name}}) {
            const ProgramRun asked = ask(arguments);
            CAPTURE(arguments[0]);
            CHECK_MESSAGE(asked.exit_code > 0, asked.out);
            CHECK(!asked.error.empty());
        }
    }
    CHECK(text_below(out.path()) == before);
    // A customer may be called anything; nothing of that becomes a name of a file.
    const auto odd =
        ask({"export", "--tenant", "shop", "--customer", "../../x", "--out", exported});
    REQUIRE_MESSAGE(odd.exit_code == 0, odd.error);
    fs::remove_all(exported);
    CHECK(text_below(out.path()) == before);
}

TEST_CASE_FIXTURE(Marked, "names: an export that names other routes does not reach them") {
    const fs::path exported = out.path() / "exported";
    REQUIRE(ask({"export", "--tenant", "shop", "--out", exported}).exit_code == 0);
    // Whoever made the folder wrote the manifest too, so a hash is no shield.
    ProductClient client(served.addresses());
    client.create_tenant("other");
    const std::string text = text_of_file(exported / "named_mappings.ndjson");
    REQUIRE(text.find("\"own\"") != text.npos);
    for (const std::string name : {"../../api/clients/other/keys", "x/../../sources", "own?x",
                                   "own#", "a b", "own\\r\\nx: y"}) {
        CAPTURE(name);
        std::string changed = text;
        changed.replace(changed.find("\"own\""), 5, "\"" + name + "\"");
        write_file(exported / "named_mappings.ndjson", changed);
        fs::remove(exported / "manifest.json");
        const auto refused =
            ask({"import", "--tenant", "other", "--format", "tributary", exported});
        CHECK_MESSAGE(refused.exit_code == 1, refused.out);
    }
}

TEST_CASE("names: no header or URL of ours becomes two") {
    bus::net::HttpClient client;
    const auto refusal_of = [&](const std::string& url, const Headers& headers) {
        bus::net::ClientRequest request;
        request.url = url;
        request.headers = headers;
        const auto answer = client.call(request);
        REQUIRE(!answer);
        return answer.error().code;
    };
    const std::string nobody = "http://127.0.0.1:9/";
    using bus::ErrorCode;
    CHECK(refusal_of(nobody, {{"x-client-code", "a\r\nx-api-key: b"}}) == ErrorCode::invalid_input);
    CHECK(refusal_of(nobody, {{"a\nb", "c"}}) == ErrorCode::invalid_input);
    CHECK(refusal_of(nobody + "a HTTP/1.1\r\nhost: b", {}) == ErrorCode::invalid_input);
    CHECK(refusal_of(nobody + "a b", {}) == ErrorCode::invalid_input);
    CHECK(refusal_of("file:///etc/passwd", {}) == ErrorCode::unavailable);
    CHECK(refusal_of(nobody, {{"x-client-code", "a"}}) == ErrorCode::unavailable);
}
