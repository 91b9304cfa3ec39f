#include "hub/oauth/client_documents.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/net/fetch_guard.hpp"
#include "common/net/freshness.hpp"
#include "common/net/https_url.hpp"
#include "hub/tenancy/plain_text.hpp"

namespace hub::oauth {
namespace asio = boost::asio;
using common::net::connect_error;
using common::net::http_response;

namespace {

constexpr std::chrono::seconds lifetime_min(300);
constexpr std::chrono::seconds lifetime_max(24 * 3600);
constexpr std::chrono::seconds stale_max(24 * 3600);
constexpr std::chrono::minutes throttle_window(1);
constexpr std::size_t fetches_max = 64;

std::unexpected<document_error> fail(document_errc code, std::string message) {
    return std::unexpected(document_error{code, std::move(message)});
}

bool is_json_type(const http_response& response) {
    const auto field = response.fields.find("Content-Type");
    if (!field) return false;
    auto type = tenancy::lower_case(field->substr(0, field->find(';')));
    while (type.ends_with(' ')) type.pop_back();
    return type == "application/json" || (type.starts_with("application/") && type.ends_with("+json"));
}

bool is_servers_fault(int status) { return status >= 500 || status == 429; }

}  // namespace

document_fetch fetch_documents_by(std::shared_ptr<const common::net::fetch_guard> guard) {
    return [guard = std::move(guard)](std::string url) {
        return common::net::fetch(common::net::guarded_request(std::move(url), guard));
    };
}

client_documents::client_documents(asio::any_io_executor executor, document_fetch fetch,
                                   client_documents_options options)
    : fetch_(std::move(fetch)), options_(std::move(options)), fetches_(std::move(executor)) {}

asio::awaitable<document_result> client_documents::find(std::string client_id) {
    if (auto fault = find_client_id_fault(client_id)) co_return fail(document_errc::invalid_id, std::move(*fault));
    if (auto fresh = cached(client_id, std::chrono::seconds(0))) co_return std::move(*fresh);
    const std::string host = common::net::parse_https_url(client_id)->host;
    if (!fetches_.is_under_way(client_id) && !may_fetch(host)) {
        if (auto stale = cached(client_id, stale_max)) co_return std::move(*stale);
        co_return fail(
            document_errc::throttled,
            fmt::format("Too many clients of {}, or of all, were looked up just now. Try again in a minute.", host));
    }
    std::function<asio::awaitable<document_result>()> task = [this, client_id] { return fetch(client_id); };
    co_return co_await fetches_.run(client_id, std::move(task));
}

asio::awaitable<document_result> client_documents::fetch(std::string client_id) {
    auto got = co_await fetch_(client_id);
    co_return judge(client_id, std::move(got));
}

document_result client_documents::judge(const std::string& client_id, std::expected<http_response, connect_error> got) {
    const auto problem = [&](document_errc code, std::string_view what) {
        return fail(code, fmt::format("The client's document at {} cannot be used. {}", client_id, what));
    };
    if (!got || is_servers_fault(got->status)) {
        if (auto stale = cached(client_id, stale_max)) return std::move(*stale);
        if (!got) return problem(document_errc::unavailable, got.error().message);
        return problem(document_errc::unavailable, fmt::format("Its server answers {}.", got->status));
    }
    // From here on its server has spoken: what it said before does not count any more.
    entries_.erase(client_id);
    if (got->status != 200)
        return problem(document_errc::invalid_document,
                       fmt::format("Its server answers {} instead of 200; redirects are not followed.", got->status));
    if (!is_json_type(*got))
        return problem(document_errc::invalid_document, "Its Content-Type must be application/json.");
    auto document = parse_client_document(client_id, got->body);
    if (!document) return problem(document_errc::invalid_document, document.error());
    keep(*document, common::net::freshness(got->fields, options_.wall_now(), {lifetime_min, lifetime_max}));
    return std::move(*document);
}

bool client_documents::may_fetch(const std::string& host) {
    const auto now = options_.now();
    while (!fetched_.empty() && fetched_.front().first + throttle_window <= now) fetched_.pop_front();
    const auto of_host = std::ranges::count(fetched_, host, &std::pair<time_point, std::string>::second);
    if (fetches_.under_way() >= fetches_max || fetched_.size() >= options_.fetches_per_minute ||
        static_cast<std::size_t>(of_host) >= options_.fetches_per_host_and_minute)
        return false;
    fetched_.emplace_back(now, host);
    return true;
}

std::optional<client_document> client_documents::cached(const std::string& client_id, std::chrono::seconds stale_for) {
    const auto found = entries_.find(client_id);
    if (found == entries_.end() || found->second.fresh_until + stale_for <= options_.now()) return std::nullopt;
    found->second.used = ++uses_;
    return found->second.document;
}

void client_documents::keep(const client_document& document, std::chrono::seconds fresh_for) {
    if (entries_.size() >= options_.entries_max)
        entries_.erase(std::ranges::min_element(entries_, {}, [](const auto& each) { return each.second.used; }));
    entries_.insert_or_assign(document.client_id, entry{document, options_.now() + fresh_for, ++uses_});
}

}  // namespace hub::oauth
