#include "tests/prove/front_proxy.hpp"

#include "tests/support/eventually.hpp"
#include "tests/support/wire.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>
#include <stdexcept>

namespace tests::prove {
namespace {

constexpr std::chrono::seconds start_max{10};

const char* const nginx_configuration = R"(
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events { worker_connections 512; }
http {
  log_format passed '$upstream_addr'; access_log {folder}/log passed;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream product { server {upstream}; keepalive 2; }
  server { listen 127.0.0.1:{port}; client_max_body_size 0;
    location / { proxy_pass http://product; proxy_http_version 1.1;
      proxy_set_header Connection ''; proxy_request_buffering off; proxy_next_upstream off; } }
}
)";

// It logs to its standard output; "%s" is the server that answered, "<NOSRV>" none.
const char* const haproxy_configuration = R"(
global
  maxconn 512
  log stdout format raw local0
defaults
  mode http
  log global
  log-format "passed %s"
  timeout connect 5s
  timeout client 10s
  timeout server 10s
  option http-keep-alive
  http-reuse always
  retries 0
frontend front
  bind 127.0.0.1:{port}
  default_backend product
backend product
  server product {upstream}
)";

std::uint16_t free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const bool bound = ::bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                       ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    ::close(socket);
    if (!bound) throw std::runtime_error("no port is free for a proxy");
    return ntohs(address.sin_port);
}

std::string filled(std::string text, std::string_view name, std::string_view value) {
    for (auto at = text.find(name); at != text.npos; at = text.find(name, at + value.size()))
        text.replace(at, name.size(), value);
    return text;
}

}  // namespace

std::vector<ProxyKind> proxy_kinds() {
    return {{.name = "nginx",
             .program = "/usr/sbin/nginx",
             .configuration = nginx_configuration,
             .flags = {"-e", "stderr", "-p", "{folder}", "-c", "{folder}/configuration"},
             .answered_itself = "-"},
            {.name = "HAProxy",
             .program = "/usr/sbin/haproxy",
             .configuration = haproxy_configuration,
             .flags = {"-db", "-f", "{folder}/configuration"},
             .answered_itself = "<NOSRV>"}};
}

bool is_installed(const ProxyKind& kind) {
    return ::access(kind.program.c_str(), X_OK) == 0;
}

FrontProxy::FrontProxy(const ProxyKind& kind, const std::string& upstream) : kind_(kind) {
    const std::string folder = directory_.path().string();
    const std::uint16_t port = free_port();
    std::string configuration = filled(kind.configuration, "{folder}", folder);
    configuration = filled(configuration, "{port}", std::to_string(port));
    std::ofstream(folder + "/configuration")
        << filled(configuration, "{upstream}", upstream.substr(upstream.find("//") + 2));
    address_ = fmt::format("http://127.0.0.1:{}", port);
    pid_ = ::fork();
    if (pid_ == 0) run(folder);
    if (!eventually([&] { return Wire(port).connected(); }, start_max))
        throw std::runtime_error(kind.name + " does not come up");
}

void FrontProxy::run(const std::string& folder) const {
    std::vector<std::string> words{kind_.program};
    for (const std::string& flag : kind_.flags) words.push_back(filled(flag, "{folder}", folder));
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const int log = ::open((folder + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(log, STDOUT_FILENO);
    ::execv(kind_.program.c_str(), arguments.data());
    ::_exit(127);
}

FrontProxy::~FrontProxy() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

std::size_t FrontProxy::requests_passed_on() const {
    std::ifstream log(directory_.path() / "log");
    std::size_t passed = 0;
    for (std::string line; std::getline(log, line);)
        passed += line.find(kind_.answered_itself) == line.npos;
    return passed;
}

}  // namespace tests::prove
