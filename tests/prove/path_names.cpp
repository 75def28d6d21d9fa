#include "tests/prove/path_names.hpp"

#include "bus/ids.hpp"
#include "bus/text.hpp"

#include <fmt/format.h>

#include <fstream>
#include <stdexcept>

namespace tests::prove {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

const std::string mapping =
    "mapping: own\nversion: 1\nchannel: web\nbody: [json]\nkey: [$body]\n"
    "emit:\n  - {type: own.thing.happened}\n";

std::vector<std::string> names_of(const std::string& leaf) {
    return {"../../../../" + leaf,
            "../" + leaf,
            "/tmp/" + leaf,
            "%2e%2e/%2e%2e/" + leaf,
            "..%2f..%2f" + leaf,
            "%c0%ae%c0%ae/" + leaf,
            leaf + "%00.json",
            leaf + "\0.json"s,
            "a/" + leaf,
            "a\\" + leaf,
            "." + leaf + "/config",
            leaf + "/",
            leaf + ";a=b",
            "..",
            "."};
}

struct Place {
    std::string name;
    std::string honest;  // a name that is taken there; "" where every one is refused
    std::function<int(const std::string& name)> status;
};

// `others` are the members beside the name: what it is refused for is the name.
std::string body_with(const std::string& others, const std::string& member,
                      const std::string& name) {
    std::string text;
    schemas::json::Writer(text).text(name);
    return fmt::format(R"({{{}"{}":{}}})", others, member, text);
}

const std::string source = R"("kind":"interakt","secret":"a-secret-of-16-bytes",)",
                  mapped = R"("kind":"generic","slug":"mapped","secret":"a-secret-of-16-bytes",)"
                           R"("verification":{"kind":"header","header":"x-key"},)";

std::vector<Place> created_in(const NamedIn& in) {
    const auto posts = [&in](const std::string& target, const Headers& headers,
                             const std::string& others, const std::string& member) {
        return [&client = in.client, target, headers, others, member](const std::string& name) {
            return client.api("POST", target, headers, body_with(others, member, name)).status;
        };
    };
    const Headers own = in.tenant.headers();
    const Headers admin = with(in.admin, {{"x-client-code", in.tenant.code}});
    return {
        {"a source's slug", "honest", posts("/v1/sources", own, source, "slug")},
        {"a source's id", to_string(bus::SourceId{7}), posts("/v1/sources", admin, source, "id")},
        {"a source's mapping", "own", posts("/v1/sources", own, mapped, "mapping")},
        {"a client's code", "honest", posts("/api/clients", in.admin, R"("name":"x",)", "code")},
        {"a client's id", to_string(bus::TenantId{7}),
         posts("/api/clients", in.admin, R"("name":"x","code":"with-id",)", "id")},
        {"a key's id", "", posts("/api/clients/" + in.tenant.code + "/keys", own, "", "id")}};
}

std::vector<Place> placed_in_paths(const NamedIn& in) {
    const Headers own = in.tenant.headers();
    const auto asks = [&in](const std::string& method, const std::string& before,
                            const Headers& headers, const std::string& body = {}) {
        return [&client = in.client, method, before, headers, body](const std::string& name) {
            return client.api(method, before + bus::percent_encode(name), headers, body).status;
        };
    };
    return {
        {"the path of a mapping", "honest", asks("PUT", "/v1/mappings/", own, mapping)},
        {"the path of a source", "", asks("GET", "/v1/sources/", own)},
        {"the path of a client", in.tenant.code, asks("GET", "/api/clients/", in.admin)},
        {"the path of a key", "", asks("DELETE", "/api/clients/" + in.tenant.code + "/keys/", own)},
        {"the path of a webhook", "", [&in](const std::string& name) {
             return in.client.ingress("POST", "/webhooks/in/" + bus::percent_encode(name), {}, "{}")
                 .status;
         }}};
}

std::string not_refused(const Place& place, const std::vector<std::string>& names) {
    std::string all;
    for (const std::string& name : names)
        if (const int status = place.status(name); status / 100 != 4)
            all += fmt::format("{} of '{}' ", status, bus::percent_encode(name));
    return all.empty() ? "each 4xx" : all;
}

// "" when no file of the folder is called so. One that goes meanwhile may end a look: it is begun
// anew.
template <class Entries>
std::string called_in(const fs::path& folder, const std::string& leaf) {
    constexpr int looks = 20;
    std::error_code gone;
    for (int look = 0; look < looks; ++look) {
        Entries entry(folder, fs::directory_options::skip_permission_denied, gone);
        for (; !gone && entry != Entries(); entry.increment(gone))
            if (entry->path().filename().string().find(leaf) != std::string::npos)
                return entry->path().string();
        if (!gone) return {};
    }
    throw std::runtime_error(folder.string() + " cannot be read: " + gone.message());
}

// In the folder that holds the data's, with all below it, and in each one above; where the product
// was started, and where the names say.
std::string file_called(const std::string& leaf, const fs::path& data) {
    std::string found = called_in<fs::recursive_directory_iterator>(data.parent_path(), leaf);
    std::vector<fs::path> folders{fs::current_path(), "/tmp"};
    for (fs::path at = data; at != at.parent_path(); at = at.parent_path())
        folders.push_back(at.parent_path());
    for (const fs::path& folder : folders)
        if (found.empty()) found = called_in<fs::directory_iterator>(folder, leaf);
    return found.empty() ? "none" : found;
}

// A look that sees nothing would prove nothing.
std::string seen_beside(const std::string& leaf, const fs::path& data) {
    const fs::path file = data.parent_path() / (leaf + ".control");
    std::ofstream(file) << leaf;
    const std::string seen = file_called(leaf, data);
    fs::remove(file);
    return seen == file.string() ? "seen" : seen;
}

}  // namespace

void try_path_names(Section& section, const NamedIn& in, const std::string& leaf) {
    const auto names = names_of(leaf);
    std::vector<Place> places = created_in(in);
    for (Place& place : placed_in_paths(in)) places.push_back(std::move(place));
    for (const Place& place : places) {
        section.fault("names of paths as " + place.name, "each 4xx",
                      [&] { return not_refused(place, names); });
        if (!place.honest.empty())
            section.fault("an honest name as " + place.name, "2xx",
                          [&] { return fmt::format("{}xx", place.status(place.honest) / 100); });
    }
    section.fault("a file called so beside the data", "seen",
                  [&] { return seen_beside(leaf, in.data); });
    section.fault("files called so", "none", [&] { return file_called(leaf, in.data); });
}

}  // namespace tests::prove
