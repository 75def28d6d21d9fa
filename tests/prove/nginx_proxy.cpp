#include "tests/prove/nginx_proxy.hpp"

#include "tests/support/wire.hpp"

#include <fmt/format.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace tests::prove {
namespace {

constexpr const char* program = "/usr/sbin/nginx";
constexpr std::chrono::seconds start_max{10};

std::uint16_t free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(socket, reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(socket);
    return ntohs(address.sin_port);
}

// Connections to the upstream are kept and shared, so that a request left over on one would be
// answered to somebody else.
std::string configuration(const std::string& folder, std::uint16_t port,
                          const std::string& upstream) {
    return fmt::format(
        "daemon off; master_process off; pid {0}/pid; error_log {0}/error.log;\n"
        "events {{ worker_connections 512; }}\n"
        "http {{\n"
        "  log_format passed '$upstream_addr'; access_log {0}/access.log passed;\n"
        "  client_body_temp_path {0}/body; proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/f;\n"
        "  uwsgi_temp_path {0}/u; scgi_temp_path {0}/s;\n"
        "  upstream product {{ server {2}; keepalive 2; }}\n"
        "  server {{ listen 127.0.0.1:{1}; client_max_body_size 0;\n"
        "    location / {{ proxy_pass http://product; proxy_http_version 1.1;\n"
        "      proxy_set_header Connection ''; proxy_request_buffering off;\n"
        "      proxy_next_upstream off; }} }}\n"
        "}}\n",
        folder, port, upstream.substr(upstream.find("//") + 2));
}

}  // namespace

bool NginxProxy::is_installed() {
    return ::access(program, X_OK) == 0;
}

NginxProxy::NginxProxy(const std::string& upstream) {
    const std::string folder = directory_.path().string();
    const std::string file = folder + "/nginx.conf";
    const std::uint16_t port = free_port();
    std::ofstream(file) << configuration(folder, port, upstream);
    address_ = fmt::format("http://127.0.0.1:{}", port);
    pid_ = ::fork();
    if (pid_ == 0) {
        ::execl(program, program, "-p", folder.c_str(), "-c", file.c_str(), "-e", "stderr",
                static_cast<char*>(nullptr));
        ::_exit(127);
    }
    const auto deadline = std::chrono::steady_clock::now() + start_max;
    while (!Wire(port).connected()) {
        if (std::chrono::steady_clock::now() > deadline)
            throw std::runtime_error("nginx does not come up");
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
}

NginxProxy::~NginxProxy() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

std::size_t NginxProxy::requests_passed_on() const {
    std::ifstream log(directory_.path() / "access.log");
    std::size_t passed = 0;
    for (std::string upstream; std::getline(log, upstream);) passed += upstream != "-";
    return passed;
}

}  // namespace tests::prove
