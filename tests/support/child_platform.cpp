#include "tests/support/child_platform.hpp"

#include "tests/support/eventually.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>

namespace tests {
namespace {

constexpr std::chrono::seconds start_max{90}, stop_max{90};

std::string text_of(const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    return text.str();
}

// As exec takes them.
std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (const std::string& text : texts) all.push_back(const_cast<char*>(text.c_str()));
    all.push_back(nullptr);
    return all;
}

}  // namespace

ChildPlatform::ChildPlatform(std::string program, std::string log,
                             std::vector<std::string> more_flags, std::filesystem::path data,
                             std::string role)
    : data_(data.empty() ? directory_.path() / "data" : std::move(data)),
      program_(std::move(program)) {
    flags_ = {program_, role, "--data", data_.string()};
    if (std::find(more_flags.begin(), more_flags.end(), "--partitions") == more_flags.end())
        flags_.insert(flags_.end(), {"--partitions", "4"});
    if (role != "project") flags_.insert(flags_.end(), {"--ingress", "127.0.0.1:0"});
    if (role != "receive") flags_.insert(flags_.end(), {"--api", "127.0.0.1:0"});
    if (!log.empty()) flags_.insert(flags_.end(), {"--log", std::move(log)});
    flags_.insert(flags_.end(), more_flags.begin(), more_flags.end());
}

// Between fork and exec only system calls: there may be other threads.
pid_t ChildPlatform::spawn() const {
    const std::vector<char*> arguments = pointers(flags_);
    std::vector<std::string> variables = more_environment_;
    for (char** variable = environ; *variable; ++variable) variables.emplace_back(*variable);
    const std::vector<char*> environment = pointers(variables);
    const std::string output = (directory_.path() / "output").string();
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    const int file = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(file, STDOUT_FILENO);
    ::dup2(file, STDERR_FILENO);
    ::execve(program_.c_str(), arguments.data(), environment.data());
    ::_exit(127);
}

// The note of a killed process stays behind, so the process id decides.
bool ChildPlatform::serves() {
    const std::string note = text_of(data() / "serving.json");
    schemas::json::Parser parser;
    const auto read = parser.parse(note);
    if (!read || (*read)["process"].integer() != pid_) return false;
    std::string key = text_of(data() / "admin.key");
    while (!key.empty() && key.back() == '\n') key.pop_back();
    const std::string pin = (*read)["public_key_pin"].scalar_text();
    const std::string scheme = pin.empty() ? "http://" : "https://";
    const std::string api = (*read)["api"].scalar_text();
    addresses_ = {.api = scheme + api,
                  .ingress = scheme + (*read)["ingress"].scalar_text(),
                  .admin_key = key,
                  .public_key_pin = pin};
    bus::net::HttpClient client;
    client.trust_only(pin);
    bus::net::ClientRequest question;
    question.url = (api.empty() ? addresses_.ingress : addresses_.api) + "/readyz";
    const auto answer = client.call(question);
    return answer && answer->status == 200;
}

void ChildPlatform::launch() {
    said_before_ = said().size();
    pid_ = spawn();
    REQUIRE(pid_ > 0);
}

// True when there is no child, or it has ended by now; waits for that where it may.
bool ChildPlatform::is_gone(int how_to_wait) {
    if (pid_ != 0 && ::waitpid(pid_, &status_, how_to_wait) == pid_) pid_ = 0;
    return pid_ == 0;
}

void ChildPlatform::start() {
    launch();
    const auto is_up = [&] {
        REQUIRE_MESSAGE(!is_gone(WNOHANG), "the program ended:\n", said());
        return serves();
    };
    REQUIRE_MESSAGE(eventually(is_up, start_max), "not ready:\n", said());
}

int ChildPlatform::wait_for_end() {
    is_gone(0);
    return status_;
}

bool ChildPlatform::ends_within(std::chrono::milliseconds patience) {
    return eventually([&] { return is_gone(WNOHANG); }, patience);
}

void ChildPlatform::kill() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    wait_for_end();
}

std::string ChildPlatform::kill_serving() {
    if (has_ended()) return "it ended by itself: " + how_it_ended() + "\n" + said_since_launch();
    kill();
    return {};
}

int ChildPlatform::stop() {
    if (pid_ != 0) ::kill(pid_, SIGTERM);
    if (!ends_within(stop_max)) kill();
    return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
}

std::string ChildPlatform::said() const {
    return text_of(directory_.path() / "output");
}

std::string ChildPlatform::said_since_launch() const {
    return said().substr(said_before_);
}

std::string ChildPlatform::how_it_ended() const {
    return WIFEXITED(status_) ? "exit " + std::to_string(WEXITSTATUS(status_))
                              : "signal " + std::to_string(WTERMSIG(status_));
}

}  // namespace tests
