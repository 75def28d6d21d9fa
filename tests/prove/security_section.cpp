// One tenant's data hunted with the keys of others: its marker must stand in no answer, no header
// and no line of the log; nobody's secrets stand anywhere; no credential opens what is not its own.
#include "tests/prove/bad_tokens.hpp"
#include "tests/prove/hunt_controls.hpp"
#include "tests/prove/ingress_hunt.hpp"
#include "tests/prove/path_names.hpp"
#include "tests/prove/section.hpp"
#include "tests/support/child_platform.hpp"
#include "tests/support/program_run.hpp"

#include <array>
#include <atomic>
#include <mutex>
#include <thread>

using namespace tests;

namespace {

constexpr std::size_t hunters = 4;  // each a tenant of its own, so that partitions are shared
constexpr std::size_t examples_max = 5;
constexpr int control_requests = 5'000;
constexpr std::size_t hunt_requests_aim = 1'000'000;
constexpr int hunter_requests_min = 200;  // however little time is left
// What the victim told shows in each of these.
constexpr std::array<std::string_view, 3> hunted_lists{"/v1/events?limit=200", "/v1/conversations",
                                                       "/v1/ingest/requests?limit=200"};

std::string text_of(const Answer& answer) {
    std::string text = answer.body + "\n" + answer.content_type;
    for (const auto& [name, value] : answer.headers) text += fmt::format("\n{}: {}", name, value);
    return text;
}

class SecurityWorld {
public:
    explicit SecurityWorld(prove::Section& section) : section_(section), random_(section.seed()) {
        child_.start();
        client_.emplace(child_.addresses());
        admin_ = {{"authorization", "Bearer " + child_.addresses().admin_key}};
        victim_ = prove::tell_marked(*client_, "victim", random_);
        for (std::size_t i = 0; i < hunters; ++i)
            hunting_.push_back(prove::tell_marked(*client_, fmt::format("hunter-{}", i), random_));
        routes_ = prove::routes_of(client_->api("GET", "/openapi.json").body);
        words_ = words_of(victim_);
        before_ = own_view();
    }

    void credentials() {
        const Tenant& own = hunting_[0].tenant;
        const std::string& other = victim_.tenant.code;
        const auto api = [&](const Headers& headers) {
            return std::to_string(client_->api("GET", "/v1/events", headers).status);
        };
        const auto refused = [&](const std::string& name, const std::string& status,
                                 const Headers& headers) {
            section_.fault("api: " + name, status, [&] { return api(headers); });
        };
        section_.fault("api: its own key", "200", [&] { return api(own.headers()); });
        refused("no key", "401", {});
        refused("a code without a key", "401", {{"x-client-code", other}});
        refused("a wrong key", "401", {{"x-api-key", "tk_wrong"}, {"x-client-code", other}});
        refused("an empty key", "401", {{"x-api-key", ""}, {"x-client-code", other}});
        refused(
            "a cut key", "401",
            {{"x-api-key", own.key.substr(0, own.key.size() - 1)}, {"x-client-code", own.code}});
        refused("a key and a space", "401",
                {{"x-api-key", own.key + " x"}, {"x-client-code", own.code}});
        refused("another client's code", "403", {{"x-api-key", own.key}, {"x-client-code", other}});
        for (const std::string token : {"null", "undefined", "admin", "' or 1=1"})
            refused("bearer " + token, "401",
                    {{"authorization", "Bearer " + token}, {"x-client-code", other}});
        refused(
            "basic instead of bearer", "401",
            {{"authorization", "Basic " + child_.addresses().admin_key}, {"x-client-code", other}});
        section_.fault("api: operator's routes with a client's key", "403", [&] {
            return std::to_string(
                client_->api("GET", "/v1/operator/records", own.headers()).status);
        });
        section_.fault("ingress: events with another client's code", "403",
                       [&] { return std::to_string(event(own.key, other)); });
        section_.fault("ingress: events with a wrong key", "401",
                       [&] { return std::to_string(event("tk_wrong", other)); });
        revoked();
        tokens();
    }

