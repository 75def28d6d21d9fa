#include "tools/running_instance.hpp"

#include "bus/text.hpp"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

namespace tools {
namespace {

std::filesystem::path note_file(const std::filesystem::path& data) {
    return data / "serving.json";
}

std::string read_file(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return std::move(text).str();
}

bus::Result<ServingNote> read_note(const std::filesystem::path& data) {
    const std::string text = read_file(note_file(data));
    schemas::json::Parser parser;
    const auto json = parser.parse(text);
    if (text.empty() || !json) {
        return bus::fail(bus::ErrorCode::unavailable,
                         "nothing serves {}; start it with: tributary serve --data {}",
                         data.string(), data.string());
    }
    ServingNote note{.process = static_cast<long>((*json)["process"].integer().value_or(0)),
                     .api = std::string((*json)["api"].text()),
                     .ingress = std::string((*json)["ingress"].text()),
                     .engine = std::string((*json)["engine"].text()),
                     .public_key_pin = std::string((*json)["public_key_pin"].text())};
    if (note.process <= 0 || (::kill(static_cast<pid_t>(note.process), 0) != 0 && errno == ESRCH)) {
        return bus::fail(
            bus::ErrorCode::unavailable,
            "process {} that served {} is gone; start it with: tributary serve --data {}",
            note.process, data.string(), data.string());
    }
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
    auto note = read_note(data);
    if (!note) return note.error();
    if (note->api.empty())
        return bus::fail(bus::ErrorCode::unavailable,
                         "process {} only receives; name the --data folder of the process that "
                         "projects",
                         note->process);
    RunningInstance instance;
    instance.note_ = *note;
    instance.client_.trust_only(note->public_key_pin);
    instance.admin_key_ = bus::trim(read_file(data / "admin.key"));
    return instance;
}

bus::Result<std::string> RunningInstance::get(const std::string& target,
                                              const std::string& client_code) {
    return call("GET", target, "", client_code);
}

bus::Result<std::string> RunningInstance::call(const std::string& method, const std::string& target,
                                               const std::string& body,
                                               const std::string& client_code) {
    bus::net::ClientRequest request{.method = method,
                                    .url = note_.scheme() + note_.api + target,
                                    .headers = {{"authorization", "Bearer " + admin_key_}},
                                    .body = body,
                                    .deadline = bus::milliseconds{30'000}};
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
