#include "tools/running_instance.hpp"

#include "bus/text.hpp"
#include "tools/folder_owner.hpp"
#include "tools/installation.hpp"

#include <fstream>

namespace tools {
namespace {

std::filesystem::path note_file(const std::filesystem::path& data) {
    return data / "serving.json";
}

bus::Error nothing_serves(const std::filesystem::path& data) {
    return bus::fail(bus::ErrorCode::unavailable,
                     "nothing serves {}; start it with: tributary serve --data {}", data.string(),
                     data.string());
}

bus::Result<ServingNote> read_note(const std::filesystem::path& data) {
    const auto text = read_kept(note_file(data));
    if (!text && text.error().code != bus::ErrorCode::not_found) return text.error();
    if (!text) return nothing_serves(data);
    schemas::json::Parser parser;
    const auto json = parser.parse(*text);
    if (!json) return nothing_serves(data);
    ServingNote note{.process = static_cast<long>((*json)["process"].integer().value_or(0)),
                     .api = std::string((*json)["api"].text()),
                     .ingress = std::string((*json)["ingress"].text()),
                     .engine = std::string((*json)["engine"].text()),
                     .public_key_pin = std::string((*json)["public_key_pin"].text())};
    // The number of a process says nothing: it may be another one's by now, or of another
    // container.
    if (!FolderLock::is_held(data))
        return bus::fail(
            bus::ErrorCode::unavailable,
            "process {} that served {} is gone; start it with: tributary serve --data {}",
            note.process, data.string(), data.string());
    return note;
}

// The text of a problem+json answer, for the person at the terminal.
std::string detail_of(const bus::http::Response& response) {
    schemas::json::Parser parser;
    if (const auto json = parser.parse(response.body)) {
        const auto detail = (*json)["detail"].text();
        if (!detail.empty()) return std::string(detail);
    }
    return response.body.substr(0, 200);
}

bus::ErrorCode code_of(int status) {
    if (status == 404) return bus::ErrorCode::not_found;
    return status == 503 ? bus::ErrorCode::unavailable : bus::ErrorCode::invalid_input;
}

}  // namespace

bus::Result<bus::Done> write_serving_note(const std::filesystem::path& data,
                                          const ServingNote& note) {
    std::string text;
    schemas::json::Writer(text)
        .begin_object()
        .member("process", static_cast<std::int64_t>(note.process))
        .member("api", note.api)
        .member("ingress", note.ingress)
        .member("engine", note.engine)
        .member("public_key_pin", note.public_key_pin)
        .end_object();
    std::ofstream out(note_file(data), std::ios::binary | std::ios::trunc);
    out << text << '\n';
    if (!out.flush())
        return bus::fail(bus::ErrorCode::unavailable, "cannot write {}", note_file(data).string());
    return bus::Done{};
}

void remove_serving_note(const std::filesystem::path& data) {
    std::error_code ignored;
    std::filesystem::remove(note_file(data), ignored);
}

bus::Result<RunningInstance> RunningInstance::find(const std::filesystem::path& data) {
    auto instance = find_any(data);
    if (instance && instance->only_receives())
        return bus::fail(bus::ErrorCode::unavailable,
                         "process {} only receives; name the --data folder of the process that "
                         "projects",
                         instance->note_.process);
    return instance;
}

bus::Result<RunningInstance> RunningInstance::find_any(const std::filesystem::path& data) {
    auto note = read_note(data);
    if (!note) return note.error();
    RunningInstance instance;
    instance.note_ = *note;
    instance.client_.trust_only(note->public_key_pin);
    if (instance.only_receives()) return instance;
    const auto key = read_kept(data / "admin.key");
    if (!key) return bus::fail(bus::ErrorCode::unavailable, "{}", key.error().message);
    instance.admin_key_ = bus::trim(*key);
    return instance;
}

bus::Result<std::string> RunningInstance::get(const std::string& target,
                                              const std::string& client_code) {
    return call("GET", target, "", client_code);
}

bus::Result<std::string> RunningInstance::call(const std::string& method, const std::string& target,
                                               const std::string& body,
                                               const std::string& client_code) {
    bus::net::ClientRequest request{
        .method = method,
        .url = note_.scheme() + (only_receives() ? note_.ingress : note_.api) + target,
        .headers = {},
        .body = body,
        .deadline = bus::milliseconds{30'000}};
    if (!admin_key_.empty()) request.headers.emplace_back("authorization", "Bearer " + admin_key_);
    if (!client_code.empty()) request.headers.emplace_back("x-client-code", client_code);
    if (!body.empty()) request.headers.emplace_back("content-type", "application/json");
    auto response = client_.call(request);
    if (!response) return response.error();
    if (response->status >= 300) {
        return bus::fail(code_of(response->status), "{} {} answered {}: {}", method, target,
                         response->status, detail_of(*response));
    }
    return std::move(response->body);
}

}  // namespace tools