    void names() {
        prove::try_path_names(section_,
                              {.client = *client_,
                               .tenant = hunting_[0].tenant,
                               .admin = admin_,
                               .data = child_.data()},
                              "leaf" + prove::random_word(random_, 12));
    }

    // The same requests find the marker when its owner asks: the hunt would see a leak.
    void control() {
        prove::RouteHunt hunt(routes_, words_, victim_.tenant.code, section_.seed());
        bool is_listed = false;
        for (int i = 0; i < control_requests && !is_listed; ++i) {
            const auto request = hunt.next();
            is_listed =
                request.method == "GET" && !request.by_id &&
                prove::shows_marker(*client_, request, victim_.tenant.headers(), victim_.marker);
        }
        section_.fault("the owner's own words in lists, asked by the same hunt", "some",
                       [&] { return is_listed ? "some" : "none"; });
        prove::control_reads(section_, *client_, routes_, words_, victim_);
        prove::control_codes(section_, *client_, routes_, words_, victim_,
                             with(admin_, {{"x-client-code", hunting_[0].tenant.code}}));
    }
    void control_of_writes() {
        const auto spare = prove::tell_marked(*client_, "spare", random_);
        prove::control_writes(section_, *client_, routes_, words_of(spare), spare);
    }

    void hunt() {
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < hunters; ++i) threads.emplace_back([this, i] { hunt_as(i); });
        for (std::thread& thread : threads) thread.join();
        section_.fault("another tenant's words in an answer", "none", [&] { return leaks(); });
        section_.fault("another tenant's data changed", "no",
                       [&] { return changed_at(before_, own_view()); });
        if (requests_ < hunt_requests_aim)
            section_.untried(fmt::format("a hunt of {} requests", hunt_requests_aim),
                             fmt::format("{} were asked in the time", requests_.load()));
        fmt::print("requests={} answered_2xx_of_v1={} answered_5xx={} cut={} routes={}\n",
                   requests_.load(), good_.load(), faults_.load(), cut_.load(), routes_.size());
        section_.fault("requests that are answered as our fault", "none", [&] {
            return faults_ == 0 ? std::string("none") : std::to_string(faults_) + " " + fault_;
        });
        section_.fault("requests without an answer", "0",
                       [&] { return fmt::format("{}{}", cut_.load(), cut_of_); });
    }

    void hunt_by_ingress() {
        prove::hunt_by_ingress(section_, *client_, victim_, hunting_.front());
    }

    void logs_and_secrets() {
        const std::string metrics =
            client_->api("GET", "/metrics").body + client_->ingress("GET", "/metrics").body;
        const std::string tail = run_program({TRIBUTARY_PROGRAM, "tail", "--data",
                                              child_.data().string(), "--last", "200"})
                                     .out;
        (void)child_.stop();
        const std::string said = child_.said();
        section_.fault("another tenant's words in the log", "none",
                       [&] { return said.find(victim_.marker) == said.npos ? "none" : "some"; });
        std::vector<std::string> secrets{child_.addresses().admin_key};
        for (const auto& one : hunting_)
            secrets.insert(secrets.end(), one.secrets.begin(), one.secrets.end());
        secrets.insert(secrets.end(), victim_.secrets.begin(), victim_.secrets.end());
        const auto search = [&](const std::string& name, const std::string& text) {
            section_.fault("secrets in " + name, "none", [&]() -> std::string {
                for (const std::string& secret : secrets)
                    if (text.find(secret) != text.npos) return "some";
                return text.empty() ? "nothing was there to search" : "none";
            });
        };
        search("the log", said);
        search("the metrics", metrics);
        search("what tail prints", tail);
    }

private:
    int event(const std::string& key, const std::string& code) {
        return event({{"x-api-key", key}, {"x-client-code", code}});
    }
    int event(const Headers& credentials) {
        return client_
            ->ingress("POST", "/v1/events",
                      with(credentials, {{"content-type", "application/cloudevents+json"}}),
                      R"({"specversion":"1.0","id":"1","source":"/a","type":"a.b"})")
            .status;
    }
    // As the admin's key and as a client's, on both ports.
    void tokens() {
        const Tenant& other = victim_.tenant;
        const auto all = prove::bad_tokens(child_.addresses().admin_key, other.key, other.code);
        for (const prove::BadToken& bad : all)
            for (const bus::http::NameValue& credential :
                 {bus::http::NameValue{"authorization", "Bearer " + bad.token},
                  bus::http::NameValue{"x-api-key", bad.token}}) {
                const Headers headers{credential, {"x-client-code", other.code}};
                section_.fault(fmt::format("JWT as {}: {}", credential.first, bad.name),
                               "api 401, ingress 401", [&] {
                                   return fmt::format(
                                       "api {}, ingress {}",
                                       client_->api("GET", "/v1/events", headers).status,
                                       event(headers));
                               });
            }
    }
    void revoked() {
        const Tenant gone = client_->create_tenant("gone");
        const Document keys(client_->api("GET", "/api/clients/gone/keys", admin_));
        const auto id = std::string(keys.data()[0]["id"].text());
        (void)client_->api("DELETE", "/api/clients/gone/keys/" + id, admin_);
        section_.fault("api: a revoked key", "401", [&] {
            return std::to_string(client_->api("GET", "/v1/events", gone.headers()).status);
        });
        section_.fault("ingress: a revoked key", "401",
                       [&] { return std::to_string(event(gone.key, "gone")); });
    }

