#include "agent/link/device_grant.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include "common/net/http_client.hpp"
#include "common/net/url_encoding.hpp"
#include "proto/limits.hpp"

namespace agent::link {

namespace asio = boost::asio;
using nlohmann::json;

namespace {

using fields = std::vector<std::pair<std::string_view, std::string>>;

constexpr int interval_s_max = 60;
constexpr int expires_s_max = 3600;

// The hub's answer, or why there is none.
struct hub_answer {
    int status = 0;
    json body;
};

asio::awaitable<std::expected<hub_answer, std::string>> post(device_request to, std::string path, fields form) {
    common::net::http_client_request http;
    http.method = "POST";
    http.url = to.hub_url + path;
    http.fields.add("Content-Type", "application/x-www-form-urlencoded");
    for (const auto& [name, value] : form)
        http.body += fmt::format("{}{}={}", http.body.empty() ? "" : "&", name, common::net::encode_component(value));
    http.ca_file = to.ca_file;
    http.body_bytes_max = 64 * proto::limits::kib;
    http.http_proxy = common::net::proxy_for(http.url, common::net::process_environment());
    const auto response = co_await common::net::fetch(std::move(http));
    if (!response)
        co_return std::unexpected(
            fmt::format("The hub {} cannot be reached: {}", to.hub_url, response.error().message));
    co_return hub_answer{response->status, json::parse(response->body, nullptr, false)};
}

std::string text_of(const json& object, const char* name) {
    const auto found = object.is_object() ? object.find(name) : object.end();
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

int number_of(const json& object, const char* name, int otherwise, int most) {
    const auto found = object.find(name);
    return found != object.end() && found->is_number_integer() ? std::clamp(found->get<int>(), 1, most) : otherwise;
}

// Shown on a terminal: nothing that could move the cursor or hide text.
bool is_printable(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

std::string described(const hub_answer& answer) {
    std::string why = text_of(answer.body, "error_description");
    std::erase_if(why, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    if (!why.empty() && why.size() <= 500) return "The hub refused: " + why;
    if (answer.status == 404)
        return "There is no CodeZ hub at this URL, or an older one. Enrol with a join token: codez setup --hub URL --join";
    return fmt::format("The hub refused with HTTP status {}.", answer.status);
}

// What a poll says: a token, an end, or (empty) nothing yet.
std::expected<std::string, std::string> judge(const hub_answer& answer, int& interval_s) {
    if (answer.status == 200) {
        std::string token = text_of(answer.body, "access_token");
        if (token.starts_with("czj_")) return token;
        return std::unexpected("The hub does not answer as a CodeZ hub does. Is the URL right?");
    }
    const std::string error = text_of(answer.body, "error");
    if (error == "slow_down") interval_s = std::min(interval_s + 5, interval_s_max);
    if (error == "authorization_pending" || error == "slow_down" || answer.status == 429 || answer.status == 503)
        return std::string();
    if (error == "access_denied") return std::unexpected("The person refused this machine.");
    if (error == "expired_token")
        return std::unexpected("Nobody has allowed this machine in time. Run codez setup again.");
    return std::unexpected(described(answer));
}

}  // namespace

asio::awaitable<std::expected<std::string, std::string>> ask_person(device_request request, show_code show) {
    utsname names{};
    ::uname(&names);
    const std::string name = request.name.empty() ? std::string(names.nodename) : request.name;
    auto begun = co_await post(request, "/device_authorization",
                               {{"client_id", "codez-setup"},
                                {"scope", "agent:enroll"},
                                {"machine_name", name},
                                {"machine_os", fmt::format("{} {}", names.sysname, names.machine)},
                                {"machine_id", request.machine_id}});
    if (!begun) co_return std::unexpected(std::move(begun.error()));
    const device_prompt prompt{text_of(begun->body, "verification_uri"),
                               text_of(begun->body, "verification_uri_complete"), text_of(begun->body, "user_code")};
    const std::string device_code = text_of(begun->body, "device_code");
    if (begun->status != 200 || device_code.empty() || prompt.url.empty() || !is_printable(prompt.url) ||
        !is_printable(prompt.complete_url) || !is_printable(prompt.code))
        co_return std::unexpected(described(*begun));
    show(prompt);

    int interval_s = number_of(begun->body, "interval", 5, interval_s_max);
    const auto until = std::chrono::steady_clock::now() +
                       std::chrono::seconds(number_of(begun->body, "expires_in", 600, expires_s_max));
    asio::steady_timer timer(co_await asio::this_coro::executor);
    constexpr auto token = asio::as_tuple(asio::use_awaitable);
    while (std::chrono::steady_clock::now() < until) {
        timer.expires_after(std::chrono::seconds(interval_s));
        co_await timer.async_wait(token);
        const auto answer = co_await post(request, "/token",
                                          {{"grant_type", "urn:ietf:params:oauth:grant-type:device_code"},
                                           {"client_id", "codez-setup"},
                                           {"device_code", device_code}});
        if (!answer) continue;  // the hub may be restarting
        auto told = judge(*answer, interval_s);
        if (!told || !told->empty()) co_return told;
    }
    co_return std::unexpected("Nobody has allowed this machine in time. Run codez setup again.");
}

}  // namespace agent::link
