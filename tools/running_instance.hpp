// Finds the process that serves a data folder and asks it over its API, with the operator's key.
#pragma once

#include "bus/net/http_client.hpp"
#include "schemas/json/json.hpp"

#include <filesystem>
#include <string>

namespace tools {

// What a serving process leaves in its data folder for the jobs: DIR/serving.json, removed when it
// ends. It is true only while somebody holds the folder's lock (one that was killed leaves it), and
// whoever takes the lock removes it.
struct ServingNote {
    long process = 0;
    std::string api;      // "127.0.0.1:8081"; "" = it only receives
    std::string ingress;  // "" = another process receives
    std::string engine;
    std::string public_key_pin;  // of both ports' certificate; "" = they speak plain HTTP

    std::string scheme() const { return public_key_pin.empty() ? "http://" : "https://"; }
};
bus::Result<bus::Done> write_serving_note(const std::filesystem::path& data,
                                          const ServingNote& note);
void remove_serving_note(const std::filesystem::path& data);

class RunningInstance {
public:
    // unavailable: nothing serves this folder, with how to start it; or it only receives; or its
    // note or key cannot be read.
    static bus::Result<RunningInstance> find(const std::filesystem::path& data);
    // Also one that only receives: it is asked on its public port, without the operator's key.
    static bus::Result<RunningInstance> find_any(const std::filesystem::path& data);

    const ServingNote& note() const { return note_; }
    bool only_receives() const { return note_.api.empty(); }
    // A JSON answer; any other status becomes an error with the problem's detail.
    bus::Result<std::string> get(const std::string& target, const std::string& client_code = {});
    bus::Result<std::string> call(const std::string& method, const std::string& target,
                                  const std::string& body, const std::string& client_code = {});

private:
    ServingNote note_;
    std::string admin_key_;
    bus::net::HttpClient client_;
};

}  // namespace tools