    // What a tenant sees of itself: ids, cursors, positions, times.
    prove::HuntWords words_of(const prove::MarkedTenant& told) {
        prove::HuntWords words;
        std::vector<std::string> ids;
        for (const std::string_view list : hunted_lists) add_ids_of(told, std::string(list), ids);
        for (const prove::HuntedRoute& route : routes_) {
            if (route.method != "GET" || !route.path.starts_with("/v1/")) continue;
            if (route.is_by_id()) continue;
            for (const std::string more : {"", "?limit=2", "?limit=200"}) {
                const auto answer = client_->read(told.tenant, route.path + more, told.position);
                prove::collect_words(answer.body, told.marker, words);
            }
        }
        prove::collect_words(keys_of(told), told.marker, words);
        words.all.insert(told.position);
        words.all.insert(told.tenant.code);
        words.of_member["code"].insert(told.tenant.code);
        for (int i = 0; i < 6; ++i) words.all.insert(fmt::format("+9198000077{:02}", i));
        for (const std::string& id : ids)
            if (!words.all.contains(id)) throw std::runtime_error(id + " is not hunted with");
        fmt::print("words={} ids={}\n", words.all.size(), ids.size());
        return words;
    }
    std::string keys_of(const prove::MarkedTenant& told) {
        const auto keys = client_->api("GET", "/api/clients/" + told.tenant.code + "/keys",
                                       told.tenant.headers());
        if (keys.status != 200) throw std::runtime_error("its keys cannot be read: " + keys.body);
        return keys.body;
    }
    // All but those that hold the marker, which would be found wherever they are repeated.
    void add_ids_of(const prove::MarkedTenant& told, const std::string& list,
                    std::vector<std::string>& ids) {
        const Document shown = client_->list(told.tenant, list, told.position);
        const std::size_t before = ids.size();
        for (const schemas::json::Value row : shown.data()) {
            const std::string id = row["id"].scalar_text();
            if (id.find(told.marker) == id.npos) ids.push_back(id);
        }
        if (ids.size() == before) throw std::runtime_error(list + " shows no ids to hunt with");
    }
    // A position is one of a partition, which tenants share.
    static std::string without_positions(std::string body) {
        constexpr std::string_view name = R"("position":")";
        for (auto at = body.find(name); at != body.npos; at = body.find(name, at)) {
            const auto end = body.find('"', at + name.size());
            body.erase(at, end + 1 - at);
        }
        return body;
    }
    // Its own lists, as it reads them; a hunt must leave them as they are.
    std::string own_view() {
        std::string all;
        for (const std::string list :
             {"/v1/sources", "/v1/events?limit=200", "/v1/conversations", "/v1/mappings",
              "/v1/ivr-calls", "/v1/billing/customers", "/v1/emails"}) {
            const auto shown = client_->list(victim_.tenant, list, victim_.position);
            if (shown.size() == 0) throw std::runtime_error(list + " shows its owner nothing");
            all += without_positions(client_->read(victim_.tenant, list, victim_.position).body);
        }
        all += keys_of(victim_);
        if (all.find(victim_.marker) == all.npos)
            throw std::runtime_error("the marker is not where its owner reads");
        return all;
    }

    // "no", or what stands there now and did not before.
    static std::string changed_at(const std::string& before, const std::string& now) {
        if (before == now) return "no";
        const auto differ = std::mismatch(before.begin(), before.end(), now.begin(), now.end());
        const auto at = static_cast<std::size_t>(differ.second - now.begin());
        const std::size_t shown = std::min<std::size_t>(at, 60);
        return "yes: " + now.substr(at - shown, 2 * shown + 60);
    }

    void hunt_as(std::size_t place) {
        const prove::MarkedTenant& hunter = hunting_[place];
        prove::RouteHunt hunt(routes_, words_, victim_.tenant.code, section_.seed() * 100 + place);
        bus::net::HttpClient http;
        for (int asked = 0; asked < hunter_requests_min || section_.time_left(); ++asked) {
            prove::HuntRequest request = hunt.next();
            bus::net::ClientRequest call;
            call.method = request.method;
            call.url = child_.addresses().api + request.target;
            call.headers = prove::replaced(hunter.tenant.headers(), request.headers);
            call.body = request.body;
            const auto answer = http.call(call);
            ++requests_;
            if (answer)
                judge(request, *answer);
            else
                note_cut(request, answer.error().message);
        }
    }
    void note_cut(const prove::HuntRequest& request, const std::string& why) {
        const std::lock_guard lock(mutex_);
        if (++cut_ == 1) cut_of_ = fmt::format(" {} {}: {}", request.method, request.target, why);
    }
    void judge(const prove::HuntRequest& request, const Answer& answer) {
        // Routes beside these need no key.
        good_ += answer.status / 100 == 2 && request.target.starts_with("/v1/");
        const bool ours = answer.status >= 500 && answer.status != 501 && answer.status != 503;
        const std::string text = text_of(answer);
        bool leaked = text.find(victim_.marker) != text.npos;
        for (const std::string& secret : victim_.secrets)
            leaked = leaked || text.find(secret) != text.npos;
        if (!ours && !leaked) return;
        const std::lock_guard lock(mutex_);
        if (ours && fault_.empty()) fault_ = request.method + " " + request.target;
        faults_ += ours;
        if (leaked && examples_.size() < examples_max)
            examples_.push_back(request.method + " " + request.target);
    }
    std::string leaks() const {
        if (good_ == 0)
            return fmt::format("of {} requests none to /v1 was answered 2xx", requests_.load());
        std::string all;
        for (const std::string& example : examples_) all += example + " ";
        return all.empty() ? "none" : all;
    }

    prove::Section& section_;
    std::mt19937_64 random_;
    ChildPlatform child_{TRIBUTARY_PROGRAM, "embedded", {"--log-level", "debug"}};
    std::optional<ProductClient> client_;
    Headers admin_;
    prove::MarkedTenant victim_;
    std::vector<prove::MarkedTenant> hunting_;
    std::vector<prove::HuntedRoute> routes_;
    prove::HuntWords words_;
    std::string before_;
    std::atomic<std::size_t> requests_{0}, good_{0}, faults_{0}, cut_{0};
    std::mutex mutex_;
    std::string fault_, cut_of_;  // guarded by mutex_, as below
    std::vector<std::string> examples_;
};

}  // namespace

int main(int argc, char** argv) {
    prove::Section section(argc, argv,
                           "Hunts one tenant's words with the keys of others, through every route.",
                           "security_section --seed 7 --seconds 60");
    std::optional<SecurityWorld> world;
    section.must("start", [&] {
        world.emplace(section);
        return "";
    });
    if (!world) return section.finish();
    for (const auto part :
         {&SecurityWorld::credentials, &SecurityWorld::names, &SecurityWorld::control,
          &SecurityWorld::control_of_writes, &SecurityWorld::hunt, &SecurityWorld::hunt_by_ingress,
          &SecurityWorld::logs_and_secrets})
        section.attempt("security", [&] {
            ((*world).*part)();
            return "";
        });
    return section.finish();
}
