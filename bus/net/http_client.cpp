#include "bus/net/http_client.hpp"

#include "bus/text.hpp"

#include <curl/curl.h>

#include <algorithm>

namespace bus::net {
namespace {

struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* out) {
    static_cast<std::string*>(out)->append(data, size * count);
    return size * count;
}

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* out) {
    const std::string_view line(data, size * count);
    const auto colon = line.find(':');
    if (colon != std::string_view::npos) {
        static_cast<std::vector<http::NameValue>*>(out)->emplace_back(
            to_lower_ascii(line.substr(0, colon)), trim(line.substr(colon + 1)));
    }
    return line.size();
}

HeaderList header_list(const std::vector<http::NameValue>& headers) {
    curl_slist* list = curl_slist_append(nullptr, "Expect:");
    for (const auto& [name, value] : headers)
        list = curl_slist_append(list, fmt::format("{}: {}", name, value).c_str());
    return HeaderList{list};
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < ' ' || byte == 0x7F;
    });
}

// A line end in one of these would begin another header or request.
bool is_one_request(const ClientRequest& request) {
    for (const auto& [name, value] : request.headers) {
        if (has_control(name) || has_control(value)) return false;
    }
    return !has_control(request.method) && !has_control(request.url) &&
           request.url.find(' ') == std::string::npos;
}

}  // namespace

struct HttpClient::State {
    State() {
        static const bool started = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
        BUS_ASSERT(started, "libcurl starts");
        handle = curl_easy_init();
    }
    ~State() { curl_easy_cleanup(handle); }
    CURL* handle = nullptr;
    std::string public_key_pin;
};

HttpClient::HttpClient() : state_(std::make_unique<State>()) {}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;

void HttpClient::trust_only(std::string public_key_pin) {
    state_->public_key_pin = std::move(public_key_pin);
}

Result<http::Response> HttpClient::call(const ClientRequest& request) {
    if (!is_one_request(request))
        return fail(ErrorCode::invalid_input,
                    "a space or control character in a URL, or a control character in a header, "
                    "cannot be sent; encode it");
    http::Response response;
    const HeaderList headers = header_list(request.headers);
    CURL* curl = state_->handle;
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
    // Paths go as they are: no ".." is taken together with what stands before it.
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.deadline.count()));
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &response.body);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &response.headers);
    if (!request.body.empty() || request.method == "POST") {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         static_cast<curl_off_t>(request.body.size()));
    }
    if (!state_->public_key_pin.empty()) {  // the key is the proof, in place of chain and name
        curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, state_->public_key_pin.c_str());
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (request.method == "HEAD") curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    if (const CURLcode code = curl_easy_perform(curl); code != CURLE_OK) {
        return fail(ErrorCode::unavailable, "{} {}: {}", request.method, request.url,
                    curl_easy_strerror(code));
    }
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    response.status = static_cast<int>(status);
    for (const auto& [name, value] : response.headers) {
        if (name == "content-type") response.content_type = value;
    }
    return response;
}

}  // namespace bus::net
